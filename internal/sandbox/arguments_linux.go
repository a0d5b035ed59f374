package sandbox

import (
	"os"
	"strconv"

	"github.com/countermark/countermark/internal/sandbox/etc"
	"github.com/countermark/countermark/internal/sandbox/seccomp"
	"github.com/countermark/countermark/internal/sandbox/view"
)

// bwrapArguments returns the arguments of bwrap(1), and opens the files that
// they name by number. The word stands among them and means nothing.
//
// The first process of the sandbox is the shell of innerSetUp, not bwrap's own: that
// one binds its life to bwrap's after it has started the program, so that both could
// live on if bwrap died in between (do_init in bubblewrap.c).
func (s *Sandbox) bwrapArguments(b *bwrap, word string) ([]string, error) {
	p := b.p
	a := []string{"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
		"--die-with-parent", "--as-pid-1", "--unsetenv", word, "--new-session", "--cap-drop", "ALL",
		"--uid", strconv.Itoa(p.User), "--gid", strconv.Itoa(p.Group), "--hostname", p.Hostname}
	if !s.version.Before(hasDisableUserns) && !s.setuid {
		a = append(a, "--disable-userns")
	}
	system, err := p.systemArguments()
	if err != nil {
		return nil, err
	}
	a = append(a, system...)
	for _, f := range etc.Own(p.User, p.Group, p.UserName, p.Hostname) {
		number, err := b.passBytes([]byte(f.Content))
		if err != nil {
			return nil, err
		}
		a = append(a, "--file", number, "/etc/"+f.Name)
	}
	a = append(a, s.madeArguments(p)...)
	for _, bind := range p.Binds {
		how := "--ro-bind"
		if bind.Writable {
			how = "--bind"
		}
		a = append(a, how, bind.Source, bind.Target)
	}
	a = append(a, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", p.Dir)
	pipes, err := b.pipes()
	if err != nil {
		return nil, err
	}
	a = append(append(a, pipes...), "--")
	return append(a, p.shellArguments(innerSetUp)...), nil
}

// pipes are those through which bwrap tells, waits, and gets its filter.
func (b *bwrap) pipes() ([]string, error) {
	var a []string
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	b.status = read
	a = append(a, "--json-status-fd", b.pass(write))
	if read, write, err = os.Pipe(); err != nil {
		return nil, err
	}
	b.block = write
	a = append(a, "--block-fd", b.pass(read))
	if filter, known := seccomp.Filter(); known {
		number, err := b.passBytes(filter)
		if err != nil {
			return nil, err
		}
		a = append(a, "--seccomp", number)
	}
	return a, nil
}

// madeArguments are the folders that are private to a run, and empty.
func (s *Sandbox) madeArguments(p Program) []string {
	// Whoever runs this as root has root's id outside, to whom the kernel's
	// settings in /proc belong: a program without any capability could set
	// them.
	a := []string{"--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"}
	for _, dir := range view.Private(p.System) {
		if !s.version.Before(hasPerms) {
			a = append(a, "--perms", "1777")
		}
		if most := p.Limits.OutputBytes; most > 0 && !s.version.Before(hasSize) {
			a = append(a, "--size", strconv.FormatInt(most, 10))
		}
		a = append(a, "--tmpfs", dir)
	}
	return a
}

// systemArguments show the programs and libraries, and what of /etc goes with
// them.
func (p Program) systemArguments() ([]string, error) {
	shown, err := view.Of(p.System, p.targets()...)
	if err != nil {
		return nil, err
	}
	a := []string{"--dir", "/etc"}
	for _, e := range shown {
		if e.Source == "" {
			a = append(a, "--symlink", e.Link, e.Target)
		} else {
			a = append(a, "--ro-bind", e.Source, e.Target)
		}
	}
	for _, dir := range view.Hidden(p.System) {
		a = append(a, "--tmpfs", dir, "--remount-ro", dir)
	}
	return a, nil
}
