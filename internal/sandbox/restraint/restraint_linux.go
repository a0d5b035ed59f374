package restraint

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Set restrains a process that is held back.
func Set(pid int, r Restraint) error {
	limits := map[int]int64{unix.RLIMIT_CORE: 0}
	if r.OutputBytes > 0 {
		limits[unix.RLIMIT_FSIZE] = r.OutputBytes
	}
	if r.Processes > 0 && countsByNamespace() {
		limits[unix.RLIMIT_NPROC] = int64(r.Processes) + processesMargin
	}
	for resource, value := range limits {
		var now unix.Rlimit
		if err := unix.Prlimit(pid, resource, nil, &now); err != nil {
			return os.NewSyscallError("prlimit", err)
		}
		limit := min(uint64(value), now.Max) // nobody may raise the hard limit
		if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
			return os.NewSyscallError("prlimit", err)
		}
	}
	return setProcessors(pid, r.CPUs)
}

// processesMargin is how far a program gets past its limit of processes before
// the kernel stops it: what a shell can start while nobody looks, so that the
// limit is seen to be passed.
const processesMargin = 512

// containerProcesses is the limit of processes of the user of a container, far
// below what any root may set (podman's own default is not).
const containerProcesses = 1 << 14

// Ulimits returns the limits of a container in the form of podman-run(1),
// --ulimit: those of this process, since podman's own may be higher, which not
// every root may set.
func Ulimits() []string {
	found := []string{fmt.Sprintf("--ulimit=nproc=%d:%d", containerProcesses, containerProcesses)}
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err == nil && now.Max <= math.MaxInt32 {
		found = append(found, fmt.Sprintf("--ulimit=nofile=%d:%d", now.Max, now.Max))
	}
	return found
}

// countsByNamespace reports whether RLIMIT_NPROC counts the processes of one
// user namespace only: since Linux 5.14 (commit 21d1c5e386bc).
func countsByNamespace() bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false
	}
	var major, minor int
	if n, _ := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); n != 2 {
		return false
	}
	return major > 5 || major == 5 && minor >= 14
}

// setProcessors leaves a process the first n processors of this one's.
func setProcessors(pid, n int) error {
	if n == 0 {
		return nil
	}
	var own, few unix.CPUSet
	if err := unix.SchedGetaffinity(0, &own); err != nil {
		return os.NewSyscallError("sched_getaffinity", err)
	}
	if n > own.Count() {
		return fmt.Errorf("%d processors are asked for, and there are %d", n, own.Count())
	}
	for cpu := 0; few.Count() < n; cpu++ {
		if own.IsSet(cpu) {
			few.Set(cpu)
		}
	}
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(pid, &few))
}
