package folder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
)

// gathered makes the folder that a build would gather, and returns it with what is
// known of its release.
func gathered(t *testing.T) (*Folder, Release) {
	t.Helper()
	dir := t.TempDir()
	id, err := digest.ParseObjectID(strings.Repeat("2", 40))
	if err != nil {
		t.Fatal(err)
	}
	f := &Folder{Dir: filepath.Join(dir, "files"), Base: "toy-1.0", Logs: filepath.Join(dir, "steps")}
	testkit.Write(t, filepath.Join(f.Dir, "toy-1.0.tar.gz"), "archive")
	testkit.Write(t, filepath.Join(f.Logs, "01-s.log"), "said\n")
	err = f.WriteRecord(&buildrecord.Record{
		Format: buildrecord.FormatVersion, Version: "1.0", Recipe: buildrecord.Recipe{SHA256: digest.SHA256{1}, Origin: buildrecord.RecipeOfFile},
		Source: buildrecord.Source{Ref: "refs/tags/v1.0", Commit: id}, Built: buildrecord.Built{Commit: id}, Archives: []buildrecord.Archive{{Name: "toy-1.0.tar.gz"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f, Release{id, digest.SHA256{1}}
}

// moved lets the folder appear at a new place.
func moved(t *testing.T, f *Folder, r Release) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "r")
	if err := errors.Join(f.CheckPlace(to, r), f.Move(to)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestMove(t *testing.T) {
	f, r := gathered(t)
	to := moved(t, f, r)
	for name, want := range map[string]string{"toy-1.0.tar.gz": "archive", "logs/01-s.log": "said\n"} {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(to))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside it there is %v, %v", entries, err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	if err := f.CheckPlace(to, r); err != nil {
		t.Error(err)
	}
	f.Logs = filepath.Join(f.Logs, "absent") // as of a build without steps
	moved(t, f, r)
	refused(t, f.Move(filepath.Join(to, "toy-1.0.tar.gz", "r")), "cannot be made")
}

// refused looks for a failure of usage that says the words.
func refused(t *testing.T, err error, words string) {
	t.Helper()
	f, ok := errors.AsType[*report.Failure](err)
	if !ok || f.Code != report.Usage || !strings.Contains(f.Detail, words) || strings.Contains(f.Detail, "\n") {
		t.Errorf("%v, want %q", err, words)
	}
}

func TestCheckPlaceRefuses(t *testing.T) {
	f, known := gathered(t)
	record := func(to string) string { return filepath.Join(to, f.RecordName()) }
	for words, spoil := range map[string]func(to string, r *Release) error{
		"it is no folder":             func(to string, _ *Release) error { return errors.Join(os.RemoveAll(to), os.WriteFile(to, nil, 0o600)) },
		"toy-1.0.build.json: no such": func(to string, _ *Release) error { return os.Remove(record(to)) },
		"it is no build record":       func(to string, _ *Release) error { return os.WriteFile(record(to), nil, 0o600) },
		"it holds \"more\", too":      func(to string, _ *Release) error { return os.WriteFile(filepath.Join(to, "more"), nil, 0o600) },
		"of the recipe":               func(_ string, r *Release) error { r.Recipe[0]++; return nil },
		"of the source commit":        func(_ string, r *Release) error { r.Source = digest.ObjectID{}; return nil },
	} {
		to, r := moved(t, f, known), known
		if err := spoil(to, &r); err != nil {
			t.Fatal(err)
		}
		refused(t, f.CheckPlace(to, r), words)
	}
	refused(t, f.CheckPlace(filepath.Join(t.TempDir(), "absent", "r"), known), "absent: no such")
}
