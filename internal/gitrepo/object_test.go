package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

// loose returns the path of a loose object, made writable.
func (w *work) loose(id digest.ObjectID) string {
	w.tb.Helper()
	path := filepath.Join(w.dir, ".git/objects", id.String()[:2], id.String()[2:])
	if err := os.Chmod(path, 0o644); err != nil {
		w.tb.Fatal(err)
	}
	return path
}

func TestDamagedObjects(t *testing.T) {
	w := newWork(t).sample()
	a, b := w.id("HEAD:a.txt"), w.id("HEAD:sub/b.txt")
	other, err := os.ReadFile(w.loose(b))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{
		"another object": other, "not zlib": []byte("garbage"), "cut off": other[:len(other)/2], "empty": nil,
		"a bit flipped": append(bytes.Clone(other[:len(other)-8]), 0xff, 0, 0, 0, 0, 0, 0, 0),
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			testkit.Write(t, w.loose(a), string(content))
			r := open(t, w.dir)
			kind, got, err := r.Object(t.Context(), a)
			wantRule(t, err, refusal.GitHash)
			if kind != 0 || got != nil {
				t.Errorf("an object with an error: %v %q", kind, got)
			}
			if _, got, err := r.Object(t.Context(), b); err != nil || string(got) != "two\n" {
				t.Errorf("the next object: %q, %v", got, err)
			}
		})
	}
}

// A tree object replaced by another is noticed too.
func TestDamagedTree(t *testing.T) {
	w := newWork(t).sample()
	other, err := os.ReadFile(w.loose(w.id("HEAD:sub/deep")))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Write(t, w.loose(w.id("HEAD:sub")), string(other))
	_, err = open(t, w.dir).Tree(t.Context(), w.id("HEAD^{tree}"))
	wantRule(t, err, refusal.GitHash)
}

func TestReplaceAndGraftsAreIgnored(t *testing.T) {
	w := newWork(t).sample()
	w.write("a.txt", "evil\n")
	w.git("commit", "-q", "-am", "second")
	good, evil := w.id("v1.0^{commit}"), w.id("HEAD")
	want := w.git("ls-tree", "-r", "v1.0")
	w.git("replace", good.String(), evil.String())
	w.git("replace", w.git("--no-replace-objects", "rev-parse", "v1.0^{tree}"), w.git("--no-replace-objects", "rev-parse", "HEAD^{tree}"))
	testkit.Write(t, filepath.Join(w.dir, ".git/info/grafts"), evil.String()+"\n")
	if w.git("ls-tree", "-r", "v1.0") == want {
		t.Fatal("git does not replace: the test shows nothing")
	}
	r := open(t, w.dir)
	resolved, err := r.ResolveTag(t.Context(), tag(t, r, "v1.0"))
	if err != nil || resolved.CommitID != good || resolved.Commit.Message != "first\n" {
		t.Fatalf("got %+v, %v", resolved, err)
	}
	files, err := r.Tree(t.Context(), resolved.Commit.Tree)
	if err != nil || listing(files, r.Format()) != want+"\n" {
		t.Errorf("got %v, %v", files, err)
	}
	second, err := r.Commit(t.Context(), evil)
	if err != nil || len(second.Parents) != 1 {
		t.Errorf("the grafted commit: %+v, %v", second, err)
	}
}

func TestTags(t *testing.T) {
	w := newWork(t).sample()
	w.git("tag", "-a", "-m", "of a tag", "nested", "v1.0")
	w.git("tag", "-a", "-m", "of a tree", "tree", "HEAD^{tree}")
	w.git("tag", "-a", "-m", "of a blob", "blob", "HEAD:a.txt")
	w.git("tag", "light-tree", "HEAD^{tree}")
	w.git("update-ref", "refs/tags/v9.9", w.git("rev-parse", "v1.0"))
	w.git("update-ref", "refs/tags/--upload-pack=x", "HEAD")
	w.git("update-ref", "refs/tags/$(id)", "HEAD")
	lying := w.gitIn("object "+w.git("rev-parse", "HEAD^{tree}")+"\ntype commit\ntag lying\ntagger A <a@b> 1 +0000\n\n", "hash-object", "-t", "tag", "--literally", "-w", "--stdin")
	w.git("update-ref", "refs/tags/lying", lying)
	gone := w.gitIn(fmt.Sprintf("object %040x\ntype commit\ntag gone\ntagger A <a@b> 1 +0000\n\n", 1), "hash-object", "-t", "tag", "--literally", "-w", "--stdin")
	w.git("update-ref", "refs/tags/gone", gone)

	r := open(t, w.dir)
	tags, skipped, err := r.Tags(t.Context())
	if err != nil || len(tags) != 9 || strings.Join(skipped, " ") != "refs/tags/$(id) refs/tags/--upload-pack=x" {
		t.Fatalf("got %v, %v, %v", tags, skipped, err)
	}
	commit := w.id("HEAD")
	for _, tt := range []struct {
		name   string
		peeled digest.ObjectID
		rule   refusal.Rule
	}{
		{"v1.0", commit, ""}, {"light", digest.ObjectID{}, ""}, {"v9.9", commit, refusal.GitTagName}, {"nested", commit, refusal.GitTagTarget},
		{"tree", w.id("HEAD^{tree}"), refusal.GitTagTarget}, {"blob", w.id("HEAD:a.txt"), refusal.GitTagTarget}, {"light-tree", digest.ObjectID{}, refusal.GitTagTarget},
		{"lying", w.id("HEAD^{tree}"), refusal.GitType}, {"gone", tag(t, r, "gone").Peeled, refusal.GitMissing},
	} {
		ref := tag(t, r, tt.name)
		if ref.Peeled != tt.peeled {
			t.Errorf("%s peels to %v, want %v", tt.name, ref.Peeled, tt.peeled)
		}
		resolved, err := r.ResolveTag(t.Context(), ref)
		if tt.rule != "" {
			wantRule(t, err, tt.rule)
			continue
		}
		if err != nil || resolved.CommitID != commit || (resolved.Tag == nil) != (tt.name == "light") || resolved.TagID.IsZero() != (tt.name == "light") {
			t.Errorf("%s: %+v, %v", tt.name, resolved, err)
		}
	}
	_, err = r.ResolveTag(t.Context(), Ref{Name: "refs/heads/main", ID: commit})
	wantRule(t, err, refusal.GitRefName)
	_, err = r.Commit(t.Context(), w.id("HEAD^{tree}"))
	wantRule(t, err, refusal.GitType)
	_, err = r.Tree(t.Context(), commit)
	wantRule(t, err, refusal.GitType)
}

func TestBlobs(t *testing.T) {
	w := newWork(t).sample()
	r := open(t, w.dir)
	a, b, c := w.id("HEAD:a.txt"), w.id("HEAD:sub/b.txt"), w.id("HEAD:sub/deep/c")
	got := map[digest.ObjectID]string{}
	lacking, err := r.Blobs(t.Context(), []digest.ObjectID{c, a, b, a}, func(id digest.ObjectID, content []byte) error {
		got[id] += string(content)
		return nil
	})
	if err != nil || len(lacking) != 0 || got[a] != "one\n" || got[b] != "two\n" || got[c] != "three\n" {
		t.Errorf("got %v, %v, %v", got, lacking, err)
	}
	_, err = r.Blobs(t.Context(), []digest.ObjectID{w.id("HEAD")}, func(digest.ObjectID, []byte) error { return nil })
	wantRule(t, err, refusal.GitType)
	stop := errors.New("stop")
	if _, err = r.Blobs(t.Context(), []digest.ObjectID{a, b, c}, func(digest.ObjectID, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if _, content, err := r.Object(t.Context(), a); err != nil || string(content) != "one\n" {
		t.Errorf("after an error: %q, %v", content, err)
	}
}

// SmallBlobs passes over what is large, absent, or no blob.
func TestSmallBlobs(t *testing.T) {
	w := newWork(t).sample()
	r := open(t, w.dir)
	a, c := w.id("HEAD:a.txt"), w.id("HEAD:sub/deep/c")
	ids := []digest.ObjectID{c, absent(t, 1), w.id("HEAD"), a}
	for max, want := range map[int64]string{3: "", 5: "one\n", 6: "three\none\n"} {
		got := ""
		err := r.SmallBlobs(t.Context(), ids, max, func(_ digest.ObjectID, content []byte) error {
			got += string(content)
			return nil
		})
		if err != nil || got != want {
			t.Errorf("up to %d bytes: %q, %v, want %q", max, got, err, want)
		}
	}
	stop := errors.New("stop")
	if err := r.SmallBlobs(t.Context(), ids, 9, func(digest.ObjectID, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// A context that ends, ends a read at once; the next one works.
func TestCancel(t *testing.T) {
	w := newWork(t).sample()
	r := open(t, w.dir)
	ids := make([]digest.ObjectID, 20_000)
	for i := range ids {
		ids[i] = absent(t, i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if lacking, err := r.Blobs(ctx, ids, nil); err != nil || len(lacking) != len(ids) {
		t.Fatalf("%d of %d are missing, %v", len(lacking), len(ids), err)
	}
	n := 0
	err := r.reader.Read(ctx, ids, func(int, objects.Object) error {
		if n++; n == 100 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after %d answers: %v", n, err)
	}
	if out, _ := exec.Command("pgrep", "-f", r.temp).Output(); len(out) > 0 {
		t.Errorf("processes that are left: %s", out)
	}
	if _, _, err := r.Object(ctx, ids[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if _, _, err := r.Object(t.Context(), w.id("HEAD")); err != nil {
		t.Errorf("after a cancelled read: %v", err)
	}
}

// absent returns the i-th id of no object.
func absent(t *testing.T, i int) digest.ObjectID {
	t.Helper()
	id, err := digest.ParseObjectID(fmt.Sprintf("%040x", i+1))
	if err != nil {
		t.Fatal(err)
	}
	return id
}
