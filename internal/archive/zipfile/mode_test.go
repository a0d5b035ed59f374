package zipfile

import (
	"testing"

	"github.com/countermark/countermark/internal/tree"
)

// TestModulePrefix: a zip is taken for a Go module's only if all of it is.
func TestModulePrefix(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"example.org/a/b@v1.2.3/go.mod", "example.org/a/b@v1.2.3/x/y"}, "example.org/a/b@v1.2.3"},
		{[]string{"example.org/a@v1.2.3/"}, "example.org/a@v1.2.3"},
		{[]string{"p-1/a@v1/x", "p-1/README"}, ""},
		{[]string{"p-1/a@v1/x", "p-1/a@v12/x"}, ""},
		{[]string{"p-1/a@v1"}, ""},
		{[]string{"p-1/a@b@v1/x"}, ""},
		{[]string{"@v1/x"}, ""},
		{[]string{"a@v/x"}, ""},
		{[]string{"p-1/@vue/x"}, "p-1/@vue"},
		{nil, ""},
	} {
		var z Reader
		for _, name := range c.names {
			z.entries = append(z.entries, entry{name: name})
		}
		if got := z.ModulePrefix(); got != c.want {
			t.Errorf("%q: prefix %q, want %q", c.names, got, c.want)
		}
	}
}

// TestZipModes: what each kind of external attributes means.
func TestZipModes(t *testing.T) {
	for _, c := range []struct {
		host       uint8
		name       string
		attributes uint32
		kind       tree.Kind
		exec       tree.Exec
		perm       uint16
	}{
		{0, "f", 0, tree.File, tree.ExecUnknown, 0o644},
		{0, "f", 0x21, tree.File, tree.ExecUnknown, 0o644},
		{0, "d/", 0x10, tree.Directory, tree.NotExecutable, 0o644},
		{0, "d/", 0, tree.Directory, tree.NotExecutable, 0o644},
		{3, "f", 0, tree.File, tree.ExecUnknown, 0o644},
		{3, "f", 0o100644 << 16, tree.File, tree.NotExecutable, 0o644},
		{3, "f", 0o100600<<16 | 0x8020, tree.File, tree.NotExecutable, 0o600},
		{3, "f", 0o100010 << 16, tree.File, tree.Executable, 0o010},
		{3, "f", 0o600 << 16, tree.File, tree.NotExecutable, 0o600},
		{3, "f", 0o104755 << 16, tree.File, tree.Executable, 0o4755},
		{19, "f", 0o100755 << 16, tree.File, tree.Executable, 0o755},
		{3, "l", 0o120777 << 16, tree.Symlink, tree.NotExecutable, 0o777},
		{3, "d/", 0o040755<<16 | 0x10, tree.Directory, tree.NotExecutable, 0o755},
		{3, "d/", 0o040755 << 16, tree.Directory, tree.NotExecutable, 0o755},
	} {
		e := entry{name: c.name, host: c.host, attributes: c.attributes}
		m, err := e.member()
		if err != nil || m.Kind != c.kind || m.Exec != c.exec || m.Perm != c.perm {
			t.Errorf("host %d, %q, attributes %#x: %v, exec %d, perm %#o, %v", c.host, c.name, c.attributes, m.Kind, m.Exec, m.Perm, err)
		}
	}
}
