package collection_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/collection"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/sample"
)

func statement(t *testing.T, version string, n int) entry.Entry {
	t.Helper()
	e, err := entry.Of(sample.Envelope(t, version, n))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func add(t *testing.T, dir, party string, e entry.Entry) string {
	t.Helper()
	where, added, err := collection.Add(collection.Adding{Dir: dir, Party: party, Entry: e, Write: durable.WriteFile})
	if err != nil || !added {
		t.Fatalf("%s: %v, %v", where, added, err)
	}
	return where
}

func read(t *testing.T, dir string) collection.Contents {
	t.Helper()
	c, err := collection.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAdd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "statements")
	one := statement(t, "1.0", 1)
	where := add(t, dir, "ci", one)
	if where != "1.0/ci/withdrawal-"+one.Place().Digest+".intoto.jsonl" {
		t.Errorf("it is at %s", where)
	}
	if _, added, err := collection.Add(collection.Adding{Dir: dir, Party: "ci", Entry: one, Write: durable.WriteFile}); added || err != nil {
		t.Errorf("again: %v, %v", added, err)
	}
	add(t, dir, "saki", statement(t, "1.0", 2))
	add(t, dir, "ci", statement(t, "1.1", 3))
	for _, free := range []string{"README.md", ".gitattributes", ".git/config", ".github/workflows/check.yml"} {
		testkit.Write(t, filepath.Join(dir, free), "anything")
	}
	c := read(t, dir)
	if len(c.Found) != 3 || len(c.Problems) != 0 || c.Found[0].Path != where || c.Found[0].Party != "ci" || c.Found[0].Entry.Digest != one.Digest {
		t.Errorf("%+v", c)
	}
	for _, party := range []string{"", "..", "Saki", "a/b"} {
		if _, _, err := collection.Add(collection.Adding{Dir: dir, Party: party, Entry: one, Write: durable.WriteFile}); err == nil {
			t.Errorf("the party %q was accepted", party)
		}
	}
	testkit.Write(t, filepath.Join(dir, filepath.FromSlash(where)), "another\n")
	if _, _, err := collection.Add(collection.Adding{Dir: dir, Party: "ci", Entry: one, Write: durable.WriteFile}); err == nil || !strings.Contains(err.Error(), "ever replaced") {
		t.Errorf("over something else: %v", err)
	}
	failing := func(string, []byte) error { return errors.New("disk full") }
	if _, added, err := collection.Add(collection.Adding{Dir: dir, Party: "ben", Entry: one, Write: failing}); added || err == nil {
		t.Errorf("on a full disk: %v, %v", added, err)
	}
}

// One defect each.
func TestReadProblems(t *testing.T) {
	e := statement(t, "1.0", 1)
	name, content := e.FileName(), string(e.Content)
	for defect, c := range map[string]struct {
		path, content string
		rule          refusal.Rule
	}{
		"another name":       {"1.0/ci/" + statement(t, "1.0", 2).FileName(), content, refusal.LedgerName},
		"another kind":       {"1.0/ci/build" + strings.TrimPrefix(name, "withdrawal"), content, refusal.LedgerName},
		"another extension":  {"1.0/ci/" + name + ".bak", content, refusal.LedgerName},
		"another version":    {"1.1/ci/" + name, content, refusal.LedgerName},
		"changed":            {"1.0/ci/" + name, strings.Replace(content, "none", "nono", 1), refusal.LedgerName},
		"line ends changed":  {"1.0/ci/" + name, strings.TrimSuffix(content, "\n") + "\r\n", refusal.LedgerEntry},
		"no entry":           {"1.0/ci/README.md", "hello", refusal.LedgerEntry},
		"left by a crash":    {"1.0/ci/.countermark-123", "", refusal.LedgerEntry},
		"too long":           {"1.0/ci/" + name, strings.Repeat("a", entry.MaxBytes+2), refusal.LedgerEntry},
		"without a party":    {"1.0/" + name, content, refusal.LedgerName},
		"one level more":     {"1.0/ci/old/" + name, content, refusal.LedgerName},
		"no version":         {"a b/ci/" + name, content, refusal.LedgerName},
		"no party's name":    {"1.0/CI/" + name, content, refusal.LedgerName},
		"in two places":      {"1.0/zoe/" + name, content, refusal.LedgerName},
		"a hidden party":     {"1.0/.git/" + name, content, refusal.LedgerName},
		"in a version twice": {"1.0/1.0/x/" + name, content, refusal.LedgerName},
	} {
		dir := t.TempDir()
		good := add(t, dir, "anna", e)
		if defect != "in two places" {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(good))); err != nil {
				t.Fatal(err)
			}
		}
		other := add(t, dir, "ben", statement(t, "1.0", 7)) // is found all the same
		testkit.Write(t, filepath.Join(dir, filepath.FromSlash(c.path)), c.content)
		got := read(t, dir)
		if len(got.Problems) != 1 || got.Problems[0].Refusal.Rule != c.rule || got.Found[len(got.Found)-1].Path != other {
			t.Errorf("%s: %+v", defect, got.Problems)
		}
	}
}

func TestReadLinks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	e := statement(t, "1.0", 1)
	testkit.Write(t, filepath.Join(outside, "ci", e.FileName()), string(e.Content))
	add(t, dir, "ben", statement(t, "1.0", 2))
	for _, link := range []string{"1.1", "1.0/ci", "1.0/ben/" + e.FileName()} {
		if err := os.Symlink(outside, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	if got := read(t, dir); len(got.Found) != 1 || len(got.Problems) != 3 {
		t.Errorf("%+v", got)
	}
	if _, err := collection.Read(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestLost(t *testing.T) {
	dir := t.TempDir()
	one, two := add(t, dir, "ci", statement(t, "1.0", 1)), add(t, dir, "ci", statement(t, "1.0", 2))
	before := read(t, dir)
	add(t, dir, "ci", statement(t, "1.0", 3))
	if lost := collection.Lost(before, read(t, dir)); len(lost) != 0 {
		t.Errorf("nothing: %+v", lost)
	}
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(one))); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "1.0/ben"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, filepath.FromSlash(two)), filepath.Join(dir, filepath.FromSlash(strings.Replace(two, "ci", "ben", 1)))); err != nil {
		t.Fatal(err)
	}
	lost := collection.Lost(before, read(t, dir))
	if len(lost) != 2 || lost[0].Refusal.Rule != refusal.LedgerLost || lost[0].Path == lost[1].Path {
		t.Errorf("one removed, one moved: %+v", lost)
	}
}

// A collection is written by others: a symbolic link in it leads nowhere.
func TestAddFollowsNoLink(t *testing.T) {
	e := statement(t, "1.0", 1)
	for _, link := range []string{"1.0", "1.0/ci", "1.0/ci/" + e.FileName()} {
		dir, outside := t.TempDir(), t.TempDir()
		at := filepath.Join(dir, filepath.FromSlash(link))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, at); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		_, added, err := collection.Add(collection.Adding{Dir: dir, Party: "ci", Entry: e, Write: durable.WriteFile})
		if added || err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s: %v, %v", link, added, err)
		}
		if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
			t.Errorf("%s: outside lies %v, %v", link, left, err)
		}
	}
}
