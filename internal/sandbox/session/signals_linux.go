package session

import (
	"bufio"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Start starts a program for which every signal does what it does after a login:
// what nohup(1), or a shell that runs something in the background, has this process
// ignore or block, children would go on ignoring and blocking. The goroutine must be
// locked to its thread.
func Start(cmd *exec.Cmd) error {
	// Go gives a child the default for what it catches itself (package os/signal).
	// Where it ignored before, it catches and drops meanwhile.
	caught := make(chan os.Signal, 1)
	for _, s := range ignored() {
		signal.Notify(caught, s)
	}
	defer signal.Stop(caught)
	var none, before unix.Sigset_t // the mask of a thread is inherited
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &before); err != nil {
		return os.NewSyscallError("rt_sigprocmask", err)
	}
	err := cmd.Start()
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) // it succeeded a moment ago
	return err
}

// ignored returns the signals that this process ignores now, by the kernel's word
// (proc_pid_status(5), SigIgn); none if that cannot be read. Real-time signals are
// no shell's business.
func ignored() []os.Signal {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []os.Signal
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, found := strings.CutPrefix(lines.Text(), "SigIgn:")
		mask, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
		for s := syscall.SIGHUP; found && err == nil && s <= syscall.SIGSYS; s++ {
			if mask&(1<<(s-1)) != 0 {
				all = append(all, s)
			}
		}
	}
	return all
}
