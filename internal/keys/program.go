package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
)

// inherited are the variables that the programs get: where the user's keys and
// agents are, and how to ask the user.
var inherited = []string{
	"HOME", "XDG_CONFIG_HOME", "PATH", "GNUPGHOME", "SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE",
	"GPG_TTY", "TERM", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "TMPDIR",
	"USERPROFILE", "APPDATA", "LOCALAPPDATA", "SystemRoot", "SystemDrive", "TEMP", "TMP", "PATHEXT",
}

func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// run is one run of a program.
type run struct {
	name  string
	args  []string
	stdin io.Reader
	talk  io.Writer
	most  int  // bytes of stdout
	dir   bool // whether it runs beside the program, where it finds no repository; else where this program does
}

// statusError is a program that ended with a status and without a word.
type statusError struct {
	name   string
	status int
}

// Error returns one sentence.
func (e *statusError) Error() string {
	return fmt.Sprintf("running %s: it ended with status %d", e.name, e.status)
}

// do runs a program, in the user's session so that it can ask on the terminal,
// and returns what it printed.
func (r run) do(ctx context.Context) ([]byte, error) {
	path, err := exec.LookPath(r.name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the program %s is needed: %w", r.name, err)
	}
	out := &limited{most: r.most}
	said := &tail{talk: r.talk}
	cmd := exec.CommandContext(ctx, path, r.args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment(), r.stdin, out, said
	cmd.WaitDelay = 5 * time.Second // for a pipe that some grandchild keeps open
	if r.dir {
		cmd.Dir = filepath.Dir(path)
	}
	err = cmd.Run()
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err() //nolint:wrapcheck // the context's own error
	case out.tooLong:
		return nil, fmt.Errorf("%s printed more than %d bytes", r.name, r.most)
	case err != nil && said.text() != "":
		return nil, fmt.Errorf("%s said: %s", r.name, said.text())
	case exited && exit.Exited():
		return nil, &statusError{r.name, exit.ExitCode()}
	case err != nil:
		return nil, fmt.Errorf("running %s: %w", r.name, err)
	}
	return out.buffer.Bytes(), nil
}

// limited is a buffer that refuses to grow beyond a limit.
type limited struct {
	buffer  bytes.Buffer
	most    int
	tooLong bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.buffer.Len()+len(p) > l.most {
		l.tooLong = true
		return 0, errors.New("too long")
	}
	return l.buffer.Write(p) //nolint:wrapcheck // never fails
}

// maxTailBytes is how much of what a program said an error repeats.
const maxTailBytes = 1024

// tail hands on what a program says while it says it, prompts without a line
// feed as well, and keeps the end of it.
type tail struct {
	talk io.Writer
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	for i, line := range strings.Split(string(p), "\n") {
		if i > 0 {
			_, _ = io.WriteString(t.talk, "\n")
		}
		_, _ = io.WriteString(t.talk, escape.Text(strings.TrimSuffix(line, "\r"))) // the user can sign without seeing it
	}
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-maxTailBytes):]
	return len(p), nil
}

// text returns the end of what was said as one line, escaped.
func (t *tail) text() string {
	lines := strings.FieldsFunc(string(t.kept), func(r rune) bool { return r == '\n' || r == '\r' })
	return escape.Text(strings.Join(lines, "; "))
}
