package demonstration

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/report"
)

// What lies in the demo's folder.
const (
	ProjectRepo = "hello.git" // the project, and what its CI built
	archiveName = "hello-1.0.tar.gz"
	recipeName  = "countermark.toml"
	projectURL  = "https://hello.example"
)

// member is one file of the demo's project or release.
type member struct {
	name    string
	content string
	exec    bool
}

// release is the members of an archive, in order.
type release []member

// demoTime is the date of the demo's commit, so that its ids are always the same.
const demoTime = 1711713600 // 2024-03-29 12:00 UTC

var demoSource = release{
	{name: ".gitattributes", content: "hello.c ident\n"},
	{name: "countermark.toml", content: demoRecipe},
	{name: "generate.sh", content: "while read -r word; do printf '\"%s\",\\n' \"$word\"; done <words.txt >words.h\n"},
	{name: "hello.c", content: "/* $Id$ */\n#include <stdio.h>\nstatic const char *words[] = {\n#include \"words.h\"\n};\nint main(void) { printf(\"%s, %s\\n\", words[0], words[1]); return 0; }\n"},
	{name: "tests/check.sh", content: "#!/bin/sh\n./hello | grep -q 'hello, world'\n", exec: true},
	{name: "words.txt", content: "hello\nworld\n"},
}

// demoRecipe is how the project's release is made.
//
//go:embed demo.toml
var demoRecipe string //nolint:gochecknoglobals // go:embed needs a variable

// generate does what the project's generate.sh does to words.txt.
func generate(words string) string {
	var b strings.Builder
	for line := range strings.Lines(words) {
		fmt.Fprintf(&b, "\"%s\",\n", strings.TrimSuffix(line, "\n"))
	}
	return b.String()
}

func (r release) with(m member) release { return append(slices.Clone(r), m) }

func (r release) without(name string) release {
	return slices.DeleteFunc(slices.Clone(r), func(m member) bool { return m.name == name })
}

func (r release) change(name string, edit func(string) string) release {
	out := slices.Clone(r)
	for i := range out {
		if out[i].name == name {
			out[i].content = edit(out[i].content)
		}
	}
	return out
}

// write makes the archive, below one top directory.
func (r release) write(path string) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, m := range r {
		h := &tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: "hello-1.0/" + m.name, Size: int64(len(m.content)), Mode: 0o644, ModTime: time.Unix(demoTime, 0)}
		if m.exec {
			h.Mode = 0o755
		}
		err := t.WriteHeader(h)
		if err == nil {
			_, err = io.WriteString(t, m.content)
		}
		if err != nil {
			return fmt.Errorf("making the demo's archive: %w", err)
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return fmt.Errorf("making the demo's archive: %w", err)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// demoProject is a repository of the demo's.
type demoProject struct {
	name   string // of its folder
	commit string
	ids    map[string]string // of the committed blobs
}

// release returns what the project publishes: its files as git archive writes
// them, and the generated one.
func (p *demoProject) release() release {
	out := demoSource.change("hello.c", func(s string) string {
		return strings.Replace(s, "$Id$", "$Id: "+p.ids["hello.c"]+" $", 1)
	})
	words := ""
	for _, m := range demoSource {
		if m.name == "words.txt" {
			words = m.content
		}
	}
	return out.with(member{name: "words.h", content: generate(words)})
}

// makeProject writes the project into the bare repository of that name, with
// plumbing only.
func (d *demo) makeProject(ctx context.Context, name string) (*demoProject, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, report.UsageFailure("install git 2.39 or newer", "the demo needs git: %v", err)
	}
	run := func(stdin string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, git, append([]string{"--git-dir=" + d.path(name)}, args...)...)
		cmd.Dir, cmd.Stdin = d.dir, strings.NewReader(stdin)
		cmd.Env = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "LC_ALL=C", "PATH=" + os.Getenv("PATH")}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %v: %s", args[0], err, bytes.TrimSpace(errs.Bytes()))
		}
		return strings.TrimSpace(string(out)), nil
	}
	if _, err := run("", "init", "-q", "--bare", "--template="); err != nil {
		return nil, err
	}
	p := &demoProject{name: name, ids: make(map[string]string)}
	tree, err := p.writeTree(run)
	if err != nil {
		return nil, err
	}
	person := fmt.Sprintf("Ada <ada@example.org> %d +0000", demoTime)
	commit := fmt.Sprintf("tree %s\nauthor %s\ncommitter %s\n\nhello 1.0\n", tree, person, person)
	if p.commit, err = run(commit, "hash-object", "-t", "commit", "-w", "--stdin"); err != nil {
		return nil, err
	}
	tag := fmt.Sprintf("object %s\ntype commit\ntag v1.0\ntagger %s\n\nhello 1.0\n", p.commit, person)
	if tag, err = d.signTag(ctx, tag); err != nil {
		return nil, err
	}
	id, err := run(tag, "hash-object", "-t", "tag", "-w", "--stdin")
	if err != nil {
		return nil, err
	}
	_, err = run("", "update-ref", "refs/tags/v1.0", id)
	return p, err
}

// writeTree writes the source's blobs and trees, one level deep.
func (p *demoProject) writeTree(run func(string, ...string) (string, error)) (string, error) {
	levels := map[string]*strings.Builder{".": {}}
	for _, m := range demoSource {
		id, err := run(m.content, "hash-object", "-w", "--stdin")
		if err != nil {
			return "", err
		}
		p.ids[m.name] = id
		mode, dir := "100644", path.Dir(m.name)
		if m.exec {
			mode = "100755"
		}
		if levels[dir] == nil {
			levels[dir] = &strings.Builder{}
		}
		fmt.Fprintf(levels[dir], "%s blob %s\t%s\n", mode, id, path.Base(m.name))
	}
	for dir, entries := range levels {
		if dir == "." {
			continue
		}
		id, err := run(entries.String(), "mktree")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(levels["."], "040000 tree %s\t%s\n", id, dir)
	}
	return run(levels["."].String(), "mktree")
}
