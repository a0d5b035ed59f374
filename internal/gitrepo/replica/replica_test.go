package replica

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/worktree"
)

var when = time.Unix(1700000001, 0)

// run runs git hermetically in dir and returns what it prints.
func run(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	cmd := exec.Command(testkit.Program(tb, "git"), args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + tb.TempDir(),
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b", "GIT_AUTHOR_DATE=1700000000 +0100",
		"GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@d", "GIT_COMMITTER_DATE=1700000001 -0230"}, Environment()...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("git %q: %v: %s", args, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// source makes a repository with a history: v1, light, v2, and side, which is no
// ancestor of v2. Its attributes make git see other contents than there are.
func source(t *testing.T, initArgs ...string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) { testkit.Write(t, filepath.Join(dir, name), content) }
	run(t, dir, append([]string{"init", "-q", "-b", "main"}, initArgs...)...)
	write("a", "1\n")
	run(t, dir, "add", ".")
	run(t, dir, "commit", "-q", "-m", "one")
	run(t, dir, "tag", "-a", "-m", "x", "v1")
	run(t, dir, "checkout", "-q", "-b", "side")
	run(t, dir, "commit", "-q", "--allow-empty", "-m", "side")
	run(t, dir, "tag", "-a", "-m", "x", "side/v1")
	run(t, dir, "checkout", "-q", "main")
	write("crlf.txt", "one\r\ntwo\r\n")
	write("id.c", "$Id: not this one $\n")
	write("b/run", "#!/bin/sh\n")
	write("b/c/d", "")
	if err := errors.Join(os.Symlink("b/run", filepath.Join(dir, "link")), os.Chmod(filepath.Join(dir, "b/run"), 0o755)); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "add", ".")
	run(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+run(t, dir, "rev-parse", "HEAD")+",sub")
	run(t, dir, "commit", "-q", "-m", "two")
	run(t, dir, "tag", "light")
	write(".gitattributes", "*.txt text eol=lf\n*.c ident\n")
	write("a", "2\n")
	run(t, dir, "add", ".gitattributes", "a")
	run(t, dir, "commit", "-q", "-m", "three")
	run(t, dir, "tag", "-a", "-m", "x", "v2")
	return dir
}

// laid is a tree that was laid out, to which a replica can be made.
type laid struct {
	r      *gitrepo.Repository
	dir    string
	source Source
}

// lay opens a repository and lays out the commit of a tag.
func lay(t *testing.T, repository, tag string, use recipe.GitUse) laid {
	t.Helper()
	g, err := gitrepo.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.OpenLocal(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	tags, _, err := r.Tags(t.Context())
	i := slices.IndexFunc(tags, func(ref gitrepo.Ref) bool { return ref.Name == "refs/tags/"+tag })
	if err != nil || i < 0 {
		t.Fatalf("no tag %s: %v", tag, err)
	}
	resolved, err := r.ResolveTag(t.Context(), tags[i])
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Tree(t.Context(), resolved.Commit.Tree)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "tree")
	files, err = worktree.Lay(t.Context(), worktree.Layout{Dir: dir, Tree: files, Format: r.Format(), Time: when, Blobs: r.Blobs})
	if err != nil {
		t.Fatal(err)
	}
	return laid{r, dir, Source{Use: use, Ref: tags[i], Tree: files, Time: when}}
}

func (l laid) make(t *testing.T) *Replica {
	t.Helper()
	made, err := Make(t.Context(), l.r, filepath.Join(l.dir, ".git"), l.source)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// check sees that git works there as it does after a clone.
func (l laid) check(t *testing.T, repository, tag string, made *Replica) {
	t.Helper()
	if got := run(t, l.dir, "rev-parse", "HEAD"); got != run(t, repository, "rev-parse", tag+"^{commit}") || got != made.Head.String() {
		t.Errorf("HEAD is %s", got)
	}
	if got := run(t, l.dir, "status", "--porcelain", "--ignored"); got != "" {
		t.Errorf("git status says\n%s", got)
	}
	if got := run(t, l.dir, "describe", "--tags", "--dirty"); got != tag {
		t.Errorf("git describe says %s", got)
	}
	for _, args := range [][]string{{"ls-files", "--stage"}, {"ls-tree", "-r", "HEAD"}, {"log", "-1", "--format=%H %an %cd"}, {"cat-file", "-p", tag}} {
		other := slices.Clone(args)
		for i := range other {
			other[i] = strings.Replace(other[i], "HEAD", tag, 1)
		}
		if args[0] == "log" {
			other = append(other, tag)
		}
		want := run(t, repository, other...)
		if args[0] == "ls-files" {
			want = run(t, l.dir, "ls-tree", "-r", "--format=%(objectmode) %(objectname) 0%x09%(path)", "HEAD")
		}
		if got := run(t, l.dir, args...); got != want {
			t.Errorf("git %q says\n%s\nwant\n%s", args, got, want)
		}
	}
	if run(t, l.dir, "archive", "HEAD") != run(t, repository, "archive", tag) {
		t.Error("git archive makes another archive")
	}
	run(t, l.dir, "fsck", "--strict")
	if got := run(t, l.dir, "remote") + run(t, l.dir, "branch", "--format=%(refname)", "--list", "[a-z]*"); got != "" {
		t.Errorf("there are remotes or branches: %s", got)
	}
}

func TestTag(t *testing.T) {
	for _, f := range []string{"sha1", "sha256"} {
		for _, tag := range []string{"v2", "light", "v1"} {
			t.Run(f+tag, func(t *testing.T) {
				repository := source(t, "--object-format="+f)
				l := lay(t, repository, tag, recipe.GitTag)
				made := l.make(t)
				l.check(t, repository, tag, made)
				if got := run(t, l.dir, "log", "--format=%s"); strings.Contains(got, "\n") || len(made.Refs) != 1 || made.LeftOut != nil {
					t.Errorf("the log is %s, made %+v", got, made)
				}
				testkit.Write(t, filepath.Join(l.dir, "new"), "")
				testkit.Write(t, filepath.Join(l.dir, "a"), "another")
				if got := run(t, l.dir, "status", "--porcelain"); got != "M a\n?? new" {
					t.Errorf("after two changes git status says %q", got)
				}
			})
		}
	}
}

func TestHistory(t *testing.T) {
	for _, f := range []string{"sha1", "sha256"} {
		t.Run(f, func(t *testing.T) {
			repository := source(t, "--object-format="+f)
			run(t, repository, "update-ref", "refs/tags/misnamed", run(t, repository, "rev-parse", "v1"))
			l := lay(t, repository, "v2", recipe.GitHistory)
			made := l.make(t)
			l.check(t, repository, "v2", made)
			if got := run(t, l.dir, "log", "--format=%s"); got != "three\ntwo\none" {
				t.Errorf("the log is %s", got)
			}
			if got := run(t, l.dir, "tag"); got != "light\nv1\nv2" || len(made.Refs) != 3 || !slices.Equal(made.LeftOut, []string{"refs/tags/misnamed"}) {
				t.Errorf("the tags are %s, made %+v", got, made)
			}
			if got := run(t, l.dir, "describe", "HEAD~1~1"); got != "v1" {
				t.Errorf("an ancestor is %s", got)
			}
			side := exec.Command("git", "cat-file", "-e", run(t, repository, "rev-parse", "side"))
			if side.Dir = l.dir; side.Run() == nil {
				t.Error("there is a commit that is no ancestor")
			}
		})
	}
}

// Without all ancestors, or all of their files, there is no history; there is a
// tag.
func TestIncomplete(t *testing.T) {
	repository := source(t)
	run(t, repository, "config", "uploadpack.allowFilter", "true")
	for _, args := range [][]string{{"--depth=1"}, {"--filter=blob:none"}} {
		clone := filepath.Join(t.TempDir(), "clone")
		run(t, repository, append([]string{"clone", "-q", "--branch=v2", "file://" + repository, clone}, args...)...)
		l := lay(t, clone, "v2", recipe.GitHistory)
		_, err := Make(t.Context(), l.r, filepath.Join(l.dir, ".git"), l.source)
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != refusal.GitMissing {
			t.Errorf("%q: %v", args, err)
		}
		if _, err := os.Lstat(filepath.Join(l.dir, ".git")); err == nil {
			t.Errorf("%q: something is left", args)
		}
		l.source.Use = recipe.GitTag
		l.check(t, repository, "v2", l.make(t))
	}
}

// What the repository's configuration and folder say has no effect: what counts
// is what the ids say.
func TestHostile(t *testing.T) {
	repository := source(t)
	gitDir := filepath.Join(repository, ".git")
	mark := filepath.Join(t.TempDir(), "mark")
	for _, hook := range []string{"post-checkout", "reference-transaction", "post-index-change"} {
		if err := os.Chmod(testkit.Write(t, filepath.Join(gitDir, "hooks", hook), "#!/bin/sh\ntouch "+mark+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for key, value := range map[string]string{
		"core.fsmonitor": "touch " + mark, "alias.pack-objects": "!touch " + mark, "alias.rev-list": "!touch " + mark,
		"uploadpack.packObjectsHook": "touch " + mark, "filter.x.smudge": "touch " + mark, "filter.x.clean": "touch " + mark, "pack.writeBitmaps": "x",
	} {
		run(t, repository, "config", key, value)
	}
	testkit.Write(t, filepath.Join(gitDir, "info/attributes"), "* filter=x -text\n")
	testkit.Write(t, filepath.Join(gitDir, "info/grafts"), run(t, repository, "rev-parse", "v2^{commit}")+"\n")
	run(t, repository, "update-ref", "refs/replace/"+run(t, repository, "rev-parse", "v2^{commit}"), run(t, repository, "rev-parse", "side"))
	for _, use := range []recipe.GitUse{recipe.GitTag, recipe.GitHistory} {
		_ = os.Remove(mark)
		l := lay(t, repository, "v2", use)
		made := l.make(t)
		if _, err := os.Lstat(mark); err == nil {
			t.Errorf("%v: a program was run", use)
		}
		if got, want := run(t, l.dir, "rev-list", "--count", "HEAD"), map[recipe.GitUse]string{recipe.GitTag: "1", recipe.GitHistory: "3"}[use]; got != want {
			t.Errorf("%v: %s commits, want %s", use, got, want)
		}
		if got := run(t, l.dir, "status", "--porcelain") + run(t, l.dir, "for-each-ref", "refs/replace"); got != "" || made.Head.String() != run(t, l.dir, "rev-parse", "HEAD") {
			t.Errorf("%v: got %s, made %+v", use, got, made)
		}
		config, err := os.ReadFile(filepath.Join(l.dir, ".git/config"))
		if want := "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tcheckStat = minimal\n"; err != nil || string(config) != want {
			t.Errorf("%v: the configuration is %q, %v", use, config, err)
		}
	}
}

// A blob that is not what its id says is found out.
func TestDamaged(t *testing.T) {
	for use, rule := range map[recipe.GitUse]refusal.Rule{recipe.GitTag: refusal.GitHash, recipe.GitHistory: refusal.GitMissing} {
		repository := source(t)
		l := lay(t, repository, "v2", use)
		loose := func(rev string) string {
			id := run(t, repository, "rev-parse", rev)
			return filepath.Join(repository, ".git/objects", id[:2], id[2:])
		}
		if err := errors.Join(os.Remove(loose("v2:a")), os.Link(loose("v2:id.c"), loose("v2:a"))); err != nil {
			t.Fatal(err)
		}
		made, err := Make(t.Context(), l.r, filepath.Join(l.dir, ".git"), l.source)
		if r, ok := errors.AsType[*refusal.Refusal](err); made != nil || !ok || r.Rule != rule {
			t.Errorf("%v: made %+v, %v", use, made, err)
		}
	}
}

// The same source makes the same bytes.
func TestTagIsDeterministic(t *testing.T) {
	repository := source(t)
	first := lay(t, repository, "v2", recipe.GitTag)
	first.make(t)
	run(t, repository, "gc", "-q", "--aggressive")
	second := lay(t, repository, "v2", recipe.GitTag)
	second.make(t)
	files := 0
	err := filepath.WalkDir(first.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		name, _ := filepath.Rel(first.dir, path)
		a, err := os.ReadFile(path)
		b, otherErr := os.ReadFile(filepath.Join(second.dir, name))
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", name)
		}
		return errors.Join(err, otherErr)
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestMakeFails(t *testing.T) {
	repository := source(t)
	l := lay(t, repository, "v2", recipe.NoGit)
	if made, err := Make(t.Context(), l.r, filepath.Join(l.dir, ".git"), l.source); err == nil {
		t.Errorf("made %+v", made)
	}
	for _, use := range []recipe.GitUse{recipe.GitTag, recipe.GitHistory} {
		l.source.Use = use
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Make(ctx, l.r, filepath.Join(l.dir, ".git"), l.source); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: got %v", use, err)
		}
		if _, err := os.Lstat(filepath.Join(l.dir, ".git")); err == nil {
			t.Errorf("%v: something is left", use)
		}
	}
	testkit.Write(t, filepath.Join(l.dir, ".git/precious"), "x")
	if _, err := Make(t.Context(), l.r, filepath.Join(l.dir, ".git"), l.source); !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(filepath.Join(l.dir, ".git/precious")); err != nil {
		t.Error("a repository that was there is gone")
	}
	files, _ := digest.HashObject(digest.SHA256Format, digest.Blob, nil)
	l.source.Tree.Entries()[0].IDs.SHA1, l.source.Tree.Entries()[0].IDs.SHA256 = [20]byte{}, [32]byte(files.Bytes())
	if index, err := indexFile(digest.SHA1Format, l.source.Tree, when); err == nil {
		t.Errorf("an index without an id: %q", index)
	}
}
