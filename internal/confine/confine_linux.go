package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readable lists what a confined program may read and execute: the system's
// programs and libraries, wherever the symbolic links of a merged /usr lead,
// and the loader's cache.
func readable() []rule {
	const read, run = unix.LANDLOCK_ACCESS_FS_READ_FILE, unix.LANDLOCK_ACCESS_FS_EXECUTE
	return []rule{
		{"/usr", read | run}, {"/lib", read | run}, {"/lib64", read | run}, {"/bin", read | run},
		{"/etc/ld.so.cache", read},
	}
}

type rule struct {
	path   string
	access uint64
}

// startConfined starts cmd inside a Landlock domain, if the kernel has that,
// and says in words how it is confined. Only the thread that starts cmd enters
// the domain, and it ends right afterwards: no other thread of this process is
// restricted.
func startConfined(cmd *exec.Cmd) (string, error) {
	f, err := newFence()
	if err != nil {
		return "", fmt.Errorf("preparing Landlock: %v", err)
	}
	if f == nil {
		return "resource limits only", cmd.Start()
	}
	defer f.close()
	return "Landlock", onThrowawayThread(func() error {
		if err := f.enter(); err != nil {
			return fmt.Errorf("entering Landlock: %v", err)
		}
		return cmd.Start()
	})
}

// onThrowawayThread calls f on a thread that does nothing else, never clones
// another (package runtime has a template thread for that) and ends with f.
// The process's first thread cannot end, so it is passed over.
func onThrowawayThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // without unlocking: the thread ends with this goroutine
		if unix.Gettid() != unix.Getpid() {
			done <- f()
			return
		}
		done <- onThrowawayThread(f)
		runtime.UnlockOSThread()
	}()
	return <-done
}

// fence is a Landlock ruleset (landlock(7)).
type fence struct{ fd int }

// newFence returns nil without an error if the kernel has no Landlock.
func newFence() (*fence, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch errno {
	case 0:
	case unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM: // not built, not enabled, or hidden by a container
		return nil, nil
	default:
		return nil, errno
	}
	attr := handled(int(abi))
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return nil, errno
	}
	f := &fence{int(fd)}
	for _, r := range readable() {
		if err := f.allow(r); err != nil && !errors.Is(err, os.ErrNotExist) {
			f.close()
			return nil, err
		}
	}
	return f, nil
}

// handled returns everything that a version of Landlock can forbid. Kernels
// accept the longer attributes of later versions if these are zero.
func handled(abi int) unix.LandlockRulesetAttr {
	// The versions are those of landlock(7), "VERSIONS".
	attr := unix.LandlockRulesetAttr{Handled_access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	if abi >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return attr
}

func (f *fence) allow(r rule) error {
	fd, err := unix.Open(r.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: r.path, Err: err}
	}
	defer unix.Close(fd)
	attr := unix.LandlockPathBeneathAttr{Allowed_access: r.access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(f.fd), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("allowing %q: %v", r.path, errno)
	}
	return nil
}

// enter restricts the calling thread, for good.
func (f *fence) enter() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(f.fd), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func (f *fence) close() { unix.Close(f.fd) }

// limit sets the resource limits of a child (getrlimit(2)).
func limit(pid int, addressBytes int64) error {
	for _, l := range []struct {
		resource int
		value    uint64
	}{
		{unix.RLIMIT_AS, uint64(addressBytes)},
		{unix.RLIMIT_CPU, cpuSeconds},
		{unix.RLIMIT_NOFILE, maxOpenFiles},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_NPROC, 0},
		{unix.RLIMIT_CORE, 0},
	} {
		if err := unix.Prlimit(pid, l.resource, &unix.Rlimit{Cur: l.value, Max: l.value}, nil); err != nil {
			return os.NewSyscallError("prlimit", err)
		}
	}
	return nil
}

// enlarge asks for a larger pipe. Where that is refused the default serves.
func enlarge(pipe *os.File) {
	if conn, err := pipe.SyscallConn(); err == nil {
		conn.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeBytes) })
	}
}
