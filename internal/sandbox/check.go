package sandbox

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func (p Program) withDefaults() Program {
	p.Dir = cmp.Or(p.Dir, "/")
	p.Hostname = cmp.Or(p.Hostname, DefaultHostname)
	p.User, p.Group = cmp.Or(p.User, DefaultUser), cmp.Or(p.Group, DefaultUser)
	p.UserName = cmp.Or(p.UserName, DefaultUserName)
	p.Umask = cmp.Or(p.Umask, DefaultUmask)
	return p
}

// nobody is the id that stands for all that have no name in a user namespace
// (user_namespaces(7), overflowuid).
const nobody = 65534

var (
	hostname = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) // a label, RFC 1123 section 2.1
	userName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)               // what useradd(8) takes anywhere
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)             // a name, POSIX.1-2017 section 8.1
)

// check refuses what no sandbox of this kind could run as it was asked.
func (p Program) check(kind Kind) error {
	switch {
	case len(p.Arguments) == 0 || p.Arguments[0] == "":
		return refuse("no program is named")
	case strings.HasPrefix(p.Arguments[0], "-") || strings.Contains(p.Arguments[0], "="):
		return refuse("the program's name %q begins with a dash or holds an equals sign; name it by a path without", p.Arguments[0])
	case !isClean(p.Dir):
		return refuse("the folder %q is not an absolute path in its shortest form", p.Dir)
	case p.User < 1 || p.User >= nobody || p.Group < 1 || p.Group >= nobody:
		return refuse("user %d and group %d are to be between 1 and %d", p.User, p.Group, nobody-1)
	case p.Umask > 0o777:
		return refuse("the umask %#o is above 0777", p.Umask)
	case !hostname.MatchString(p.Hostname):
		return refuse("the host name %q is not made of lower-case letters, digits and inner dashes", p.Hostname)
	case !userName.MatchString(p.UserName):
		return refuse("the user's name %q is not made of lower-case letters, digits and dashes", p.UserName)
	case p.CPUs < 0 || p.Limits.Time < 0 || p.Limits.OutputBytes < 0 || p.Limits.Files < 0 || p.Limits.Processes < 0 || p.Limits.PrintedBytes < 0:
		return refuse("a limit or the number of processors is negative")
	}
	for _, text := range slices.Concat(p.Arguments, p.Environment, []string{p.Dir, p.System}) {
		if strings.ContainsRune(text, 0) {
			return refuse("an argument, a variable or a path holds a NUL byte: %q", text)
		}
	}
	if p.System != "" && !filepath.IsAbs(p.System) {
		return refuse("the root filesystem %q is not an absolute path", p.System)
	}
	if err := p.checkEnvironment(); err != nil {
		return err
	}
	return p.checkBinds(kind)
}

func (p Program) checkEnvironment() error {
	names := map[string]bool{}
	for _, pair := range p.Environment {
		name := variable.FindString(pair)
		if name == "" {
			return refuse("the environment entry %q is not NAME=value", pair)
		}
		if names[name] {
			return refuse("the environment has %q twice", strings.TrimSuffix(name, "="))
		}
		names[name] = true
	}
	return nil
}

// ours are the folders that the sandbox makes itself.
var ours = []string{"/", "/dev", "/etc", "/proc", "/sys", "/tmp", "/run", "/usr"}

func (p Program) checkBinds(kind Kind) error {
	for _, b := range p.Binds {
		switch {
		case !filepath.IsAbs(b.Source) || strings.ContainsRune(b.Source, 0):
			return refuse("the folder %q to be shown is not an absolute path", b.Source)
		case !isClean(b.Target) || strings.ContainsRune(b.Target, 0):
			return refuse("the place %q of a folder is not an absolute path in its shortest form", b.Target)
		case kind == UnsafeNone && filepath.Clean(b.Source) != filepath.FromSlash(b.Target):
			return refuse("without a sandbox %q cannot be shown as %q", b.Source, b.Target)
		case kind != UnsafeNone && slices.Contains(ours, b.Target):
			return refuse("%q is made by the sandbox, so nothing else can be shown there; choose a folder below it, or another", b.Target)
		case kind == Podman && strings.ContainsAny(b.Source+b.Target+p.System, ":,"):
			return refuse("podman cannot show a path with a colon or a comma: %q as %q, of %q", b.Source, b.Target, p.System)
		case kind == Docker && strings.ContainsAny(b.Source+b.Target+p.System, ",\"\r\n"):
			return refuse("docker cannot show a path with a comma, a double quote or a line feed: %q as %q, of %q", b.Source, b.Target, p.System)
		}
	}
	if kind == UnsafeNone && p.System != "" {
		return refuse("without a sandbox the programs of %q cannot be used in place of this machine's", p.System)
	}
	if kind == Podman && p.System == "" {
		return refuse("podman needs a root filesystem; this machine's programs can only be used under bubblewrap")
	}
	return nil
}

// targets returns where something is shown besides.
func (p Program) targets() []string {
	targets := make([]string, len(p.Binds))
	for i, b := range p.Binds {
		targets[i] = b.Target
	}
	return targets
}

func isClean(name string) bool { return path.IsAbs(name) && path.Clean(name) == name }

func refuse(format string, args ...any) error {
	return fmt.Errorf("checking what is to be run: "+format, args...)
}
