package gitrepo

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

// call is one run of git.
type call struct {
	args       []string
	gitDir     string   // value of --git-dir, "" for commands that need none
	alternates []string // object directories to read besides
	index      string   // index file, "" for none
	folder     string   // to run in; "" for gitDir
	transport  *transport
	stdin      io.Reader
	stdout     io.Writer
}

// transport marks a call that talks to a server.
type transport struct {
	watch    string // folder whose size is what was received, "" for none
	progress func(line string)
}

// run runs git to its end. A context that ends kills git and everything that
// it started; the error is then the context's.
func (g *Git) run(ctx context.Context, c call) error {
	if c.transport != nil {
		return g.runGuarded(ctx, c)
	}
	stderr := new(tail)
	cmd := g.command(ctx, c)
	cmd.Stderr = stderr
	return g.finish(ctx, c, stderr, cmd.Run())
}

// runGuarded is run for calls that talk to a server.
func (g *Git) runGuarded(ctx context.Context, c call) error {
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var activity atomic.Int64
	stderr := &tail{seen: &activity, line: c.transport.progress}
	cmd := g.command(runCtx, c)
	cmd.Stderr = stderr
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		g.guard(done, cancel, c.transport.watch, &activity)
	}()
	err := cmd.Run()
	close(done)
	<-stopped
	if cause := context.Cause(runCtx); err != nil && cause != nil && ctx.Err() == nil {
		return cause
	}
	return g.finish(ctx, c, stderr, err)
}

// finish turns the outcome of a run into our error.
func (g *Git) finish(ctx context.Context, c call, stderr *tail, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r
	}
	return &runError{command: c.args[0], said: stderr.lines(), err: err}
}

// runError is a run of git that failed.
type runError struct {
	command string
	said    []string // the last lines of its stderr, escaped
	err     error
}

func (e *runError) Error() string {
	if len(e.said) == 0 {
		return fmt.Sprintf("running git %s: %v", e.command, e.err)
	}
	return fmt.Sprintf("running git %s: git said: %s", e.command, strings.Join(e.said, "; "))
}

// guard ends a transport that receives nothing for too long, takes too long or
// receives too much.
func (g *Git) guard(done <-chan struct{}, cancel context.CancelCauseFunc, watch string, activity *atomic.Int64) {
	ticker := time.NewTicker(min(200*time.Millisecond, g.limits.stall/4))
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
		case received > g.limits.fetchBytes:
			cancel(tooMuch(g.limits.fetchBytes))
		case time.Since(last) > g.limits.stall:
			cancel(&TransportError{Detail: fmt.Sprintf("nothing arrived for %v", g.limits.stall)})
		case time.Since(begun) > MaxFetchTime:
			cancel(&TransportError{Detail: fmt.Sprintf("the transfer took longer than %v", MaxFetchTime)})
		}
	}
}

func tooMuch(limitBytes int64) *refusal.Refusal {
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

// command prepares a run: full path, our own folder, our own environment.
func (g *Git) command(ctx context.Context, c call) *exec.Cmd {
	args := []string{"--no-pager"}
	for _, setting := range settings(c.transport != nil) {
		args = append(args, "-c", setting)
	}
	if c.gitDir != "" {
		args = append(args, "--git-dir="+c.gitDir)
	}
	cmd := exec.CommandContext(ctx, g.path, append(args, c.args...)...)
	cmd.Env = environment(c)
	// Never the user's folder: nothing may be discovered there.
	cmd.Dir = cmp.Or(c.folder, c.gitDir, filepath.Dir(g.path))
	cmd.Stdin, cmd.Stdout = c.stdin, c.stdout
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 10 * time.Second // for a pipe that some grandchild keeps open
	setGroup(cmd)
	return cmd
}

// settings are given on the command line, where they win over every
// configuration file (git-config(1), "-c" in git(1)).
func settings(transports bool) []string {
	s := []string{
		"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null",
		"gc.auto=0", "maintenance.auto=false", "submodule.recurse=false", "protocol.allow=never",
	}
	if !transports {
		return s
	}
	return append(s,
		"protocol.https.allow=always", "protocol.ssh.allow=always", "http.followRedirects=false",
		"transfer.bundleURI=false", "fetch.fsckObjects=true", "fetch.unpackLimit=1", "transfer.unpackLimit=1", // one pack, however few the objects
		"fetch.recurseSubmodules=false", "fetch.prune=false", "fetch.pruneTags=false", "fetch.writeCommitGraph=false", "fetch.output=full",
		"fetch.negotiationAlgorithm=noop") // nothing that is there makes anything else needless
}

// environment is the whole environment of a run: nothing of ours is inherited
// but what is named here.
func environment(c call) []string {
	env := []string{
		"PATH=" + absolutePath(os.Getenv("PATH")), "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_ADVICE=0",
	}
	if len(c.alternates) > 0 {
		env = append(env, "GIT_ALTERNATE_OBJECT_DIRECTORIES="+alternates(c.alternates))
	}
	if c.index != "" {
		env = append(env, "GIT_INDEX_FILE="+c.index)
	}
	inherited := []string{"SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "TEMP", "TMP", "TMPDIR"}
	if c.transport != nil {
		env = append(env, "GIT_ALLOW_PROTOCOL=https:ssh")
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
		quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(dir) + `"`
	}
	return strings.Join(quoted, string(os.PathListSeparator))
}
