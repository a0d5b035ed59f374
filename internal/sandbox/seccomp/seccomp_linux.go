package seccomp

import (
	"bytes"
	"encoding/binary"
	"runtime"

	"golang.org/x/sys/unix"
)

// auditArch returns the number of this architecture in seccomp(2), and false
// for those that no filter is written for: big-endian ones, those with another
// order of clone's arguments, and those that reach sockets by socketcall(2).
func auditArch() (uint32, bool) {
	switch runtime.GOARCH {
	case "amd64":
		return unix.AUDIT_ARCH_X86_64, true
	case "arm64":
		return unix.AUDIT_ARCH_AARCH64, true
	case "riscv64":
		return unix.AUDIT_ARCH_RISCV64, true
	}
	return 0, false
}

// Where struct seccomp_data has its parts (seccomp(2)); of an argument the
// lower half, which a little-endian machine has first.
const (
	offsetNumber   = 0
	offsetArch     = 4
	offsetArgument = 16
	argumentSize   = 8
)

// x32Bit marks the system calls of the x32 ABI, which has the architecture
// number of x86-64 (seccomp(2), "CAVEATS").
const x32Bit = 0x40000000

// families are the kinds of sockets that there may be. All others reach
// something that no network namespace keeps apart (virtual machines' vsock,
// Bluetooth) or the kernel's less tried parts.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

// newNamespaces are the flags of clone(2) and unshare(2) by which a program
// would get capabilities over a network of its own, which nobody watches.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWUTS |
	unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP

// filter is a program of classic BPF.
type filter []unix.SockFilter

func (f *filter) add(code uint16, jt, jf uint8, k uint32) {
	*f = append(*f, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
}

func (f *filter) load(offset uint32) { f.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, 0, 0, offset) }

func (f *filter) allow() { f.add(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ALLOW) }

func (f *filter) fail(errno uint32) {
	f.add(unix.BPF_RET|unix.BPF_K, 0, 0, unix.SECCOMP_RET_ERRNO|errno)
}

// jumpEqual skips jt instructions if the loaded word is k, else jf.
func (f *filter) jumpEqual(k uint32, jt, jf int) {
	f.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, uint8(jt), uint8(jf), k)
}

// on adds what is done about one system call; it must not fall through.
func (f *filter) on(number uint32, then filter) {
	f.jumpEqual(number, 0, len(then))
	*f = append(*f, then...)
}

// Filter returns the filter for this architecture, false if there is none. It is as bwrap wants it: struct sock_filter after
// struct sock_filter, in the machine's byte order. The list is flatpak's
// (common/flatpak-run.c, setup_seccomp), with io_uring, which would make
// sockets past the filter.
func Filter() ([]byte, bool) {
	arch, known := auditArch()
	if !known {
		return nil, false
	}
	var f filter
	f.load(offsetArch)
	f.jumpEqual(arch, 1, 0)
	f.fail(uint32(unix.ENOSYS)) // another ABI of the same machine, whose numbers are others
	f.load(offsetNumber)
	if arch == unix.AUDIT_ARCH_X86_64 {
		f.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, 0, 1, x32Bit)
		f.fail(uint32(unix.ENOSYS))
	}
	for _, number := range []uint32{unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN,
		unix.SYS_USERFAULTFD, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT} {
		f.on(number, failing(uint32(unix.EPERM)))
	}
	// ENOSYS lets programs fall back: the flags of clone3 and the mode of
	// openat2 lie where they cannot be looked at.
	for _, number := range []uint32{unix.SYS_CLONE3, unix.SYS_OPENAT2, unix.SYS_IO_URING_SETUP, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT} {
		f.on(number, failing(uint32(unix.ENOSYS)))
	}
	for _, call := range modeCalls(arch) {
		f.on(call.number, modeRule(call))
	}
	f.on(unix.SYS_SOCKET, socketRule())
	f.on(unix.SYS_CLONE, namespaceRule())
	f.on(unix.SYS_UNSHARE, namespaceRule())
	f.on(unix.SYS_IOCTL, terminalRule())
	f.allow()
	var b bytes.Buffer
	for _, instruction := range f {
		// The buffer takes all, and the type has a fixed size: no error.
		_ = binary.Write(&b, binary.NativeEndian, instruction)
	}
	return b.Bytes(), true
}

func failing(errno uint32) filter {
	var f filter
	f.fail(errno)
	return f
}

func socketRule() filter {
	var f filter
	f.load(offsetArgument)
	for i, family := range families {
		f.jumpEqual(family, len(families)-i, 0)
	}
	f.fail(uint32(unix.EAFNOSUPPORT))
	f.allow()
	return f
}

func namespaceRule() filter {
	var f filter
	f.load(offsetArgument)
	f.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 0, 1, newNamespaces)
	f.fail(uint32(unix.EPERM))
	f.allow()
	return f
}

// modeCall is a system call that gives a file its mode, and where among its
// arguments, from 0, that is.
type modeCall struct {
	number, mode uint32
	flags        int // the argument with O_CREAT, without which there is no mode; -1 if there is none
}

func modeCalls(arch uint32) []modeCall {
	calls := []modeCall{{unix.SYS_FCHMOD, 1, -1}, {unix.SYS_FCHMODAT, 2, -1}, {unix.SYS_MKNODAT, 2, -1}, {unix.SYS_OPENAT, 3, 2},
		{452, 2, -1}} // fchmodat2, of Linux 6.6
	if arch == unix.AUDIT_ARCH_X86_64 {
		// arch/x86/entry/syscalls/syscall_64.tbl: open, creat, chmod, mknod.
		calls = append(calls, modeCall{2, 2, 1}, modeCall{85, 1, -1}, modeCall{90, 1, -1}, modeCall{133, 1, -1})
	}
	return calls
}

// modeRule forbids set-user-ID and set-group-ID: inside they do nothing, but
// outside, others could run such a file with the rights of whoever ran this.
// Nix forbids the same (src/libstore, setupSeccomp).
func modeRule(c modeCall) filter {
	var f filter
	if c.flags >= 0 {
		f.load(offsetArgument + uint32(c.flags)*argumentSize)
		f.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 1, 0, unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY)
		f.allow()
	}
	f.load(offsetArgument + c.mode*argumentSize)
	f.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, 0, 1, unix.S_ISUID|unix.S_ISGID)
	f.fail(uint32(unix.EPERM))
	f.allow()
	return f
}

// terminalRule forbids typing into a terminal and pasting into a console
// (ioctl_tty(2), CVE-2017-5226).
func terminalRule() filter {
	const tioclinux = 0x541C // of asm-generic/ioctls.h, as all three architectures have it
	var f filter
	f.load(offsetArgument + argumentSize)
	f.jumpEqual(unix.TIOCSTI, 2, 0)
	f.jumpEqual(tioclinux, 1, 0)
	f.allow()
	f.fail(uint32(unix.EPERM))
	return f
}
