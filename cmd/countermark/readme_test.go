package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/demonstration"
	"github.com/countermark/countermark/internal/testkit"
)

var (
	readmePath = filepath.Join("..", "..", "README.md")
	recipePath = filepath.Join("..", "..", "docs", "first-recipe.md")
)

// readmeRelease is the release that README.md verifies, with the repository
// that stands for its address.
var readmeRelease = struct{ name, url string }{"xz-5.4.1", "https://github.com/tukaani-project/xz"}

func readReadme(t *testing.T) string {
	t.Helper()
	return readDocument(t, readmePath)
}

func readDocument(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// consoles returns the blocks of commands and their output.
func consoles(t *testing.T, readme string) []string {
	t.Helper()
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(readme, -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < 3 {
		t.Fatalf("README.md has %d blocks of commands, expected 3 or more", len(blocks))
	}
	return blocks
}

// Every command in README.md and in docs/first-recipe.md exists, with the flags
// that it is given.
func TestReadmeCommandsExist(t *testing.T) {
	seen := make(map[string]int)
	for _, block := range append(consoles(t, readReadme(t)), consoles(t, readDocument(t, recipePath))...) {
		for line := range strings.Lines(block) {
			command, isCommand := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
			if !isCommand {
				continue
			}
			words := strings.Fields(command)
			seen[words[0]]++
			switch words[0] {
			case "countermark":
				checkCommand(t, command, words[1:])
			case "go":
				checkGo(t, command, words[1:])
			case "git", "curl":
			default:
				t.Errorf("%q: the reader is not told to have %s", command, words[0])
			}
		}
	}
	if seen["countermark"] < 12 || seen["go"] < 2 {
		t.Errorf("found the commands %v, expected more", seen)
	}
}

func checkCommand(t *testing.T, line string, args []string) {
	t.Helper()
	root := newRootCommand(streams{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		t.Errorf("%q: no such command: %v", line, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%q: %v", line, err)
	}
}

// checkGo holds "go run PACKAGE COMMAND" and "go test ./..." to what is here.
func checkGo(t *testing.T, line string, args []string) {
	t.Helper()
	switch args[0] {
	case "run":
		if _, err := os.Stat(filepath.Join("..", "..", args[1], "main.go")); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		checkCommand(t, line, args[2:])
	case "test":
		if args[1] != "./..." {
			t.Errorf("%q does not run every test", line)
		}
	default:
		t.Errorf("%q: unexpected", line)
	}
}

// What README.md shows of a real release is what the program prints, to the
// byte, but for the name of the decoder, which is the machine's.
func TestReadmeShowsARealRun(t *testing.T) {
	var release releaseCase
	for _, c := range readCases(t) {
		if c.name == readmeRelease.name {
			release = c
		}
	}
	if release.name == "" {
		t.Fatalf("there is no case %s", readmeRelease.name)
	}
	archive := archiveOf(t, release)
	readme := readReadme(t)
	command := "$ countermark verify " + release.archive + " --repo " + readmeRelease.url + "\n"
	before, after, found := strings.Cut(readme, command)
	shown, after, ended := strings.Cut(after, "```\n")
	if !found || !ended {
		t.Fatalf("README.md does not show %q", command)
	}
	var out, errs bytes.Buffer
	exit := run(context.Background(), []string{"verify", archive, "--repo", filepath.Join(casesDir, release.name, "repo.git")},
		streams{in: strings.NewReader(""), out: &out, err: &errs})
	if exit != release.exit || errs.Len() > 0 {
		t.Fatalf("exit status %d, want %d: %s", exit, release.exit, errs.Bytes())
	}
	if *updateFiles {
		if err := os.WriteFile(readmePath, []byte(before+command+out.String()+"```\n"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := withoutDecoder(out.String()); withoutDecoder(shown) != want {
		t.Errorf("README.md shows\n%s\nand the program prints\n%s\nrun this test with -update", withoutDecoder(shown), want)
	}
}

var decoderOfFile = regexp.MustCompile(`(?m)^(  file sha256:[0-9a-f]{64}  \S+).*$`)

func withoutDecoder(report string) string { return decoderOfFile.ReplaceAllString(report, "$1") }

// What README.md shows of a rebuild is what the program prints of the demo's
// project, to the byte; and what it shows of who vouches is some of that.
func TestReadmeShowsARebuild(t *testing.T) {
	if !hasSandbox() {
		t.Skip("no sandbox works here: countermark doctor says why")
	}
	testkit.Program(t, "git")
	testkit.Program(t, "ssh-keygen") // which signs the tag of which the built commit's id depends
	hello := filepath.Join(t.TempDir(), "hello")
	call := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		exit := run(context.Background(), args, streams{in: strings.NewReader(""), out: &out, err: &errs})
		if errs.Len() > 0 {
			t.Fatalf("%q: %s", args, errs.Bytes())
		}
		return exit, out.String()
	}
	if exit, out := call("demo", "--keep", hello); exit != exitHolds {
		t.Fatalf("exit status %d:\n%s", exit, out)
	}
	readme := readReadme(t)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	const vouched = "verify hello/hello-1.0.blessed/hello-1.0.tar.gz --root hello/policy.toml"
	exit, out := call(strings.Fields(strings.ReplaceAll(vouched, "hello/", hello+"/"))...)
	_, shown, found := strings.Cut(readme, "$ countermark "+vouched+"\n")
	shown, _, ended := strings.Cut(shown, "\n```")
	if exit != exitHolds || !found || !ended || !shows(strings.Split(shown, "\n"), out) {
		t.Errorf("exit status %d; README.md shows\n%s\nand the program prints\n%s", exit, shown, out)
	}
	for repo, want := range map[string]int{demonstration.ProjectRepo: exitHolds, demonstration.TamperedRepo: exitDoesNot} {
		exit, out := call("rebuild", "v1.0", "--repo", filepath.Join(hello, repo))
		if exit != want {
			t.Errorf("%s: exit status %d, want %d", repo, exit, want)
		}
		_, after, found := strings.Cut(readme, "$ countermark rebuild v1.0 --repo hello/"+repo+"\n")
		end := regexp.MustCompile("(?m)^(\\$ |```)").FindStringIndex(after)
		if !found || end == nil {
			t.Fatalf("README.md does not show the rebuild of %s", repo)
		}
		if shown := after[:end[0]]; shown != out && !*updateFiles {
			t.Errorf("README.md shows\n%s\nand the program prints\n%s\nrun this test with -update", shown, out)
		}
		readme = readme[:len(readme)-len(after)] + out + after[end[0]:]
	}
	if *updateFiles {
		if err := os.WriteFile(readmePath, []byte(readme), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// README.md's exit statuses are those of the help.
func TestReadmeExitStatuses(t *testing.T) {
	readme := readReadme(t)
	rows := 0
	for line := range strings.Lines(exitHelp) {
		status, meaning, isRow := strings.Cut(strings.TrimSpace(line), "  ")
		if !isRow {
			continue
		}
		rows++
		if row := "\n| " + status + " | " + meaning + " |\n"; !strings.Contains(readme, row) {
			t.Errorf("README.md lacks the row %q", row)
		}
	}
	if rows != 4 {
		t.Errorf("the help has %d exit statuses, expected 4", rows)
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

// Every file that the documents link to is there.
func TestDocumentsLinkToFiles(t *testing.T) {
	documents := []string{readmePath, filepath.Join("..", "..", "CHANGELOG.md")}
	for _, pattern := range []string{"*.md", filepath.Join("spec", "*.md")} {
		more, err := filepath.Glob(filepath.Join("..", "..", "docs", pattern))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, more...)
	}
	links := 0
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			target := filepath.Join(filepath.Dir(document), filepath.FromSlash(m[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", document, m[1], err)
			}
		}
	}
	if links < 8 {
		t.Errorf("found %d links, expected more", links)
	}
}

// docs/layout.md names every package and every module.
func TestLayoutIsComplete(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "layout.md"))
	if err != nil {
		t.Fatal(err)
	}
	modules, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(modules), -1) {
		names = append(names, m[1])
	}
	err = filepath.WalkDir(filepath.Join(root, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if sources, _ := filepath.Glob(filepath.Join(path, "*.go")); len(sources) > 0 {
			name, _ := filepath.Rel(filepath.Join(root, "internal"), path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil || len(names) < 20 {
		t.Fatalf("found only %q: %v", names, err)
	}
	for _, name := range names {
		if !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("docs/layout.md has no row for %s", name)
		}
	}
}
