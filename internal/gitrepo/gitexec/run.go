package gitexec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/countermark/countermark/internal/refusal"
)

// Call is one run of git.
type Call struct {
	Args       []string
	GitDir     string     // value of --git-dir, "" for commands that need none
	ObjectDir  string     // to write objects into, and to read; "" for that of GitDir
	Alternates []string   // object directories to read besides
	Durable    bool       // what is written must survive a crash of the machine
	Index      string     // index file, "" for none
	Folder     string     // to run in; "" for GitDir
	Transport  *Transport // nil for calls that talk to no server: then none can be talked to
	Stdin      io.Reader
	Stdout     io.Writer
}

// Transport marks a call that talks to a server. Only such a call gets the
// user's own configuration, keys and proxies.
type Transport struct {
	Watch    string            // folder whose size is what was received, "" for none
	Local    bool              // the server is a repository on this machine, whose path the user typed
	Progress func(line string) // is given every line that git says, escaped; may be nil
}

// Run runs git to its end. A context that ends kills git and everything that
// it started; the error is then the context's.
func (p *Program) Run(ctx context.Context, c Call) error {
	if c.Transport != nil {
		return p.runGuarded(ctx, c)
	}
	stderr := new(Tail)
	out := &catcher{Writer: c.Stdout}
	cmd := p.Command(ctx, c)
	cmd.Stderr = stderr
	if c.Stdout != nil {
		cmd.Stdout = out
	}
	err := cmd.Run()
	return p.finish(ctx, c, stderr, cmp.Or(out.err, err))
}

// catcher keeps the error of a writer: git ends when it cannot write on, and
// package exec tells of that only.
type catcher struct {
	io.Writer
	err error
}

func (w *catcher) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.err = cmp.Or(w.err, err)
	return n, err //nolint:wrapcheck // Run returns it as it is
}

// runGuarded is Run for calls that talk to a server.
func (p *Program) runGuarded(ctx context.Context, c Call) error {
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var activity atomic.Int64
	stderr := &Tail{seen: &activity, Line: c.Transport.Progress}
	out := &catcher{Writer: c.Stdout}
	cmd := p.Command(runCtx, c)
	cmd.Stderr = stderr
	if c.Stdout != nil {
		cmd.Stdout = out
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		p.guard(done, cancel, c.Transport.Watch, &activity)
	}()
	err := cmd.Run()
	close(done)
	<-stopped
	if cause := context.Cause(runCtx); err != nil && cause != nil && ctx.Err() == nil {
		return cause
	}
	return p.finish(ctx, c, stderr, cmp.Or(out.err, err))
}

// finish turns the outcome of a run into our error.
func (p *Program) finish(ctx context.Context, c Call, stderr *Tail, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r
	}
	return &RunError{Said: stderr.Lines(), command: c.Args[0], err: err}
}

// RunError is a run of git that failed. Callers may look for it with errors.As.
type RunError struct {
	Said    []string // the last lines of its stderr, escaped
	command string
	err     error
}

// StallError is a transfer that was ended because it took too long. Callers
// may look for it with errors.As.
type StallError struct {
	Detail string // one sentence
}

// Error returns the detail.
func (e *StallError) Error() string { return e.Detail }

// Error returns one line.
func (e *RunError) Error() string {
	if len(e.Said) == 0 {
		return fmt.Sprintf("running git %s: %v", e.command, e.err)
	}
	return fmt.Sprintf("running git %s: git said: %s", e.command, strings.Join(e.Said, "; "))
}

// Status returns git's exit status, -1 if it did not exit by itself.
func (e *RunError) Status() int {
	if exit, ok := errors.AsType[*exec.ExitError](e.err); ok {
		return exit.ExitCode()
	}
	return -1
}

// guard ends a transport that receives nothing for too long, takes too long or
// receives too much.
func (p *Program) guard(done <-chan struct{}, cancel context.CancelCauseFunc, watch string, activity *atomic.Int64) {
	ticker := time.NewTicker(min(200*time.Millisecond, p.Limits.Stall/4))
	defer ticker.Stop()
	begun, last, lastSum := time.Now(), time.Now(), int64(-1)
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		received := folderBytes(watch)
		if sum := received + activity.Load(); sum != lastSum {
			last, lastSum = time.Now(), sum
		}
		switch {
		case received > p.Limits.FetchBytes:
			cancel(TooMuch(p.Limits.FetchBytes))
		case time.Since(last) > p.Limits.Stall:
			cancel(&StallError{fmt.Sprintf("nothing arrived for %v", p.Limits.Stall)})
		case time.Since(begun) > MaxFetchTime:
			cancel(&StallError{fmt.Sprintf("the transfer took longer than %v", MaxFetchTime)})
		}
	}
}

// TooMuch is the refusal of a server that sends more than the limit.
func TooMuch(limitBytes int64) *refusal.Refusal {
	return refusal.New(refusal.GitLimit, "the server sends more than %d bytes", limitBytes)
}

// folderBytes returns the size of all files below a folder that may change
// meanwhile.
func folderBytes(dir string) int64 {
	var sum int64
	if dir == "" {
		return 0
	}
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil // a file may vanish while git renames it
	})
	return sum
}

// Command prepares a run: full path, our own folder, our own environment.
func (p *Program) Command(ctx context.Context, c Call) *exec.Cmd {
	args := []string{"--no-pager"}
	for _, setting := range settings(c) {
		args = append(args, "-c", setting)
	}
	if c.GitDir != "" {
		args = append(args, "--git-dir="+c.GitDir)
	}
	cmd := exec.CommandContext(ctx, p.path, append(args, c.Args...)...)
	cmd.Env = environment(c)
	// Never the user's folder: nothing may be discovered there.
	cmd.Dir = cmp.Or(c.Folder, c.GitDir, filepath.Dir(p.path))
	cmd.Stdin, cmd.Stdout = c.Stdin, c.Stdout
	cmd.Cancel = func() error { return Kill(cmd) }
	cmd.WaitDelay = 10 * time.Second // for a pipe that some grandchild keeps open
	setGroup(cmd)
	return cmd
}

// settings are given on the command line, where they win over every
// configuration file (git-config(1), "-c" in git(1)).
func settings(c Call) []string {
	s := []string{
		"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null",
		"gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "protocol.allow=never",
	}
	if c.Durable {
		s = append(s, "core.fsync=all", "core.fsyncMethod=fsync")
	}
	if c.Transport == nil {
		return s
	}
	if c.Transport.Local {
		s = append(s, "protocol.file.allow=always")
	}
	return append(s,
		"protocol.https.allow=always", "protocol.ssh.allow=always", "http.followRedirects=false",
		"transfer.bundleURI=false", "fetch.fsckObjects=true", "fetch.unpackLimit=1", "transfer.unpackLimit=1", // one pack, however few the objects
		"fetch.recurseSubmodules=false", "fetch.prune=false", "fetch.pruneTags=false", "fetch.writeCommitGraph=false", "fetch.output=full",
		"fetch.negotiationAlgorithm=noop") // nothing that is there makes anything else needless
}

// environment is the whole environment of a run: nothing of ours is inherited
// but what is named here.
func environment(c Call) []string {
	env := []string{
		"PATH=" + absolutePath(os.Getenv("PATH")), "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_ADVICE=0",
	}
	if c.ObjectDir != "" {
		env = append(env, "GIT_OBJECT_DIRECTORY="+c.ObjectDir)
	}
	if len(c.Alternates) > 0 {
		env = append(env, "GIT_ALTERNATE_OBJECT_DIRECTORIES="+alternates(c.Alternates))
	}
	if c.Index != "" {
		env = append(env, "GIT_INDEX_FILE="+c.Index)
	}
	inherited := []string{"SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "TEMP", "TMP", "TMPDIR"}
	if c.Transport != nil {
		env = append(env, "GIT_ALLOW_PROTOCOL="+protocols(c.Transport))
		inherited = append(inherited, "HOME", "XDG_CONFIG_HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "SSH_AUTH_SOCK",
			"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
			"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")
	} else {
		env = append(env, "GIT_CONFIG_GLOBAL="+nullDevice, "GIT_ALLOW_PROTOCOL=none")
	}
	for _, key := range inherited {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	return env
}

func protocols(t *Transport) string {
	if t.Local {
		return "file"
	}
	return "https:ssh"
}

// nullDevice is /dev/null on every system: git for Windows knows it too.
const nullDevice = "/dev/null"

// absolutePath drops the parts of a search path that are relative to the
// current folder.
func absolutePath(path string) string {
	var kept []string
	for _, dir := range filepath.SplitList(path) {
		if filepath.IsAbs(dir) {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, string(os.PathListSeparator))
}

// alternates writes object directories as GIT_ALTERNATE_OBJECT_DIRECTORIES
// takes them: in double quotes with C's escapes, so that any path fits (git(1)).
func alternates(dirs []string) string {
	quoted := make([]string, len(dirs))
	for i, dir := range dirs {
		if runtime.GOOS == "windows" {
			dir = filepath.ToSlash(dir)
		}
		quoted[i] = QuotePath(dir)
	}
	return strings.Join(quoted, string(os.PathListSeparator))
}

// QuotePath writes a path in double quotes with C's escapes, as git reads it in lists
// of alternates (object-file.c, parse_alt_odb_entry).
func QuotePath(path string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(path) + `"`
}
