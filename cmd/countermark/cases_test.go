package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
)

// casesDir holds real releases with true figures; see its README.md.
var casesDir = filepath.Join("..", "..", "..", "shared", "cases")

// releaseCase is one line of cases.tsv.
type releaseCase struct {
	name, archive, revision, sha256, verdict string
	inTar, inGit, exit                       int
	want                                     report.Counts
}

func readCases(t *testing.T) []releaseCase {
	raw, err := os.ReadFile(filepath.Join(casesDir, "cases.tsv"))
	if err != nil {
		testkit.Missing(t, "the real cases are not here: %v", err)
	}
	var cases []releaseCase
	for line := range strings.Lines(string(raw)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || f[4] == "-" {
			continue
		}
		n := func(i int) int {
			v, err := strconv.Atoi(f[i])
			if err != nil {
				t.Fatalf("cases.tsv, %s, column %d: %v", f[0], i+1, err)
			}
			return v
		}
		ignored := n(12)
		cases = append(cases, releaseCase{
			name: f[0], archive: f[3], revision: f[4], inTar: n(5), inGit: n(6), sha256: f[13], verdict: f[15], exit: n(16),
			want: report.Counts{Identical: n(7), Filtered: n(8), Changed: n(9), Added: n(10), Missing: n(11) - ignored, Ignored: ignored, Submodule: n(14)},
		})
	}
	if len(cases) < 7 {
		t.Fatalf("cases.tsv has %d cases, expected at least 7", len(cases))
	}
	return cases
}

// archiveOf returns the case's archive, downloading it where tests must not skip.
func archiveOf(t *testing.T, c releaseCase) string {
	dir := testkit.Releases(t)
	path := filepath.Join(dir, c.archive)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	get := filepath.Join(casesDir, "get")
	if os.Getenv(testkit.All) == "" {
		t.Skipf("%s is not here; %s %s downloads it", path, get, c.name)
	}
	out, err := exec.Command(get, c.name, dir).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == 4 {
		t.Skipf("the mirror no longer has %s: %s", c.archive, out)
	}
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", get, c.name, err, out)
	}
	return path
}

// verifyJSON runs verify with --json and returns its exit status and document.
func verifyJSON(t *testing.T, args ...string) (int, report.Document) {
	t.Helper()
	var out, errs bytes.Buffer
	exit := run(context.Background(), append([]string{"verify", "--json"}, args...), streams{in: strings.NewReader(""), out: &out, err: &errs})
	var doc report.Document
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("verify %q: %v\nstdout: %s\nstderr: %s", args, err, out.Bytes(), errs.Bytes())
	}
	if errs.Len() > 0 {
		t.Logf("stderr: %s", errs.Bytes())
	}
	return exit, doc
}

// TestRealReleases holds countermark to the true figures of published
// releases, with each decoder.
func TestRealReleases(t *testing.T) {
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			archive := archiveOf(t, c)
			target := []string{"--tag", c.revision}
			if len(c.revision) == 40 {
				target = []string{"--commit", c.revision}
			}
			for _, decoder := range []string{"system", "go"} {
				args := append([]string{archive, "--repo", filepath.Join(casesDir, c.name, "repo.git"), "--decoder", decoder}, target...)
				exit, doc := verifyJSON(t, args...)
				if exit != c.exit || doc.Exit != c.exit || doc.Verdict != c.verdict {
					t.Errorf("%s: exit %d (%d in the document), verdict %q; want %d, %q", decoder, exit, doc.Exit, doc.Verdict, c.exit, c.verdict)
				}
				if doc.Counts == nil || *doc.Counts != c.want {
					t.Errorf("%s: counts %+v, want %+v", decoder, doc.Counts, c.want)
					continue
				}
				checkSums(t, c, doc)
			}
		})
	}
}

// checkSums holds the counts to the number of files on both sides.
func checkSums(t *testing.T, c releaseCase, doc report.Document) {
	n := doc.Counts
	both := n.Identical + n.Filtered + n.FilteredRefs + n.Changed + n.Mode + n.Unchecked
	if got := both + n.Added + n.Special; got != c.inTar {
		t.Errorf("the classes of the archive hold %d files, want %d", got, c.inTar)
	}
	if got := both + n.Missing + n.Ignored; got != c.inGit {
		t.Errorf("the classes of the commit hold %d files, want %d", got, c.inGit)
	}
	if got := doc.Archives[0].SHA256; got != c.sha256 {
		t.Errorf("SHA-256 of the archive %s, want %s", got, c.sha256)
	}
}
