//go:build unix

package ledger_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
)

// The variables that make this program another one, to be killed: it appends
// statements and a policy to a repository, and pushes them.
const (
	victimDir    = "COUNTERMARK_TEST_VICTIM_DIR"
	victimServer = "COUNTERMARK_TEST_VICTIM_SERVER"
)

// victimStatements is how many statements it appends: more than one push holds.
const victimStatements = refs.MaxChanges + 3

func TestVictim(t *testing.T) {
	dir, address := os.Getenv(victimDir), os.Getenv(victimServer)
	if dir == "" {
		t.Skip("this is the program that TestKilled kills")
	}
	g, err := gitrepo.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := &work{t: t, dir: dir}
	if w.r, err = g.OpenLocal(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for n := range victimStatements {
		if _, err := ledger.Append(t.Context(), w.r, statement(t, "1.0", n)); err != nil {
			t.Fatal(err)
		}
		if n == 3 && len(w.policies().Links) == 0 {
			w.addPolicy(1)
		}
		if n%30 == 5 {
			w.push(address, "1.0")
		}
	}
	if got := w.push(address, "1.0"); got.Answer.Outcome != refs.Changed && got.Answer.Outcome != refs.Unchanged {
		t.Errorf("%+v", got)
	}
	if err := w.r.Close(); err != nil {
		t.Fatal(err)
	}
}

// The program is killed at any moment, and started again until it comes to its
// end: all is there once, nothing is half, and nothing is left that is in the way.
func TestKilled(t *testing.T) {
	s, w := server(t, "sha1"), clone(t, "sha1")
	kills, said := 0, "it was never started"
	// What the killed program had started goes on for a moment, and may be in the way.
	for delay := 50 * time.Millisecond; said != "" && kills < 60; delay = min(delay*3/2, time.Minute) {
		ctx, cancel := context.WithTimeout(t.Context(), delay) // whose end kills it
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestVictim$")
		cmd.Env = append(os.Environ(), victimDir+"="+w.dir, victimServer+"="+s.dir, "TMPDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		cancel()
		if said = ""; err != nil {
			kills++
			said = string(out) + err.Error()
		}
	}
	if said != "" {
		t.Fatalf("it never came to its end: %s", said)
	}
	if kills == 0 {
		t.Error("it was never killed")
	}
	for _, x := range []*work{w, s} {
		if n := len(strings.Fields(x.at(entry.RefPrefix))); n != victimStatements {
			t.Errorf("%s has %d statements, expected %d", x.dir, n, victimStatements)
		}
		x.git("", "fsck", "--strict")
	}
	if c := w.policies(); len(c.Links) != 1 || c.Head().String() != s.at(ledger.PolicyRef) {
		t.Errorf("there are %d policies", len(c.Links))
	}
	if got := w.fetch(s.dir); got.Entries+got.Policies+len(got.Problems) != 0 {
		t.Errorf("in the end: %+v", got)
	}
	t.Logf("killed %d times", kills)
}
