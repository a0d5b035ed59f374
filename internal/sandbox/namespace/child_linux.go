package namespace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/countermark/countermark/internal/escape"
)

// Child is the first process of a sandbox.
type Child struct {
	pidfd     int
	proc      string // its folder in /proc
	namespace string // its process namespace, as readlink shows it
	snmp      *os.File
	snmp6     *os.File // nil where the kernel has no IPv6
}

// Open opens the counters of the child's network namespace; they can be
// read as long as they are open, also when the namespace has no process any
// more. network is the number of that namespace, 0 if it is not known.
func Open(pid int, network uint64) (*Child, error) {
	proc := "/proc/" + strconv.Itoa(pid)
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	c := &Child{pidfd: pidfd, proc: proc}
	if err := c.open(network); err != nil {
		c.Kill() // nobody else knows of it
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Child) open(network uint64) error {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err
	}
	theirs, err := os.Readlink(c.proc + "/ns/net")
	if err != nil {
		return err
	}
	if theirs == own || network != 0 && theirs != fmt.Sprintf("net:[%d]", network) {
		return fmt.Errorf("the network namespace %s is not the sandbox's own", escape.Quote(theirs))
	}
	if c.namespace, err = os.Readlink(c.proc + "/ns/pid"); err != nil {
		return err
	}
	if c.snmp, err = os.Open(c.proc + "/net/snmp"); err != nil {
		return err
	}
	if c.snmp6, err = os.Open(c.proc + "/net/snmp6"); errors.Is(err, os.ErrNotExist) {
		return nil // ipv6.disable=1: then there is no socket of IPv6 either
	}
	return err
}

// Counters reads the counters as they are.
func (c *Child) Counters() (Counters, error) {
	var n Counters
	text, err := reread(c.snmp)
	if err != nil {
		return n, err
	}
	if n.ipv4, err = parseSNMP(text); err != nil || c.snmp6 == nil {
		return n, err
	}
	if text, err = reread(c.snmp6); err != nil {
		return n, err
	}
	n.ipv6, err = parseSNMP6(text)
	return n, err
}

// maxCounterBytes is more than the files of counters have: 6 KB here.
const maxCounterBytes = 256 << 10

func reread(f *os.File) ([]byte, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxCounterBytes))
}

// Processes counts the processes and threads in the sandbox's own /proc. Until
// that is mounted, the folder shows another one.
func (c *Child) Processes(most int) int {
	inner := filepath.Join(c.proc, "root", "proc")
	if link, err := os.Readlink(filepath.Join(inner, "1", "ns", "pid")); err != nil || link != c.namespace {
		return 0
	}
	return countThreads(inner, most)
}

// Kill kills the process, and so all of its namespace.
func (c *Child) Kill() { _ = unix.PidfdSendSignal(c.pidfd, unix.SIGKILL, nil, 0) } // an error: it has ended

// Wait waits for the end of the process.
func (c *Child) Wait(most time.Duration) error {
	deadline := time.Now().Add(most)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("the processes of the sandbox have not ended within %v", most)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(c.pidfd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if n > 0 {
			return nil
		}
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
	}
}

// Close closes what is open of it.
func (c *Child) Close() {
	_ = unix.Close(c.pidfd)
	for _, f := range []*os.File{c.snmp, c.snmp6} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// countThreads counts the threads of all processes that a /proc shows, no
// further than to most: that it looks at each is time that a fork bomb uses.
func countThreads(proc string, most int) int {
	f, err := os.Open(proc)
	if err != nil {
		return 0
	}
	defer f.Close()
	n := 0
	for n < most {
		names, err := f.Readdirnames(100)
		for _, name := range names {
			if _, err := strconv.Atoi(name); err == nil {
				n += threads(filepath.Join(proc, name, "task"))
			}
		}
		if err != nil {
			break // the end, as a rule; what could be read counts
		}
	}
	return n
}

// threads returns how many threads a process has: its folder has a link for
// each, and two more (proc_task_getattr in fs/proc/base.c).
func threads(task string) int {
	var stat unix.Stat_t
	if err := unix.Stat(task, &stat); err != nil {
		return 0
	}
	return max(1, int(stat.Nlink)-2)
}
