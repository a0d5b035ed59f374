package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/countermark/countermark/internal/sandbox/handover"
	"github.com/countermark/countermark/internal/sandbox/namespace"
	"github.com/countermark/countermark/internal/sandbox/obstacle"
	"github.com/countermark/countermark/internal/sandbox/restraint"
	"github.com/countermark/countermark/internal/sandbox/seccomp"
	"github.com/countermark/countermark/internal/sandbox/session"
	"github.com/countermark/countermark/internal/sandbox/testament"
	"github.com/countermark/countermark/internal/sandbox/version"
)

// The version from which bubblewrap has an option, by its NEWS.md.
var (
	hasPerms         = version.Number{0, 5, 0}
	hasSize          = version.Number{0, 7, 0}
	hasDisableUserns = version.Number{0, 8, 0}
	oldestBubblewrap = version.Number{0, 4, 0} // --json-status-fd tells the exit status (0.3.2); Debian 11 has 0.4.1
)

func findBubblewrap(ctx context.Context) (*Sandbox, error) {
	path, said, err := version.Ask(ctx, "bwrap")
	if err != nil {
		return nil, err
	}
	v, err := version.Parse("bubblewrap ", said)
	if err != nil {
		return nil, fmt.Errorf("asking %q for its version: %v", path, err)
	}
	if v.Before(oldestBubblewrap) {
		return nil, fmt.Errorf("looking for bubblewrap: %q is version %s, at least %s is needed", path, v, oldestBubblewrap)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("looking for bubblewrap: %w", err)
	}
	isolated := []string{"users", "mounts", "processes", "IPC", "network", "host name", "control groups where the kernel can", "terminal session"}
	if _, known := seccomp.Filter(); known {
		isolated = append(isolated, "system calls")
	}
	return &Sandbox{version: v, setuid: info.Mode()&os.ModeSetuid != 0,
		about: Description{Kind: Bubblewrap, Path: path, Version: v.String(), Isolated: isolated, NetworkWatched: true}}, nil
}

// bwrap is a run under bubblewrap.
type bwrap struct {
	cmd    *exec.Cmd
	p      Program
	status *os.File // of --json-status-fd
	block  *os.File // of --block-fd
	gate   *handover.Gate
	last   *testament.Testament
	passed []*os.File
	child  atomic.Pointer[namespace.Child]
	told   atomic.Bool // release knows whether there is a child
	begun  time.Time
	before namespace.Counters
}

// last kills what a death of this process left behind: bwrap's child, if bwrap
// died before it told the child to go on. It is known by a word that stands among
// bwrap's arguments until the program is executed.
const last = `for attempt in 1 2 3 4 5 6 7 8 9 10
do
	for file in $(printf '%s' "$secret" | grep -lF -f - /proc/[0-9]*/cmdline)
	do
		file=${file#/proc/}
		kill -KILL "${file%/cmdline}"
	done
	sleep 0.5
done >/dev/null 2>&1`

// bubblewrap prepares a run.
func (s *Sandbox) bubblewrap(p Program) (job, error) {
	g, err := handover.NewGate()
	if err != nil {
		return nil, err
	}
	b := &bwrap{p: p, gate: g, passed: g.Theirs, begun: time.Now()}
	word := "countermark-" + rand.Text()
	b.last, err = testament.Write(word, last)
	var arguments []string
	if err == nil {
		arguments, err = s.bwrapArguments(b, word)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	b.cmd = exec.Command(s.about.Path, arguments...)
	// bwrap gets no variable; the program's own are set inside.
	b.cmd.Env, b.cmd.Dir, b.cmd.ExtraFiles = []string{}, "/", b.passed
	session.Separate(b.cmd)
	return b, nil
}

// pass gives bwrap an open file, and returns its number there: package exec
// hands extra files on from 3.
func (b *bwrap) pass(f *os.File) string {
	b.passed = append(b.passed, f)
	return strconv.Itoa(len(b.passed) + 2)
}

// passBytes gives bwrap a file with some content.
func (b *bwrap) passBytes(content []byte) (string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	number := b.pass(read)
	_, err = write.Write(content) // a pipe takes 4096 bytes and more at once (pipe(7))
	return number, errors.Join(err, write.Close())
}

func (b *bwrap) command() *exec.Cmd { return b.cmd }

func (b *bwrap) close() {
	handover.CloseAll(b.passed)
	handover.CloseAll([]*os.File{b.status, b.block})
	b.gate.Close()
	if b.last != nil {
		b.last.Revoke()
	}
	if c := b.child.Load(); c != nil {
		c.Close()
	}
}

// release lets bwrap go on in two steps. At the first it waits, with its child
// told, before the program is started: what is set then is inherited. At the
// second, the gate, the sandbox is complete: bwrap is killed with this process, and
// the first process of the sandbox, which is the one at the gate, with bwrap. bwrap
// goes on from the first also when this process dies there, and may have no tie to
// it yet; from the gate it does not.
func (b *bwrap) release() error {
	defer b.told.Store(true)
	handover.CloseAll(b.passed)
	line, err := readLine(b.status)
	if err != nil || len(line) == 0 {
		return err // bwrap has ended, and exit will tell
	}
	about, err := parseStatus(line)
	if err != nil {
		return err
	}
	if about.child <= 1 {
		return errors.New("bubblewrap did not tell its child's process id")
	}
	c, err := namespace.Open(about.child, about.network)
	if err != nil {
		return err
	}
	b.child.Store(c)
	if err := restraint.Set(about.child, b.p.restraint(true)); err != nil {
		return err
	}
	if _, err := b.block.Write([]byte{1}); err != nil {
		return err
	}
	if there, err := b.gate.Wait(); err != nil || !there {
		return err
	}
	if b.before, err = c.Counters(); err != nil {
		return err
	}
	return b.gate.Open()
}

// readLine reads to the first line feed or to the end, byte by byte: what
// follows is for later.
func readLine(f *os.File) ([]byte, error) {
	var line []byte
	one := make([]byte, 1)
	for len(line) < maxStatusBytes {
		n, err := f.Read(one)
		if n == 1 {
			line = append(line, one[0])
		}
		if err == io.EOF || n == 1 && one[0] == '\n' {
			return line, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading what bubblewrap tells: %w", err)
		}
	}
	return nil, errors.New("bubblewrap tells more than is expected")
}

func (b *bwrap) processes(most int) int {
	if c := b.child.Load(); c != nil {
		return c.Processes(most)
	}
	return 0
}

// setUpTime is how long bwrap may take until it tells its child.
const setUpTime = 10 * time.Second

// kill spares bwrap until its child is known: the child waits for it then, and
// would wait for ever.
func (b *bwrap) kill() {
	c := b.child.Load()
	if c == nil && !b.told.Load() && time.Since(b.begun) < setUpTime {
		return
	}
	if c != nil {
		c.Kill()
	}
	_ = b.cmd.Process.Kill() // an error: it has ended
}

// settle waits for the first process of the sandbox, which ends when all others
// of its namespace have ended (pid_namespaces(7)).
func (b *bwrap) settle() error {
	b.kill()
	b.gate.Shut()
	if c := b.child.Load(); c != nil {
		return c.Wait(settleTime)
	}
	return nil
}

// exit returns what bwrap told of the program. It tells nothing if the program
// was never executed.
func (b *bwrap) exit(int, string) (int, bool) {
	_ = b.status.SetReadDeadline(time.Now().Add(drainTime)) // a pipe has deadlines; all that hold the other end have ended
	for {
		line, err := readLine(b.status)
		if err != nil || len(bytes.TrimSpace(line)) == 0 {
			return 0, false
		}
		if about, err := parseStatus(line); err == nil && about.exit != nil {
			return *about.exit, true
		}
	}
}

func (b *bwrap) network() (namespace.Network, error) {
	c := b.child.Load()
	if c == nil {
		return namespace.Network{}, nil
	}
	after, err := c.Counters()
	if err != nil {
		return namespace.Network{}, err
	}
	return after.Since(b.before), nil
}

func (b *bwrap) explain(said string) error {
	if o := obstacle.Of(said); o != nil {
		return o
	}
	return neverRan(Bubblewrap, said)
}
