package varying_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/building/varying"
	"github.com/countermark/countermark/internal/testkit"
)

// inMemory returns a new folder on a file system that keeps the order in which
// names are made.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(varying.Memory, "varying-test-*")
	if err != nil {
		if os.Getenv(testkit.All) != "" {
			t.Fatal(err)
		}
		t.Skipf("no file system in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// when is the time of all folders in TestRearrange.
var when = time.Unix(1711965600, 0)

// layFolders makes a folder with others in it, and returns all of them.
func layFolders(t *testing.T) []string {
	t.Helper()
	top := filepath.Join(inMemory(t), "top")
	folders := []string{top, filepath.Join(top, "a"), filepath.Join(top, "a", "b")}
	for _, dir := range folders {
		err := os.Mkdir(dir, 0o755)
		for _, name := range []string{"one", "two", "three"} {
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644))
		}
		if err = errors.Join(err, os.Symlink("one", filepath.Join(dir, "link"))); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range folders {
		if err := os.Chtimes(dir, when, when); err != nil {
			t.Fatal(err)
		}
	}
	return folders
}

// TestRearrange: every folder gives its entries in another order, and that is all
// that changes; done again, it gives them in another one again.
func TestRearrange(t *testing.T) {
	folders := layFolders(t)
	for range 2 {
		var before [][]string
		for _, dir := range folders {
			before = append(before, names(t, dir))
		}
		if err := varying.Rearrange(folders[0]); err != nil {
			t.Fatal(err)
		}
		for i, dir := range folders {
			checkRearranged(t, dir, before[i])
		}
	}
	if left := names(t, filepath.Dir(folders[0])); len(left) != 1 {
		t.Errorf("beside the folder lie %v", left)
	}
}

func checkRearranged(t *testing.T, dir string, before []string) {
	t.Helper()
	after := names(t, dir)
	if slices.Equal(after, before) {
		t.Errorf("%s: still %v", dir, after)
	}
	slices.Sort(after)
	slices.Sort(before)
	if !slices.Equal(after, before) {
		t.Errorf("%s: now holds %v, not %v", dir, after, before)
	}
	if info, err := os.Stat(dir); err != nil || !info.ModTime().Equal(when) {
		t.Errorf("%s: %v, or its time has changed", dir, err)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "three")); err != nil || string(content) != "three" {
		t.Errorf("%s: three is now %q, %v", dir, content, err)
	}
}

// TestSet: a set holds what it was made of, in the order of the kinds.
func TestSet(t *testing.T) {
	for _, c := range []struct {
		kinds []varying.Kind
		want  string
	}{
		{nil, ""},
		{[]varying.Kind{varying.Order}, "directory order"},
		{[]varying.Kind{varying.User, varying.Path, varying.User}, "build path, user"},
		{[]varying.Kind{varying.Order, varying.Variables, varying.Processors, varying.User, varying.Host, varying.Umask, varying.Zone, varying.Locale, varying.Path},
			"build path, locale, time zone, umask, host name, user, number of processors, environment variables, directory order"},
	} {
		s := varying.SetOf(c.kinds...)
		if s.String() != c.want {
			t.Errorf("%v: %q, expected %q", c.kinds, s, c.want)
		}
		if all := slices.Collect(s.Kinds()); s.Len() != len(all) || varying.SetOf(all...) != s {
			t.Errorf("%v: %d of %v", c.kinds, s.Len(), all)
		}
	}
}
