package zipfile_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// workshop is a git repository and its work tree, p-1, to make zips from.
type workshop struct {
	t   testing.TB
	dir string // holds p-1
	env []string
}

func (w *workshop) run(name string, args ...string) []byte {
	w.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("running %s %q: %v\n%s", name, args, err, stderr.String())
	}
	return out
}

func (w *workshop) git(args ...string) string {
	w.t.Helper()
	return strings.TrimSpace(string(w.run("git", append([]string{"-C", "p-1"}, args...)...)))
}

func (w *workshop) file(name string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

// newWorkshop commits files of every kind that git and zip both have.
func newWorkshop(t testing.TB, format string, unicode bool) *workshop {
	t.Helper()
	testkit.Program(t, "git")
	dir := t.TempDir()
	w := &workshop{t: t, dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=1700000000 +0000",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org", "GIT_COMMITTER_DATE=1700000000 +0000",
	}}
	files := map[string]string{
		"README": "hello\n", "empty": "", "sub/dir/big.txt": strings.Repeat("all work and no play\n", 20000),
		"sub/noise": string(noise(200_000)), "sub/nested.zip": string(goodZip(t).bytes()),
	}
	if unicode {
		files["sub/naïve – café.txt"] = "ü\n"
	}
	for name, content := range files {
		w.write(name, content, 0o644)
	}
	w.write("run", "#!/bin/sh\n", 0o755)
	w.write("sub/run.big", strings.Repeat("exit 0\n", 10000), 0o755)
	if err := os.Symlink("../README", filepath.Join(dir, "p-1/sub/link")); err != nil {
		t.Fatal(err)
	}
	w.run("git", "init", "-q", "--object-format="+format, "p-1")
	w.git("add", "-A")
	w.git("commit", "-q", "-m", "x")
	return w
}

func (w *workshop) write(name, content string, perm fs.FileMode) {
	w.t.Helper()
	path := filepath.Join(w.dir, "p-1", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), perm); err != nil {
		w.t.Fatal(err)
	}
}

// noise returns bytes that deflate does not make smaller.
func noise(n int) []byte {
	p, x := make([]byte, n), uint32(1)
	for i := range p {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		p[i] = byte(x)
	}
	return p
}

// paths returns all that is in p-1 but .git, below p-1, directories with a slash.
func (w *workshop) paths() []string {
	w.t.Helper()
	var all []string
	err := filepath.WalkDir(filepath.Join(w.dir, "p-1"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == ".git" {
			return filepath.SkipDir
		}
		name, err := filepath.Rel(w.dir, path)
		if d.IsDir() {
			name += "/"
		}
		all = append(all, name)
		return err
	})
	if err != nil || len(all) == 0 {
		w.t.Fatalf("walking: %v, %d paths", err, len(all))
	}
	return all
}

// goZip writes the work tree with archive/zip; streaming, as that always does.
func (w *workshop) goZip(modes bool) []byte {
	w.t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range w.paths() {
		info, err := os.Lstat(filepath.Join(w.dir, name))
		if err != nil {
			w.t.Fatal(err)
		}
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Unix(1700000000, 0)}
		content, link := []byte(nil), info.Mode()&fs.ModeSymlink != 0
		if modes || link {
			h.SetMode(info.Mode())
		}
		if link {
			target, _ := os.Readlink(filepath.Join(w.dir, name))
			content = []byte(target)
		} else if !info.IsDir() {
			content = w.file(name)
		}
		f, err := z.CreateHeader(h)
		if err == nil && !info.IsDir() {
			_, err = f.Write(content)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

// pythonZip writes the work tree with zipfile; its first argument says whether
// to a stream, which makes data descriptors.
const pythonZip = `
import os, stat, sys, zipfile
class Stream:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
out = sys.stdout.buffer if sys.argv[1] == "stream" else open("py.zip", "wb")
with zipfile.ZipFile(Stream(out) if sys.argv[1] == "stream" else out, "w", zipfile.ZIP_DEFLATED) as z:
    for name in sys.stdin.read().splitlines():
        s = os.lstat(name)
        if stat.S_ISLNK(s.st_mode):
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = s.st_mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(info, os.readlink(name))
        else:
            z.write(name)
if sys.argv[1] != "stream":
    out.close()
    sys.stdout.buffer.write(open("py.zip", "rb").read())
`

func (w *workshop) python(kind string) []byte {
	w.t.Helper()
	cmd := exec.Command("python3", "-c", pythonZip, kind)
	cmd.Dir, cmd.Env, cmd.Stdin = w.dir, append(w.env, "PYTHONUTF8=1"), strings.NewReader(strings.Join(w.paths(), "\n"))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("running python3: %v", err)
	}
	return out
}

// zipWriter is a real program that writes zips.
type zipWriter struct {
	name, program string
	ascii         bool // does not mark names as UTF-8
	embeds        bool // leaves the commit id
	noModes       bool // of non-executable files, or of all
	write         func(w *workshop) []byte
}

func zipWriters() []zipWriter {
	git := func(args ...string) func(w *workshop) []byte {
		return func(w *workshop) []byte {
			return w.run("git", append([]string{"-C", "p-1", "archive", "--format=zip", "--prefix=p-1/"}, args...)...)
		}
	}
	infoZip := func(args ...string) func(w *workshop) []byte {
		return func(w *workshop) []byte {
			w.run("zip", append(args, "out.zip", "p-1", "-x", "p-1/.git/*")...)
			return w.file("out.zip")
		}
	}
	bsdtar := func(args ...string) func(w *workshop) []byte {
		return func(w *workshop) []byte {
			w.run("bsdtar", append(append([]string{"--format", "zip", "--exclude", ".git", "-cf", "out.zip"}, args...), "p-1")...)
			return w.file("out.zip")
		}
	}
	python := func(kind string) func(w *workshop) []byte {
		return func(w *workshop) []byte { return w.python(kind) }
	}
	return []zipWriter{
		{name: "git archive", program: "git", embeds: true, noModes: true, write: git("HEAD")},
		{name: "git archive -9", program: "git", embeds: true, noModes: true, write: git("-9", "HEAD")},
		{name: "git archive -0", program: "git", embeds: true, noModes: true, write: git("-0", "HEAD")},
		{name: "git archive of a tree", program: "git", noModes: true, write: git("HEAD^{tree}")},
		{name: "git archive, streaming", program: "git", embeds: true, noModes: true, write: func(w *workshop) []byte {
			return w.run("git", "-C", "p-1", "-c", "core.bigFileThreshold=1000", "archive", "--format=zip", "--prefix=p-1/", "HEAD")
		}},
		{name: "zip", program: "zip", ascii: true, write: infoZip("-qry")},
		{name: "zip -9X", program: "zip", ascii: true, write: infoZip("-qryX9")},
		{name: "zip -1D", program: "zip", ascii: true, write: infoZip("-qryD1")},
		{name: "zip -0", program: "zip", ascii: true, write: infoZip("-qry0")},
		{name: "zip to a pipe", program: "zip", ascii: true, write: func(w *workshop) []byte {
			w.run("find", "p-1", "-type", "l", "-delete") // zip stores links, and does not write stored members to a pipe
			w.git("commit", "-q", "-a", "-m", "no links")
			return w.run("sh", "-c", "zip -qry - p-1 -x 'p-1/.git/*' | cat")
		}},
		{name: "bsdtar", program: "bsdtar", write: bsdtar()},
		{name: "bsdtar stored", program: "bsdtar", write: bsdtar("--options", "zip:compression=store")},
		{name: "python", program: "python3", write: python("file")},
		{name: "python to a pipe", program: "python3", write: python("stream")},
		{name: "7z without NTFS times", program: "7z", write: func(w *workshop) []byte {
			w.run("7z", "a", "-bso0", "-bsp0", "-mtm=off", "-snl", "-xr!.git", "out.zip", "p-1")
			return w.file("out.zip")
		}},
		{name: "go with modes", program: "git", write: func(w *workshop) []byte { return w.goZip(true) }},
		{name: "go without modes", program: "git", noModes: true, write: func(w *workshop) []byte {
			_ = os.Chmod(filepath.Join(w.dir, "p-1/run"), 0o644)
			_ = os.Chmod(filepath.Join(w.dir, "p-1/sub/run.big"), 0o644)
			w.git("commit", "-q", "-a", "-m", "no modes")
			return w.goZip(false)
		}},
	}
}

// TestZipWriters: what real writers make of a commit has the commit's tree.
func TestZipWriters(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		for _, writer := range zipWriters() {
			if format == "sha256" && writer.program != "git" {
				continue // the same files, in no relation to the repository
			}
			t.Run(format+"/"+writer.name, func(t *testing.T) {
				testkit.Program(t, writer.program)
				w := newWorkshop(t, format, !writer.ascii)
				got, err := readZip(writer.write(w), archive.Options{Envelope: envelope.Options{Name: "p-1.zip"}})
				if err != nil {
					t.Fatal(err)
				}
				checkAgainstCommit(t, w, got, writer)
			})
		}
	}
}

func checkAgainstCommit(t *testing.T, w *workshop, got *archive.Contents, writer zipWriter) {
	t.Helper()
	want, err := digest.ParseObjectID(w.git("rev-parse", "HEAD^{tree}"))
	if err != nil {
		t.Fatal(err)
	}
	if id := got.Identity.Git.In(want.Format()); id != want {
		t.Errorf("tree %v, want %v", id, want)
	}
	commit := ""
	if writer.embeds {
		commit = w.git("rev-parse", "HEAD")
	}
	if got.Embedded.String() != commit {
		t.Errorf("embedded id %v, want %q", got.Embedded, commit)
	}
	unknown := got.Tree.Lookup("README").Exec == tree.ExecUnknown
	if unknown != writer.noModes {
		t.Errorf("README's mode is unknown: %v, want %v", unknown, writer.noModes)
	}
	if got.Prefix != "p-1" || got.Format != envelope.Zip || got.Dialect != "zip" || !got.TarSHA256.IsZero() || got.TarBytes != 0 || len(got.Modes) != 0 {
		t.Errorf("contents %+v", got)
	}
}
