// Package obstacle tells why a machine does not let bubblewrap run, and what to
// do about it.
package obstacle

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/countermark/countermark/internal/escape"
)

// Error says that this machine does not let a sandbox run, for a cause
// that is known.
type Error struct {
	Said   string // by the sandboxing program, escaped
	Cause  string // one clause
	Advice string // one line: what to do
}

// Error returns the cause and what was said.
func (e *Error) Error() string {
	return fmt.Sprintf("running a program under bubblewrap: %s (%s)", e.Cause, e.Said)
}

// surroundings are what this machine is set to.
type surroundings struct {
	appArmorRestricts bool // Ubuntu 23.10 and later
	cloneForbidden    bool // Debian's own switch
	noUserNamespaces  bool // none is allowed by number
	container         bool // inside docker, podman or the like
	filtered          bool // a seccomp filter is set on this process
}

// lookAround reads the settings that keep user namespaces away.
func lookAround() surroundings {
	is := func(file, value string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.TrimSpace(string(text)) == value
	}
	exists := func(file string) bool {
		_, err := os.Stat(file)
		return err == nil
	}
	if runtime.GOOS != "linux" {
		return surroundings{}
	}
	status, _ := os.ReadFile("/proc/self/status") // without it, nothing is known
	return surroundings{
		appArmorRestricts: is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
		cloneForbidden:    is("/proc/sys/kernel/unprivileged_userns_clone", "0"),
		noUserNamespaces:  is("/proc/sys/user/max_user_namespaces", "0"),
		container:         exists("/.dockerenv") || exists("/run/.containerenv"),
		filtered:          strings.Contains(string(status), "\nSeccomp:\t2\n"),
	}
}

// Of tells why bwrap gave up on this machine, from its last line; nil if the
// cause is the call's (a folder that is not there), or is not known.
func Of(said string) *Error { return explain(said, lookAround()) }

func explain(said string, around surroundings) *Error {
	if !refusesNamespaces(said) {
		return nil
	}
	o := &Error{Said: escape.Text(said)}
	switch {
	case around.noUserNamespaces || strings.Contains(said, "No space left on device"):
		o.Cause = "this machine allows no more user namespaces"
		o.Advice = "run: sudo sysctl -w user.max_user_namespaces=15000; inside another sandbox, leave that"
	case around.container || around.filtered && !around.appArmorRestricts && !around.cloneForbidden:
		o.Cause = "a container or another sandbox around this process forbids user namespaces or mounts"
		o.Advice = "run outside it; or start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
	case around.cloneForbidden:
		o.Cause = "Debian's switch against user namespaces is set"
		o.Advice = "run: sudo sysctl -w kernel.unprivileged_userns_clone=1"
	case around.appArmorRestricts:
		o.Cause = "AppArmor keeps bubblewrap from user namespaces, as Ubuntu has it since 23.10"
		o.Advice = "give bwrap an AppArmor profile with \"userns,\"; or run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	default:
		o.Cause = "the kernel forbids user namespaces to this user, for a cause that is not known"
		o.Advice = "use podman with a root filesystem, or docker, or ask whoever runs this machine to allow user namespaces"
	}
	return o
}

// refusesNamespaces reports whether bwrap says that the kernel did not let it
// build the sandbox itself; the texts are those of bubblewrap.c and network.c,
// the same in 0.4 and 0.11.
func refusesNamespaces(said string) bool {
	for _, text := range []string{
		"No permissions to creat", "Creating new namespace failed", "setting up uid map", "setting up gid map", "error setting up newroot",
		"loopback: Failed", "Can't mount proc on", "Failed to make / slave", "Unexpected capabilities but not setuid", "user.max_user_namespaces",
		"Unable to create user namespace", "unshare user ns", "prctl(PR_SET_SECCOMP)",
	} {
		if strings.Contains(said, text) {
			return true
		}
	}
	return false
}
