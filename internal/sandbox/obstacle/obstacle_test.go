package obstacle

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		said   string
		around surroundings
		words  string
	}{
		{"bwrap: setting up uid map: Permission denied", surroundings{appArmorRestricts: true}, "kernel.apparmor_restrict_unprivileged_userns=0"},
		{"bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", surroundings{appArmorRestricts: true, filtered: true}, "kernel.apparmor_restrict_unprivileged_userns=0"},
		{"bwrap: No permissions to creating new namespace, likely because the kernel does not allow non-privileged user namespaces.", surroundings{cloneForbidden: true}, "kernel.unprivileged_userns_clone=1"},
		{"bwrap: Creating new namespace failed: No space left on device", surroundings{}, "user.max_user_namespaces"},
		{"bwrap: Creating new namespace failed: Operation not permitted", surroundings{noUserNamespaces: true, cloneForbidden: true}, "user.max_user_namespaces"},
		{"bwrap: No permissions to create new namespace", surroundings{container: true, appArmorRestricts: true}, "seccomp=unconfined"},
		{"bwrap: Can't mount proc on /newroot/proc: Operation not permitted", surroundings{container: true}, "systempaths=unconfined"},
		{"bwrap: No permissions to create new namespace\x1b[2J", surroundings{}, "podman"},
	} {
		o := explain(c.said, c.around)
		if o == nil || !strings.Contains(o.Advice, c.words) || strings.ContainsAny(o.Error()+o.Advice, "\n\x1b") {
			t.Errorf("%q: expected %q, got %v", c.said, c.words, o)
		}
	}
	if o := explain("bwrap: Can't find source path /x: No such file", surroundings{container: true}); o != nil {
		t.Errorf("a missing folder is an obstacle: %v", o)
	}
}
