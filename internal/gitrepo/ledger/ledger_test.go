package ledger_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/sample"
)

// work is a bare repository, opened unless it is a server.
type work struct {
	t   *testing.T
	dir string
	r   *gitrepo.Repository
}

// server makes a bare repository that checks what it receives.
func server(t *testing.T, format string) *work {
	t.Helper()
	w := &work{t: t, dir: filepath.Join(t.TempDir(), "server.git")}
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.git("", "init", "-q", "--bare", "--object-format="+format)
	w.git("", "config", "receive.fsckObjects", "true")
	w.git("", "config", "http.receivepack", "true")
	return w
}

func clone(t *testing.T, format string) *work {
	t.Helper()
	w := server(t, format)
	w.git("", "update-ref", "refs/tags/x", w.git("x", "hash-object", "-w", "--stdin")) // says which format it is
	g, err := gitrepo.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.r, err = g.OpenLocal(t.Context(), w.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.r.Close(); err != nil {
			t.Error(err)
		}
	})
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

// at is what a ref holds as git says, "" if it does not exist.
func (w *work) at(ref string) string {
	w.t.Helper()
	return w.git("", "for-each-ref", "--format=%(objectname)", ref)
}

// put makes a ref hold a blob, as only a hostile hand does.
func (w *work) put(ref, content string) {
	w.t.Helper()
	w.git("", "update-ref", ref, w.git(content, "hash-object", "-w", "--stdin"))
}

func statement(t *testing.T, version string, n int) entry.Entry {
	t.Helper()
	e, err := entry.Of(sample.Envelope(t, version, n))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (w *work) add(want int, entries ...entry.Entry) {
	w.t.Helper()
	if n, err := ledger.Append(w.t.Context(), w.r, entries...); err != nil || n != want {
		w.t.Fatalf("%d were added, %v; want %d", n, err, want)
	}
}

func (w *work) read(version string) ledger.Contents {
	w.t.Helper()
	c, err := ledger.Read(w.t.Context(), w.r, version)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *work) fetch(address string) ledger.Fetched {
	w.t.Helper()
	got, err := ledger.Fetch(w.t.Context(), w.r, refs.Server{Address: address})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *work) push(address, version string) ledger.Pushed {
	w.t.Helper()
	got, err := ledger.Push(w.t.Context(), w.r, ledger.Pushing{Server: refs.Server{Address: address}, Version: version})
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func (w *work) policies() ledger.Chain {
	w.t.Helper()
	c, err := ledger.ReadPolicies(w.t.Context(), w.r)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *work) addPolicy(n int) {
	w.t.Helper()
	if answer, err := ledger.AppendPolicy(w.t.Context(), w.r, w.policies(), sample.Policy(n)); err != nil || answer.Outcome != refs.Changed {
		w.t.Fatalf("policy %d: %+v, %v", n, answer, err)
	}
}

// rules lists the rules of problems, in their order.
func rules(problems []ledger.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, string(p.Refusal.Rule))
	}
	return strings.Join(all, " ")
}

func wantRule(t *testing.T, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
		t.Errorf("got %v, want a refusal by %s", err, rule)
	}
}

func formats() []string { return []string{"sha1", "sha256"} }

func TestAppend(t *testing.T) {
	for _, f := range formats() {
		t.Run(f, func(t *testing.T) {
			w := clone(t, f)
			one, two, three := statement(t, "1.0", 1), statement(t, "1.0", 2), statement(t, "1.0-rc1", 3)
			w.add(2, one, three, one)
			w.add(1, one, two, three)
			w.add(0, one, two, three)
			w.add(0)
			c := w.read("1.0")
			if len(c.Entries) != 2 || len(c.Problems) != 0 || !slices.ContainsFunc(c.Entries, func(e entry.Entry) bool { return e.Digest == two.Digest && string(e.Content) == string(two.Content) }) {
				t.Errorf("%+v", c)
			}
			if all := w.read(""); len(all.Entries) != 3 {
				t.Errorf("of all versions: %+v", all)
			}
			sum, _, _ := strings.Cut(w.git(w.git("", "cat-file", "blob", one.Place().Ref())+"\n", "hash-object", "--stdin"), " ")
			if sum != w.at(one.Place().Ref()) {
				t.Errorf("git says that it is %s", sum)
			}
			w.git("", "fsck", "--strict")
		})
	}
}

// What somebody else has put there is data, and stops nothing.
func TestReadHostile(t *testing.T) {
	w := clone(t, "sha1")
	good, other := statement(t, "1.0", 1), statement(t, "1.0", 2)
	w.add(1, good)
	w.put(other.Place().Ref(), string(statement(t, "1.0", 3).Content))
	w.put(entry.RefPrefix+"1.0/"+strings.Repeat("a", 32), string(good.Content))
	w.put(entry.RefPrefix+"1.0/too/deep", string(good.Content))
	w.put(entry.RefPrefix+"1.0/"+strings.ToUpper(other.Place().Digest), string(other.Content))
	w.put(entry.RefPrefix+"1.0/"+strings.Repeat("b", 32), strings.Repeat("a", entry.MaxBytes+1))
	tree := w.git("", "write-tree")
	w.git("", "update-ref", entry.RefPrefix+"1.0/"+strings.Repeat("c", 32), tree)
	c := w.read("1.0")
	if len(c.Entries) != 1 || c.Entries[0].Digest != good.Digest || len(c.Problems) != 6 {
		t.Fatalf("%d entries, %d problems", len(c.Entries), len(c.Problems))
	}
	want := map[string]refusal.Rule{
		other.Place().Digest: refusal.LedgerName, strings.Repeat("a", 32): refusal.LedgerName, "too/deep": refusal.LedgerName,
		strings.ToUpper(other.Place().Digest): refusal.LedgerName, strings.Repeat("b", 32): refusal.LedgerEntry, strings.Repeat("c", 32): refusal.LedgerEntry,
	}
	for _, p := range c.Problems {
		if name := strings.TrimPrefix(p.Ref, entry.RefPrefix+"1.0/"); p.Refusal.Rule != want[name] {
			t.Errorf("%s: %v, want %s", name, p.Refusal, want[name])
		}
	}
	_, err := ledger.Append(t.Context(), w.r, other)
	wantRule(t, err, refusal.LedgerName)
	_, err = ledger.Read(t.Context(), w.r, "*")
	wantRule(t, err, refusal.LedgerName)
}

func TestPolicies(t *testing.T) {
	for _, f := range formats() {
		t.Run(f, func(t *testing.T) { checkPolicies(t, clone(t, f), clone(t, f)) })
	}
}

func checkPolicies(t *testing.T, w, other *work) {
	if c := w.policies(); len(c.Links) != 0 || !c.Head().IsZero() {
		t.Errorf("before any: %+v", c)
	}
	w.addPolicy(1)
	first := w.policies()
	w.addPolicy(2)
	c := w.policies()
	if len(c.Links) != 2 || string(c.Links[0].Payload) != "version = 1\n" || !reflect.DeepEqual(c.Links[1], sample.Policy(2)) || c.Head().String() != w.at(ledger.PolicyRef) {
		t.Errorf("%+v", c)
	}
	for _, c := range []struct {
		chain ledger.Chain
		link  dsse.Envelope
		want  refs.Outcome
	}{{c, sample.Policy(2), refs.Unchanged}, {first, sample.Policy(2), refs.Unchanged}, {first, sample.Policy(3), refs.Moved}, {ledger.Chain{}, sample.Policy(1), refs.Moved}} {
		if answer, err := ledger.AppendPolicy(t.Context(), w.r, c.chain, c.link); err != nil || answer.Outcome != c.want {
			t.Errorf("%s after %d: %+v, %v", c.link.Payload, len(c.chain.Links), answer, err)
		}
	}
	large, unsigned := sample.Policy(3), sample.Policy(3)
	large.Payload, unsigned.Signatures = make([]byte, ledger.MaxPolicyBytes+1), nil
	for _, bad := range []dsse.Envelope{{}, sample.Envelope(t, "1.0", 1), large, unsigned} {
		_, err := ledger.AppendPolicy(t.Context(), w.r, c, bad)
		wantRule(t, err, refusal.LedgerChain)
	}
	other.addPolicy(1) // elsewhere the same policies are the same commits
	other.addPolicy(2)
	if other.policies().Head() != c.Head() {
		t.Errorf("elsewhere the head is %v, here %v", other.policies().Head(), c.Head())
	}
	w.git("", "fsck", "--strict")
	if got := w.git("", "show", ledger.PolicyRef+":policy.toml"); got != "version = 2" {
		t.Errorf("git shows %q", got)
	}
}

// A commit that is not as this program writes it is no policy's.
func TestPoliciesHostile(t *testing.T) {
	w := clone(t, "sha1")
	w.addPolicy(1)
	w.addPolicy(2)
	good := w.at(ledger.PolicyRef)
	tree := w.git("", "rev-parse", good+"^{tree}")
	blob := w.git("x", "hash-object", "-w", "--stdin")
	mktree := func(lines ...string) string { return w.git(strings.Join(lines, "\n")+"\n", "mktree", "--missing") }
	raw := w.git("", "cat-file", "commit", good) + "\n"
	write := func(from, to string) string {
		return w.git(strings.Replace(raw, from, to, 1), "hash-object", "-t", "commit", "-w", "--stdin")
	}
	signed := "100644 blob " + w.git("", "rev-parse", good+":policy.dsse.json") + "\tpolicy.dsse.json"
	large := w.git(strings.Repeat("a", 2*ledger.MaxPolicyBytes+2), "hash-object", "-w", "--stdin")
	toml := "100644 blob " + w.git("", "rev-parse", good+":policy.toml") + "\tpolicy.toml"
	for name, head := range map[string]string{
		"another author":  w.git("x\n", "commit-tree", tree, "-p", good),
		"another message": write("\npolicy", "\npolitics"),
		"another date":    write("> 0 +0000", "> 1 +0000"),
		"another zone":    write("> 0 +0000", "> 0 -0000"),
		"two parents":     write("author ", "parent "+good+"\nauthor "),
		"another file":    write("tree "+tree, "tree "+mktree(signed, "100644 blob "+blob+"\tpolicy.tom")),
		"an executable":   write("tree "+tree, "tree "+mktree(signed, "100755 blob "+blob+"\tpolicy.toml")),
		"a file too many": write("tree "+tree, "tree "+mktree(signed, "100644 blob "+blob+"\tpolicy.toml", "100644 blob "+blob+"\tx")),
		"a file too few":  write("tree "+tree, "tree "+mktree(signed)),
		"a folder":        write("tree "+tree, "tree "+mktree(signed, "040000 tree "+tree+"\tpolicy.toml")),
		"a file too long": write("tree "+tree, "tree "+mktree(toml, "100644 blob "+large+"\tpolicy.dsse.json")),
		"a missing file":  write("tree "+tree, "tree "+mktree(toml, "100644 blob "+strings.Repeat("1", 40)+"\tpolicy.dsse.json")),
		"another policy":  write("tree "+tree, "tree "+mktree(signed, "100644 blob "+blob+"\tpolicy.toml")),
		"a statement":     write("tree "+tree, "tree "+mktree(toml, "100644 blob "+w.git(string(statement(t, "1.0", 1).Content), "hash-object", "-w", "--stdin")+"\tpolicy.dsse.json")),
		"no envelope":     write("tree "+tree, "tree "+mktree("100644 blob "+blob+"\tpolicy.dsse.json", "100644 blob "+blob+"\tpolicy.toml")),
	} {
		w.git("", "update-ref", ledger.PolicyRef, head)
		_, err := ledger.ReadPolicies(t.Context(), w.r)
		want := refusal.LedgerChain
		if name == "no envelope" {
			want = refusal.JSONFormat
		}
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCandidateRef(t *testing.T) {
	if ref, err := ledger.CandidateRef("1.0"); err != nil || ref != "refs/countermark/candidates/1.0" {
		t.Errorf("%q, %v", ref, err)
	}
	if ref, err := ledger.CandidateRef("../x"); err == nil {
		t.Errorf("%q", ref)
	}
}
