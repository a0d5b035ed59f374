package archive_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// hermetic is the environment in which tests run programs.
func hermetic(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Alice", "GIT_AUTHOR_EMAIL=alice@example.org", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=Alice", "GIT_COMMITTER_EMAIL=alice@example.org", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
}

// failer is what testing.TB and rapid.T have in common here.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// run runs a program in dir and returns its standard output.
func run(t failer, dir string, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, hermetic(dir), bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running %s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return out
}

// readArchive reads a whole archive from memory.
func readArchive(raw []byte, o archive.Options) (*archive.Contents, error) {
	r, err := archive.Open(bytes.NewReader(raw), o)
	if err != nil {
		return nil, err
	}
	return r.Read(context.Background(), nil)
}

// plainTar are the options for an uncompressed tar.
func plainTar() archive.Options {
	return archive.Options{Envelope: envelope.Options{Name: "a.tar"}}
}

// ruleOf returns the rule of a refusal, "accept" for nil.
func ruleOf(err error) string {
	if err == nil {
		return "accept"
	}
	for e := err; e != nil; {
		if r, ok := e.(*refusal.Refusal); ok {
			return string(r.Rule)
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return "error: " + err.Error()
}

// listing shows a tree in one line: "f path" for a file, "x" for an executable
// one, "l path>target", "d path/" for an empty directory, "s" for a special.
func listing(c *archive.Contents) string {
	var lines []string
	for i := range c.Tree.Entries() {
		e := &c.Tree.Entries()[i]
		line := map[tree.Kind]string{tree.File: "f ", tree.Symlink: "l ", tree.Directory: "d ", tree.Special: "s "}[e.Kind]
		if e.Kind == tree.File && e.Exec == tree.Executable {
			line = "x "
		}
		line += string(e.Path)
		if e.Kind == tree.Directory {
			line += "/"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

// hostileFile is one line of a table of hostile archives.
type hostileFile struct {
	name, path, want string
}

// hostileFiles reads the table NAME.tsv of the folder of hostile archives
// beside the repository, or skips the test.
func hostileFiles(t testing.TB, name string) []hostileFile {
	t.Helper()
	const folder = "../../../shared/hostile"
	table, err := os.ReadFile(filepath.Join(folder, name+".tsv"))
	if err != nil {
		testkit.Missing(t, "the folder of hostile archives is not there")
	}
	var files []hostileFile
	for line := range strings.Lines(string(table)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(fields) != 2 {
			continue
		}
		files = append(files, hostileFile{fields[0], filepath.Join(folder, name, fields[0]), fields[1]})
	}
	if len(files) == 0 {
		t.Fatal("the table names no file")
	}
	return files
}

func TestHostileArchives(t *testing.T) {
	for _, table := range []string{"tar", "compressed"} {
		t.Run(table, func(t *testing.T) {
			for _, f := range hostileFiles(t, table) {
				t.Run(f.name, func(t *testing.T) {
					raw, err := os.ReadFile(f.path)
					if err != nil {
						t.Fatal(err)
					}
					o := archive.Options{Envelope: envelope.Options{Name: f.name}}
					if _, err := readArchive(raw, o); ruleOf(err) != f.want {
						t.Errorf("got %v, want %s", err, f.want)
					}
				})
			}
		})
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
