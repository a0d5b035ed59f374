package setting

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/digest"
)

func TestHostID(t *testing.T) {
	once, again := hostID("a system"), hostID("a system")
	if once != again || hostID("a system") == hostID("another") {
		t.Error("what stands for this machine is not a function of what is on it")
	}
}

// Whatever happens to a program shows.
func TestStamp(t *testing.T) {
	dir := t.TempDir()
	tool, below := filepath.Join(dir, "tool"), filepath.Join(dir, "below", "tool")
	then := time.Unix(1700000000, 0)
	set := func(path, content string, mode os.FileMode) error {
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o755), os.Chmod(path, mode), os.Chtimes(path, then, then),
			os.Chtimes(filepath.Dir(path), then, then), os.Chtimes(dir, then, then))
	}
	if err := errors.Join(set(tool, "one", 0o755), set(below, "one", 0o755)); err != nil {
		t.Fatal(err)
	}
	of := func(all bool) digest.SHA256 {
		s := finding.NewSum()
		stamp(s, dir, all)
		return s.Digest()
	}
	flat, deep := of(false), of(true)
	if flat != of(false) || flat == deep {
		t.Fatal("the same folder has two stamps, or what lies below has none")
	}
	if err := set(below, "longer", 0o755); err != nil || of(false) != flat || of(true) == deep {
		t.Errorf("what lies below: %v", err)
	}
	for name, change := range map[string]func() error{
		"size": func() error { return set(tool, "other", 0o755) },
		"mode": func() error { return set(tool, "one", 0o700) },
		"time": func() error { return os.Chtimes(tool, then, then.Add(time.Nanosecond*1000)) },
		"link": func() error {
			return errors.Join(os.Remove(tool), os.Symlink("/bin/true", tool), os.Chtimes(dir, then, then))
		},
	} {
		if err := change(); err != nil || of(false) == flat {
			t.Errorf("the %s: %v", name, err)
		}
		if err := errors.Join(os.Remove(tool), set(tool, "one", 0o755)); err != nil || of(false) != flat {
			t.Errorf("after the %s: %v", name, err)
		}
	}
}
