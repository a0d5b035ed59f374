package gitrepo

import (
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

func TestHeads(t *testing.T) {
	w := newWork(t)
	r := open(t, w.dir)
	if heads, err := r.Heads(t.Context()); err != nil || len(heads) != 0 {
		t.Errorf("of an empty repository: %v, %v", heads, err)
	}
	w.sample()
	first := w.id("HEAD")
	w.git("branch", "same")
	w.git("checkout", "-q", "-b", "other/branch")
	w.git("commit", "-q", "--allow-empty", "-m", "second")
	second := w.id("HEAD")
	w.git("checkout", "-q", "--detach")
	w.git("commit", "-q", "--allow-empty", "-m", "on no branch")
	w.git("update-ref", "refs/remotes/origin/x", "HEAD")
	heads, err := open(t, w.dir).Heads(t.Context())
	if err != nil || len(heads) != 2 || !slices.Contains(heads, first) || !slices.Contains(heads, second) {
		t.Errorf("got %v, %v, want %v and %v", heads, err, first, second)
	}
	if heads, err := (&Repository{}).Heads(t.Context()); err == nil {
		t.Errorf("of a remote repository: %v", heads)
	}
}

func TestTreeObject(t *testing.T) {
	for _, format := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		w := newWork(t, "--object-format="+format.String()).sample()
		r := open(t, w.dir)
		entries, err := r.TreeObject(t.Context(), w.id("HEAD^{tree}"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
			if e.ID != w.id("HEAD:"+e.Name) {
				t.Errorf("%s is %v", e.Name, e.ID)
			}
		}
		if got := strings.Join(names, " "); got != ".gitattributes a.txt bin link sub" {
			t.Errorf("the entries are %q", got)
		}
		for _, rev := range []string{"HEAD", "HEAD:a.txt", "v1.0"} {
			_, err := r.TreeObject(t.Context(), w.id(rev))
			wantRule(t, err, refusal.GitType)
			if err == nil || !strings.Contains(err.Error(), w.id(rev).String()) {
				t.Errorf("the error does not name the object: %v", err)
			}
		}
	}
	w := newWork(t).sample()
	_, err := open(t, w.dir).TreeObject(t.Context(), absent(t, 7))
	wantRule(t, err, refusal.GitMissing)
}
