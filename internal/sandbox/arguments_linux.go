package sandbox

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/countermark/countermark/internal/sandbox/etc"
	"github.com/countermark/countermark/internal/sandbox/seccomp"
)

// bwrapArguments returns the arguments of bwrap(1), and opens the files that
// they name by number.
func (s *Sandbox) bwrapArguments(b *bwrap) ([]string, error) {
	p := b.p
	a := []string{"--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
		"--die-with-parent", "--new-session", "--cap-drop", "ALL",
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
	return append(a, p.shellArguments(heldSetUp)...), nil
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
	private := []string{"/tmp", "/dev/shm", "/run"}
	if p.System == "" || isFolder(filepath.Join(p.System, "var", "tmp")) {
		private = append(private, "/var/tmp")
	}
	for _, dir := range private {
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
	root := p.System
	shown := func(name string) bool { return !slices.Contains(etc.MadeTop, name) }
	inEtc := func(name string) bool { return !isOwnEtc(name) }
	if root == "" {
		root = "/"
		shown = func(name string) bool { return slices.Contains(etc.HostTop, name) }
		inEtc = isHostEtc
	}
	a, err := showEntries(root, "/", shown)
	if err != nil {
		return nil, err
	}
	shownEtc, err := showEntries(filepath.Join(root, "etc"), "/etc", inEtc)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	a = append(append(a, "--dir", "/etc"), shownEtc...)
	if p.System == "" {
		for _, store := range etc.HostStores {
			a = append(a, "--ro-bind-try", store, store)
		}
		// What an administrator has put beside the programs may be secret.
		if isFolder("/usr/local/etc") {
			a = append(a, "--tmpfs", "/usr/local/etc", "--remount-ro", "/usr/local/etc")
		}
	}
	return a, nil
}

// showEntries shows the chosen entries of a folder: links as links, all else
// read-only.
func showEntries(from, at string, chosen func(string) bool) ([]string, error) {
	entries, err := os.ReadDir(from)
	if err != nil {
		return nil, err
	}
	var a []string
	for _, e := range entries {
		if !chosen(e.Name()) {
			continue
		}
		source, target := filepath.Join(from, e.Name()), path.Join(at, e.Name())
		switch {
		case e.Type()&os.ModeSymlink != 0:
			to, err := os.Readlink(source)
			if err != nil {
				return nil, err
			}
			a = append(a, "--symlink", to, target)
		case e.IsDir() || e.Type().IsRegular():
			a = append(a, "--ro-bind", source, target)
		}
	}
	return a, nil
}

func isOwnEtc(name string) bool {
	return slices.ContainsFunc(etc.Own(0, 0, "", ""), func(f etc.File) bool { return f.Name == name })
}

func isHostEtc(name string) bool {
	return slices.Contains(etc.Host, name) || slices.ContainsFunc(etc.HostPatterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
