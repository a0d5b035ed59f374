package intake_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/intake"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/testkit"
)

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, "git"), append([]string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@example.org"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit makes a commit on what is checked out.
func commit(t *testing.T, dir string, n int) string {
	t.Helper()
	testkit.Write(t, filepath.Join(dir, "file"), fmt.Sprintf("%d\n", n))
	git(t, dir, "add", "file")
	git(t, dir, "commit", "-q", "-m", "commit")
	return git(t, dir, "rev-parse", "HEAD")
}

// pair makes a server and a clone of it.
func pair(t *testing.T, format string, clone ...string) (server, here string) {
	t.Helper()
	server, here = filepath.Join(t.TempDir(), "server"), filepath.Join(t.TempDir(), "here")
	git(t, ".", "init", "-q", "-b", "main", "--object-format="+format, server)
	commit(t, server, 1)
	commit(t, server, 2)
	git(t, ".", append(append([]string{"clone", "-q"}, clone...), "file://"+server, here)...)
	return server, here
}

// fetch fetches the refs, and returns what became of them, one a line.
func fetch(t *testing.T, server, here string, prefixes ...string) string {
	t.Helper()
	program, err := gitrepo.Find(t.Context())
	if err != nil {
		testkit.Missing(t, "%v", err)
	}
	r, err := program.OpenLocal(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	from := refs.Server{Address: server}
	wanted, err := refs.ListServer(t.Context(), r, from, prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	arrivals, err := intake.Fetch(t.Context(), r, from, wanted)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, a := range arrivals {
		lines = append(lines, fmt.Sprintf("%s %d", a.Ref, a.Outcome))
	}
	return strings.Join(lines, "\n")
}

func TestFetch(t *testing.T) {
	for name, clone := range map[string][]string{"sha1": nil, "sha256": nil, "shallow": {"--depth=1"}} {
		t.Run(name, func(t *testing.T) {
			format := name
			if name == "shallow" {
				format = "sha1"
			}
			server, here := pair(t, format, clone...)
			git(t, server, "switch", "-q", "-c", "built")
			head := commit(t, server, 3)
			git(t, server, "tag", "-a", "-m", "x", "v1")
			want := func(step, want string) {
				t.Helper()
				if got := fetch(t, server, here, "refs/heads/built", "refs/tags/"); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", step, got, want)
				}
			}
			want("both are new", fmt.Sprintf("refs/heads/built %d\nrefs/tags/v1 %d", intake.Made, intake.Made))
			want("again", fmt.Sprintf("refs/heads/built %d\nrefs/tags/v1 %d", intake.Same, intake.Same))
			if got := git(t, here, "rev-parse", "built"); got != head {
				t.Errorf("the branch holds %s, not %s", got, head)
			}
			commit(t, server, 4)
			want("the branch goes on", fmt.Sprintf("refs/heads/built %d\nrefs/tags/v1 %d", intake.Forwarded, intake.Same))
			git(t, server, "reset", "-q", "--hard", head)
			want("it is rewound", fmt.Sprintf("refs/heads/built %d\nrefs/tags/v1 %d", intake.Ahead, intake.Same))
			commit(t, server, 5)
			git(t, server, "tag", "-f", "-a", "-m", "y", "v1")
			want("branch and tag are moved", fmt.Sprintf("refs/heads/built %d\nrefs/tags/v1 %d", intake.Apart, intake.Apart))
			git(t, here, "fsck", "--strict")
			if left, _ := filepath.Glob(filepath.Join(here, ".git", "objects", "tmp_objdir*")); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// Whatever is no commit becomes no branch, and nothing is left of a fetch that fails.
func TestFetchRefuses(t *testing.T) {
	server, here := pair(t, "sha1")
	blob := git(t, server, "hash-object", "-w", "file")
	testkit.Write(t, filepath.Join(server, ".git", "refs", "heads", "bad"), blob+"\n")
	if got := fetch(t, server, here, "refs/heads/bad"); !strings.Contains(got, "GIT_TYPE") {
		t.Errorf("got %s", got)
	}
	if got := git(t, here, "for-each-ref", "refs/heads/bad"); got != "" {
		t.Errorf("the branch was made: %s", got)
	}
}

// What is here already is not sent again: the history may have gigabytes.
func TestFetchSendsWhatIsNew(t *testing.T) {
	server, here := pair(t, "sha1")
	for n := range 20 {
		commit(t, server, 10+n)
	}
	fetch(t, server, here, "refs/heads/main")
	git(t, here, "fetch", "-q", "origin")
	git(t, server, "switch", "-q", "-c", "built")
	commit(t, server, 100)
	if got, want := fetch(t, server, here, "refs/heads/built"), fmt.Sprintf("refs/heads/built %d", intake.Made); got != want {
		t.Errorf("got %s", got)
	}
	packs, err := filepath.Glob(filepath.Join(here, ".git", "objects", "pack", "*.idx"))
	if err != nil {
		t.Fatal(err)
	}
	least := 1 << 20
	for _, p := range packs {
		least = min(least, len(strings.Split(git(t, here, "verify-pack", "-v", p), "\n")))
	}
	if least > 6 { // commit, tree, blob, and what verify-pack says of the pack
		t.Errorf("the smallest pack has %d lines", least)
	}
}
