package folder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/building/folder"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/statement"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// gathered returns the folder of a release, and its record.
func gathered(t *testing.T, claims statement.Claims) (*folder.Folder, *buildrecord.Record) {
	t.Helper()
	f := &folder.Folder{Dir: t.TempDir(), Base: "toy-1.0", Logs: filepath.Join(t.TempDir(), "none")}
	id := func(digit string) digest.ObjectID {
		parsed, err := digest.ParseObjectID(strings.Repeat(digit, 64))
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	sum, err := digest.ParseSHA256("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb") // of "a"
	if err != nil {
		t.Fatal(err)
	}
	r := &buildrecord.Record{
		Format: buildrecord.FormatVersion, Project: "https://example.org/toy", Version: "1.0", Recipe: buildrecord.Recipe{SHA256: sum, Origin: buildrecord.RecipeOfFile},
		Source:      buildrecord.Source{Ref: "refs/tags/v1.0", Commit: id("1"), CommitSHA256: sum, Tree: id("2"), TreeSHA256: id("2")},
		Environment: buildrecord.Environment{Kind: "host"},
		Built:       buildrecord.Built{Commit: id("3"), CommitSHA256: sum, Tree: id("4"), TreeSHA256: id("4")},
		Tar:         buildrecord.Tar{SHA256: sum, Top: "toy-1.0", Tree: id("4"), TreeSHA256: id("4")},
		Archives:    []buildrecord.Archive{{Name: "toy-1.0.tar.gz", SHA256: sum, Bytes: 1}},
	}
	write(t, filepath.Join(f.Dir, "toy-1.0.tar.gz"), "a")
	if err := f.WriteRecord(r); err != nil {
		t.Fatal(err)
	}
	payload, err := f.WriteStatement(r, claims, nil)
	if err != nil {
		t.Fatal(err)
	}
	if there, err := os.ReadFile(filepath.Join(f.Dir, "toy-1.0.statement.json")); err != nil || string(there) != string(payload) {
		t.Errorf("the statement is %q, %v", there, err)
	}
	return f, r
}

// What another run of the same build left is the same release; anything else is not.
func TestCheckSame(t *testing.T) {
	f, r := gathered(t, statement.Claims{Issued: 1})
	for name, c := range map[string]struct {
		change func(dir string)
		says   string // "": it is the same
	}{
		"nothing":             {func(string) {}, ""},
		"logs":                {func(dir string) { write(t, filepath.Join(dir, "logs"), "") }, ""},
		"another file":        {func(dir string) { write(t, filepath.Join(dir, "more"), "") }, `it holds "more", too`},
		"another archive":     {func(dir string) { write(t, filepath.Join(dir, "toy-1.0.tar.gz"), "b") }, "its toy-1.0.tar.gz is another"},
		"no record":           {func(dir string) { _ = os.Remove(filepath.Join(dir, f.RecordName())) }, "no such file"},
		"no statement":        {func(dir string) { _ = os.Remove(filepath.Join(dir, f.StatementName())) }, "no such file"},
		"a statement of none": {func(dir string) { write(t, filepath.Join(dir, f.StatementName()), "{}") }, "STM_"},
	} {
		other, _ := gathered(t, statement.Claims{Issued: 2, BuilderID: "https://other.example"})
		to := filepath.Join(t.TempDir(), "out")
		if err := other.Move(to); err != nil {
			t.Fatal(err)
		}
		c.change(to)
		err := f.CheckSame(to, r)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want …%s…", name, err, c.says)
		}
	}
}

func TestAnotherRelease(t *testing.T) {
	f, r := gathered(t, statement.Claims{})
	other, changed := gathered(t, statement.Claims{})
	changed.Version = "1.1"
	if _, err := other.WriteStatement(changed, statement.Claims{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckSame(other.Dir, r); err == nil || !strings.Contains(err.Error(), "its statement is of another release") {
		t.Error(err)
	}
	changed.Environment.Kind = "image"
	if err := f.CheckSame(f.Dir, changed); err == nil || !strings.Contains(err.Error(), "another environment") {
		t.Error(err)
	}
	changed.Built.Commit = changed.Source.Commit
	if err := f.CheckSame(f.Dir, changed); err == nil || !strings.Contains(err.Error(), "of the built commit") {
		t.Error(err)
	}
	changed.Archives = nil
	if _, err := f.WriteStatement(changed, statement.Claims{}, nil); err == nil {
		t.Error("a statement is made of a release without archives")
	}
}
