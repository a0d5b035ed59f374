package refs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

// work is a repository with a tagged commit, opened.
type work struct {
	t   *testing.T
	dir string
	r   *gitrepo.Repository
}

func newWork(t *testing.T, initArgs ...string) *work {
	t.Helper()
	w := &work{t: t, dir: t.TempDir()}
	w.git("", append([]string{"init", "-q", "-b", "main"}, initArgs...)...)
	testkit.Write(t, filepath.Join(w.dir, "a"), "1\n")
	w.git("", "add", ".")
	w.git("", "commit", "-q", "-m", "one")
	w.git("", "commit", "-q", "--allow-empty", "-m", "two")
	w.git("", "tag", "-a", "-m", "x", "v1")
	return w.open()
}

func (w *work) open() *work {
	w.t.Helper()
	g, err := gitrepo.Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if w.r, err = g.OpenLocal(w.t.Context(), w.dir); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = w.r.Close() })
	return w
}

func (w *work) git(stdin string, args ...string) string {
	w.t.Helper()
	cmd := exec.Command(testkit.Program(w.t, "git"), args...)
	cmd.Dir, cmd.Stdin = w.dir, strings.NewReader(stdin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b", "GIT_AUTHOR_DATE=1700000000 +0100",
		"GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@d", "GIT_COMMITTER_DATE=1700000001 -0230"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *work) id(rev string) digest.ObjectID {
	w.t.Helper()
	id, err := digest.ParseObjectID(w.git("", "rev-parse", rev))
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// at is what a ref holds as git says, "" if it does not exist.
func (w *work) at(ref string) string {
	w.t.Helper()
	return w.git("", "for-each-ref", "--format=%(objectname)", ref)
}

func (w *work) update(changes ...Change) Answer {
	w.t.Helper()
	answer, err := Update(w.t.Context(), w.r, changes...)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

func wantRule(t *testing.T, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
		t.Errorf("got %v, want a refusal by %s", err, rule)
	}
}

func TestUpdate(t *testing.T) {
	for _, f := range []string{"sha1", "sha256"} {
		t.Run(f, func(t *testing.T) { checkUpdate(t, newWork(t, "--object-format="+f)) })
	}
}

func checkUpdate(t *testing.T, w *work) {
	one, two := w.id("HEAD~1"), w.id("HEAD")
	const a, b = "refs/heads/xz-built", "refs/countermark/policy"
	if got := w.update(Change{Ref: a, New: one}); got.Outcome != Changed || w.at(a) != one.String() {
		t.Errorf("creating: %+v, it holds %s", got, w.at(a))
	}
	if id, err := Read(t.Context(), w.r, a); id != one || err != nil {
		t.Errorf("reading: %v, %v", id, err)
	}
	if got := w.update(Change{Ref: a, New: one}); got.Outcome != Unchanged {
		t.Errorf("creating again: %+v", got)
	}
	if got := w.update(Change{Ref: a, New: two}); got != (Answer{Outcome: Moved, Ref: a, At: one}) || w.at(a) != one.String() {
		t.Errorf("creating another: %+v", got)
	}
	if got := w.update(Change{Ref: b, New: one}, Change{a, two, w.id("v1")}); got != (Answer{Outcome: Moved, Ref: a, At: one}) || w.at(b) != "" {
		t.Errorf("of two changes one went through: %+v", got)
	}
	w.git("", "pack-refs", "--all")
	w.update(Change{a, one, two}) // half of what comes next
	if got := w.update(Change{a, one, two}, Change{Ref: b, New: one}); got.Outcome != Changed || w.at(a) != two.String() || w.at(b) != one.String() {
		t.Errorf("two changes: %+v", got)
	}
	if got := w.update(Change{a, one, two}, Change{Ref: b, New: one}); got.Outcome != Unchanged {
		t.Errorf("two changes again: %+v", got)
	}
	if got := w.update(Change{"refs/heads/gone", one, two}); got != (Answer{Outcome: Moved, Ref: "refs/heads/gone"}) {
		t.Errorf("a ref that does not exist: %+v", got)
	}
}

// Between the look and the transaction another may be faster: git itself holds
// the change to the old value.
func TestTransactComparesAndSwaps(t *testing.T) {
	w := newWork(t)
	one, two := w.id("HEAD~1"), w.id("HEAD")
	w.git("", "update-ref", "refs/heads/x", two.String())
	for _, changes := range [][]Change{
		{{Ref: "refs/heads/x", New: one}},
		{{Ref: "refs/heads/x", Old: one, New: one}},
		{{Ref: "refs/heads/y", New: one}, {Ref: "refs/heads/x", Old: one, New: one}},
		{{Ref: "refs/heads/y", Old: one, New: two}},
	} {
		if err := transact(t.Context(), w.r, changes); err == nil || w.at("refs/heads/x") != two.String() || w.at("refs/heads/y") != "" {
			t.Errorf("%v: %v, x holds %s, y %s", changes, err, w.at("refs/heads/x"), w.at("refs/heads/y"))
		}
	}
}

func TestUpdateRefuses(t *testing.T) {
	w := newWork(t)
	two := w.id("HEAD")
	for _, ref := range []string{"HEAD", "xz-built", "refs/tags/", "refs/tags", "refs/heads/", "refs/heads/a..b", "refs/heads/a b", "refs/heads/-x", "refs/heads/x.lock", "refs/heads/a\ndelete refs/heads/main", "refs/replace/x"} {
		_, err := Update(t.Context(), w.r, Change{Ref: ref, New: two})
		wantRule(t, err, refusal.GitRefName)
		_, err = Read(t.Context(), w.r, ref)
		wantRule(t, err, refusal.GitRefName)
	}
	other, _ := digest.HashObject(digest.SHA256Format, digest.Blob, nil)
	for _, c := range []Change{{Ref: "refs/heads/x"}, {Ref: "refs/heads/x", New: other}, {Ref: "refs/heads/x", New: two, Old: other}, {Ref: "refs/heads/x", New: digest.ObjectIDFromBytes(digest.SHA1Format, make([]byte, 20))}} {
		_, err := Update(t.Context(), w.r, c)
		wantRule(t, err, refusal.GitFormat)
	}
	for _, ref := range []string{"refs/tags/v1", "refs/tags/v2"} {
		_, err := Update(t.Context(), w.r, Change{ref, two, w.id("HEAD~1")})
		wantRule(t, err, refusal.GitRefName)
	}
	absent, _ := digest.HashObject(digest.SHA1Format, digest.Commit, nil)
	w.git("", "worktree", "add", "-q", "-b", "linked", filepath.Join(t.TempDir(), "linked"))
	for what, c := range map[string]Change{
		"a commit that is not there":     {Ref: "refs/heads/x", New: absent},
		"the branch that is checked out": {Ref: "refs/heads/main", New: w.id("HEAD~1"), Old: two},
		"a branch of a linked work tree": {Ref: "refs/heads/linked", New: w.id("HEAD~1"), Old: two},
		"a branch below another":         {Ref: "refs/heads/main/x", New: two},
	} {
		if got, err := Update(t.Context(), w.r, c); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := w.at("refs/heads"); strings.Count(got, two.String()) != 2 {
		t.Errorf("the branches hold %s", got)
	}
	// A lock that another holds is an error, and is left alone.
	lock := testkit.Write(t, filepath.Join(w.dir, ".git/refs/heads/locked.lock"), "")
	if _, err := Update(t.Context(), w.r, Change{Ref: "refs/heads/locked", New: two}); err == nil {
		t.Error("a locked ref was changed")
	} else if _, statErr := os.Stat(lock); statErr != nil {
		t.Error("the lock is gone")
	}
}

// Hooks and configured programs of the repository do not run.
func TestUpdateRunsNothing(t *testing.T) {
	w := newWork(t)
	one := w.id("HEAD~1")
	trap := filepath.Join(t.TempDir(), "trap")
	mark := trap + ".mark"
	hooks := filepath.Join(t.TempDir(), "hooks")
	files := []string{trap}
	for _, name := range []string{"reference-transaction", "pre-push", "post-index-change"} {
		files = append(files, filepath.Join(hooks, name), filepath.Join(w.dir, ".git/hooks", name))
	}
	for _, file := range files {
		if err := os.Chmod(testkit.Write(t, file, "#!/bin/sh\necho \"$0\" >>"+mark+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for key, value := range map[string]string{"core.hooksPath": hooks, "core.fsmonitor": trap, "core.sshCommand": trap, "alias.update-ref": "!" + trap, "alias.push": "!" + trap, "core.pager": trap} {
		w.git("", "config", key, value)
	}
	w.git("", "update-ref", "refs/heads/other", "HEAD")
	if err := os.Remove(mark); err != nil {
		t.Fatal("the hook does not run when git is run as people do: the test would show nothing")
	}
	server := bare(t)
	if got := w.update(Change{Ref: "refs/heads/x", New: one}); got.Outcome != Changed {
		t.Errorf("got %+v", got)
	}
	if got := w.push(Candidate{Server: server.dir, Version: "1", Commit: one}); got.Outcome != Changed {
		t.Errorf("got %+v", got)
	}
	if text, err := os.ReadFile(mark); err == nil {
		t.Errorf("a program of the repository ran: %s", text)
	}
	w.git("", "config", "hook.h.command", trap)
	w.git("", "config", "hook.h.event", "reference-transaction")
	if got, err := Update(t.Context(), w.r, Change{Ref: "refs/heads/z", New: one}); err == nil || !strings.Contains(err.Error(), "hook.h.event") {
		t.Errorf("a configured hook: %+v, %v", got, err)
	}
}

// store writes a commit as it is and returns its id.
func (w *work) store(raw []byte) digest.ObjectID {
	w.t.Helper()
	return w.id(w.git(string(raw), "hash-object", "-w", "-t", "commit", "--stdin"))
}

// What is known to be in the way of a branch is told beforehand; a branch that holds
// what it shall hold is no matter, though it is checked out.
func TestMakeable(t *testing.T) {
	w := newWork(t)
	const branch = "refs/heads/candidates/1.0"
	says := func(want string) {
		t.Helper()
		if err := Makeable(t.Context(), w.r, branch); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
	says("")
	w.git("", "update-ref", "refs/heads/candidates", "HEAD")
	says(`"refs/heads/candidates" is in the way`)
	w.git("", "update-ref", "-d", "refs/heads/candidates")
	w.git("", "symbolic-ref", "HEAD", branch)
	says("is checked out by")
	id := w.id("refs/tags/v1^{commit}")
	w.git("", "update-ref", branch, id.String())
	if got := w.update(Change{Ref: branch, Old: id, New: id}); got.Outcome != Unchanged {
		t.Errorf("nothing is to be changed: %+v", got)
	}
	w.git("", "symbolic-ref", "HEAD", "refs/heads/other")
	w.git("", "update-ref", "-d", branch)
	says("")
	w.git("", "config", "hook.h.event", "reference-transaction")
	says("hook.h.event")
	if err := Makeable(t.Context(), w.r, "refs/remotes/x"); err == nil {
		t.Error("a ref of a remote's")
	}
}

func TestReadBuilt(t *testing.T) {
	w := newWork(t)
	const branch = "refs/heads/x-built"
	if head, err := ReadBuilt(t.Context(), w.r, branch); err != nil || !head.ID.IsZero() || head.Built != nil {
		t.Errorf("no branch: %+v, %v", head, err)
	}
	set := func(id digest.ObjectID) { w.git("", "update-ref", branch, id.String()) }
	refused := func(rule refusal.Rule) {
		t.Helper()
		head, err := ReadBuilt(t.Context(), w.r, branch)
		if wantRule(t, err, rule); head.Built != nil || err == nil || !strings.Contains(err.Error(), branch) {
			t.Errorf("got %+v, %v", head, err)
		}
	}
	set(w.id("HEAD"))
	refused(refusal.GitBuilt)

	c := &builtcommit.Commit{
		Tree: w.id("HEAD^{tree}"), Author: builtcommit.Person{Name: "A"}, Committer: builtcommit.Person{Name: "A"}, Name: "x", Version: "1",
		Source: builtcommit.Source{Tag: "refs/tags/v1", TagObject: w.id("v1"), Commit: w.id("HEAD")}, Recipe: digest.SHA256{1},
	}
	w.git("", "hash-object", "-w", "-t", "tree", "/dev/null")
	root, _, err := builtcommit.Root(digest.SHA1Format)
	if err != nil {
		t.Fatal(err)
	}
	c.Previous = w.store(root)
	raw, id, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	set(w.store(raw))
	if head, err := ReadBuilt(t.Context(), w.r, branch); err != nil || head.ID != id || head.Built.Version != "1" {
		t.Errorf("got %+v, %v", head, err)
	}
	trailer := "bless\n\nStatement-sha256: " + strings.Repeat("0f", 32) + "\n"
	blessing := w.id(w.git(trailer, "commit-tree", c.Tree.String(), "-p", id.String()))
	set(blessing)
	if head, err := ReadBuilt(t.Context(), w.r, branch); err != nil || head.ID != blessing || head.Built.Version != "1" {
		t.Errorf("got %+v, %v", head, err)
	}
	set(w.id(w.git(trailer, "commit-tree", w.git("", "mktree"), "-p", id.String()))) // with another tree
	refused(refusal.GitBuilt)
	set(w.id(w.git(trailer, "commit-tree", c.Tree.String(), "-p", "HEAD"))) // of no built commit
	refused(refusal.GitBuilt)
	set(w.store([]byte(strings.Replace(string(raw), "parent "+c.Source.Commit.String()+"\n", "", 1))))
	refused(refusal.GitParent)
}

func TestList(t *testing.T) {
	w := newWork(t)
	two := w.id("HEAD")
	for _, ref := range []string{"refs/countermark/b/x", "refs/countermark/a", "refs/countermarks"} {
		w.git("", "update-ref", ref, two.String())
	}
	for ask, want := range map[string][]Ref{
		"refs/countermark":   {{"refs/countermark/a", two}, {"refs/countermark/b/x", two}},
		OwnPrefix:            {{"refs/countermark/a", two}, {"refs/countermark/b/x", two}},
		"refs/countermark/b": {{"refs/countermark/b/x", two}},
		"refs/countermark/c": nil,
	} {
		if got, err := List(t.Context(), w.r, ask); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", ask, got, err)
		}
	}
	if got := w.update(Change{Ref: "refs/tags/v3", New: w.id("v1")}); got.Outcome != Changed || w.at("refs/tags/v3") != w.id("v1").String() {
		t.Errorf("a tag: %+v", got)
	}
	if got := w.update(Change{Ref: "refs/tags/v3", New: two}); got.Outcome != Moved {
		t.Errorf("another tag of that name: %+v", got)
	}
}
