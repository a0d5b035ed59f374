package ledger_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

// serve serves a repository by git's own http-backend behind TLS.
func serve(t *testing.T, w *work) string {
	t.Helper()
	out, err := exec.Command(testkit.Program(t, "git"), "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"), Root: "/", InheritEnv: []string{"PATH"},
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(w.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	s := httptest.NewTLSServer(http.HandlerFunc(backend.ServeHTTP))
	t.Cleanup(s.Close)
	home := t.TempDir()
	t.Setenv("GIT_SSL_CAINFO", testkit.Write(t, filepath.Join(home, "ca.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))))
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	for _, key := range []string{"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		t.Setenv(key, "")
	}
	return s.URL + "/" + filepath.Base(w.dir)
}

// Two parties meet at a server, and in the end everybody has everything.
func TestExchange(t *testing.T) {
	for name, address := range map[string]func(*testing.T, *work) string{
		"path":  func(_ *testing.T, s *work) string { return s.dir },
		"https": serve,
	} {
		for _, f := range formats() {
			if name == "https" && f == "sha1" {
				continue // what differs is the transport, not what goes over it
			}
			t.Run(name+", "+f, func(t *testing.T) {
				s := server(t, f)
				checkExchange(t, s, address(t, s), [2]*work{clone(t, f), clone(t, f)})
			})
		}
	}
}

func checkExchange(t *testing.T, s *work, url string, parties [2]*work) {
	ci, manager := parties[0], parties[1]
	if got := ci.fetch(url); got.Entries+got.Policies+len(got.Problems) != 0 {
		t.Errorf("from an empty server: %+v", got)
	}
	if got := ci.push(url, ""); got.Answer.Outcome != refs.Unchanged {
		t.Errorf("of nothing: %+v", got)
	}
	ci.add(2, statement(t, "1.0", 1), statement(t, "2.0", 2))
	manager.addPolicy(1)
	manager.addPolicy(2)
	manager.add(1, statement(t, "1.0", 3))
	if got := ci.push(url, "1.0"); got.Answer.Outcome != refs.Changed || got.Entries != 1 {
		t.Errorf("of one version: %+v", got)
	}
	if got := ci.push(url, "1.0"); got.Answer.Outcome != refs.Unchanged || got.Entries != 0 {
		t.Errorf("again: %+v", got)
	}
	if got := manager.push(url, "1.0"); got.Answer.Outcome != refs.Changed || got.Entries != 1 {
		t.Errorf("of the manager: %+v", got)
	}
	if got := manager.fetch(url); got.Entries != 1 || got.Policies != 0 || len(got.Problems) != 0 {
		t.Errorf("by the manager: %+v", got)
	}
	manager.addPolicy(3)
	if got := manager.push(url, ""); got.Answer.Outcome != refs.Changed || got.Entries != 0 {
		t.Errorf("of a policy: %+v", got)
	}
	if got := ci.fetch(url); got.Entries != 1 || got.Policies != 3 || len(got.Problems) != 0 {
		t.Errorf("by CI: %+v", got)
	}
	if got := ci.fetch(url); got.Entries+got.Policies+len(got.Problems) != 0 {
		t.Errorf("by CI, again: %+v", got)
	}
	ci.addPolicy(4)
	if got := ci.push(url, ""); got.Answer.Outcome != refs.Changed || got.Entries != 1 {
		t.Errorf("of the rest: %+v", got)
	}
	if got := manager.fetch(url); got.Entries != 1 || got.Policies != 1 || len(got.Problems) != 0 {
		t.Errorf("of the rest, by the manager: %+v", got)
	}
	for _, w := range []*work{ci, manager, s} {
		if n := len(strings.Fields(w.at(entry.RefPrefix))); n != 3 || w.at(ledger.PolicyRef) != ci.policies().Head().String() {
			t.Errorf("%s has %d statements, and the policy %s", w.dir, n, w.at(ledger.PolicyRef))
		}
		w.git("", "fsck", "--strict")
	}
}

// More than one push may hold.
func TestPushMany(t *testing.T) {
	s, w := server(t, "sha1"), clone(t, "sha1")
	var many []entry.Entry
	for n := range 2*refs.MaxChanges + 5 {
		many = append(many, statement(t, "1.0", n))
	}
	w.add(len(many), many...)
	w.addPolicy(1)
	if got := w.push(s.dir, "1.0"); got.Answer.Outcome != refs.Changed || got.Entries != len(many) || s.at(ledger.PolicyRef) == "" {
		t.Errorf("%+v", got)
	}
	if got := clone(t, "sha1").fetch(s.dir); got.Entries != len(many) || got.Policies != 1 {
		t.Errorf("%+v", got)
	}
}

// What a server has lost, or changed, is said at each fetch, and nothing that is
// here goes.
func TestFetchLost(t *testing.T) {
	s, w := server(t, "sha1"), clone(t, "sha1")
	one, two := statement(t, "1.0", 1), statement(t, "1.0", 2)
	w.add(2, one, two)
	w.addPolicy(1)
	first := w.policies().Head().String()
	w.addPolicy(2)
	w.push(s.dir, "")
	second := w.policies().Head().String()
	check := func(name, want string) {
		t.Helper()
		for range 2 {
			if got := w.fetch(s.dir); rules(got.Problems) != want || got.Entries+got.Policies != 0 {
				t.Errorf("%s: %+v, want %q", name, got, want)
			}
		}
		if len(w.read("").Entries) != 2 || w.policies().Head().String() != second {
			t.Errorf("%s: what was here is gone", name)
		}
	}
	check("nothing", "")
	s.git("", "update-ref", "-d", one.Place().Ref())
	check("a statement deleted", "LEDGER_LOST")
	s.put(two.Place().Ref(), "another")
	check("another replaced", "LEDGER_LOST LEDGER_LOST LEDGER_NAME")
	s.git("", "update-ref", ledger.PolicyRef, first)
	check("the policies rewound", "LEDGER_LOST LEDGER_LOST LEDGER_NAME LEDGER_LOST")
	s.git("", "update-ref", "-d", ledger.PolicyRef)
	check("the policies deleted", "LEDGER_LOST LEDGER_LOST LEDGER_NAME LEDGER_LOST")
	other := clone(t, "sha1")
	other.addPolicy(7)
	other.push(s.dir, "")
	check("the policies replaced", "LEDGER_LOST LEDGER_LOST LEDGER_NAME LEDGER_LOST")
	if got := w.push(s.dir, ""); got.Answer.Outcome != refs.Moved || got.Answer.Ref != ledger.PolicyRef || got.Answer.At != other.policies().Head() {
		t.Errorf("pushing against other policies: %+v", got)
	}
	s.git("", "update-ref", "-d", ledger.PolicyRef)
	s.git("", "update-ref", "-d", two.Place().Ref())
	if got := w.push(s.dir, ""); got.Answer.Outcome != refs.Changed || got.Entries != 2 {
		t.Errorf("pushing brings it back: %+v", got)
	}
	check("brought back", "")
}

// Without having been there before, other policies are no loss, but not ours.
func TestFetchOtherPolicies(t *testing.T) {
	s, w, other := server(t, "sha1"), clone(t, "sha1"), clone(t, "sha1")
	other.addPolicy(7)
	other.push(s.dir, "")
	w.addPolicy(1)
	if got := w.fetch(s.dir); rules(got.Problems) != "LEDGER_CHAIN" || len(w.policies().Links) != 1 {
		t.Errorf("%+v", got)
	}
	s.put(ledger.PolicyRef, "no commit")
	if got := clone(t, "sha1").fetch(s.dir); rules(got.Problems) != "GIT_TYPE" {
		t.Errorf("%+v", got)
	}
}

// A server may have anything.
func TestFetchHostile(t *testing.T) {
	s, w := server(t, "sha1"), clone(t, "sha1")
	good := statement(t, "1.0", 1)
	s.put(good.Place().Ref(), string(good.Content))
	s.put(statement(t, "1.0", 2).Place().Ref(), string(statement(t, "1.0", 3).Content))
	s.put("refs/countermark/seen/x", "")
	s.put("refs/countermark/candidates/x", "")
	s.put("refs/countermark/x", "")
	s.put(entry.RefPrefix+"1.0/x", "")
	s.put(entry.RefPrefix+"+1/"+good.Place().Digest, "")
	s.put(entry.RefPrefix+"2.0/"+strings.Repeat("b", 32), strings.Repeat("a", entry.MaxBytes+1))
	history := s.git("", "write-tree")
	for n := range 3 {
		history = s.git(fmt.Sprint(n), "commit-tree", s.git("", "write-tree"))
	}
	s.git("", "update-ref", entry.RefPrefix+"2.0/"+strings.Repeat("c", 32), history)
	s.git("", "update-ref", ledger.PolicyRef, history)
	got := w.fetch(s.dir)
	if got.Entries != 1 || got.Policies != 0 || rules(got.Problems) != "LEDGER_NAME LEDGER_NAME LEDGER_NAME LEDGER_NAME LEDGER_ENTRY LEDGER_ENTRY LEDGER_CHAIN" {
		t.Errorf("%d, %d, %q", got.Entries, got.Policies, rules(got.Problems))
	}
	if all := w.at("refs/countermark"); len(strings.Fields(all)) != 2 { // the good one, and what was seen
		t.Errorf("there is %q", all)
	}
	w.put("refs/countermark/seen/"+strings.TrimPrefix(w.git("", "for-each-ref", "--format=%(refname)", "refs/countermark/seen"), "refs/countermark/seen/"), "x")
	_, err := ledger.Fetch(t.Context(), w.r, refs.Server{Address: s.dir})
	wantRule(t, err, refusal.LedgerEntry)
}

func TestFormats(t *testing.T) {
	s, w := server(t, "sha256"), clone(t, "sha1")
	s.put(statement(t, "1.0", 1).Place().Ref(), string(statement(t, "1.0", 1).Content))
	_, err := ledger.Fetch(t.Context(), w.r, refs.Server{Address: s.dir})
	wantRule(t, err, refusal.GitFormat)
	_, err = ledger.Push(t.Context(), w.r, ledger.Pushing{Server: refs.Server{Address: "http://example.org/x"}})
	wantRule(t, err, refusal.GitProtocol)
}

// A push that is killed, wherever, and done again leaves what one push does.
func TestPushKilled(t *testing.T) {
	s, w := server(t, "sha1"), clone(t, "sha1")
	var many []entry.Entry
	for n := range refs.MaxChanges + 3 {
		many = append(many, statement(t, "1.0", n))
	}
	w.add(len(many), many...)
	w.addPolicy(1)
	lines := 0
	for stop := 1; ; stop += 3 {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		got, err := ledger.Push(ctx, w.r, ledger.Pushing{Version: "1.0", Server: refs.Server{Address: s.dir, Progress: func(string) {
			if seen++; seen == stop {
				cancel() // kills git and all that it started
			}
		}}})
		cancel()
		lines = max(lines, seen)
		if err == nil {
			if got.Answer.Outcome != refs.Changed && got.Answer.Outcome != refs.Unchanged {
				t.Errorf("after %d lines: %+v", stop, got)
			}
			break
		}
		if stop > 200 {
			t.Fatal(err)
		}
	}
	if n := len(strings.Fields(s.at(entry.RefPrefix))); n != len(many) || s.at(ledger.PolicyRef) == "" || lines == 0 {
		t.Errorf("the server has %d statements", n)
	}
	s.git("", "fsck", "--strict")
	if left, _ := filepath.Glob(filepath.Join(s.dir, "refs", "**", "*.lock")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if got := w.push(s.dir, ""); got.Answer.Outcome != refs.Unchanged {
		t.Errorf("again: %+v", got)
	}
}

// A server's hook, and a server that hides our refs, may say no.
func TestPushRefused(t *testing.T) {
	s, w := server(t, "sha1"), clone(t, "sha1")
	url := serve(t, s)
	w.add(1, statement(t, "1.0", 1))
	hook := testkit.Write(t, filepath.Join(s.dir, "hooks/pre-receive"), "#!/bin/sh\nexit 1\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := w.push(url, ""); got.Answer.Outcome != refs.Refused || !strings.Contains(got.Answer.Said, "declined") {
		t.Errorf("%+v", got)
	}
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	s.git("", "config", "receive.hideRefs", "refs/countermark")
	if got := w.push(url, ""); got.Answer.Outcome != refs.Refused || !strings.Contains(got.Answer.Said, "hidden") {
		t.Errorf("%+v", got)
	}
}

// Between the look and the push another may be faster.
func TestPushAtOnce(t *testing.T) {
	s, w := server(t, "sha1"), clone(t, "sha1")
	one, two := statement(t, "1.0", 1), statement(t, "1.0", 2)
	w.add(2, one, two)
	w.addPolicy(1)
	faster := false
	got, err := ledger.Push(t.Context(), w.r, ledger.Pushing{Server: refs.Server{Address: s.dir, Progress: func(string) {
		if !faster {
			faster = true
			s.put(one.Place().Ref(), string(one.Content))
		}
	}}})
	if err != nil || !faster || got.Answer.Outcome != refs.Changed || len(strings.Fields(s.at(entry.RefPrefix))) != 2 || s.at(ledger.PolicyRef) == "" {
		t.Errorf("%+v, %v; another was faster: %v", got, err, faster)
	}
}

func TestReadServer(t *testing.T) {
	s, w, reader := server(t, "sha1"), clone(t, "sha1"), clone(t, "sha1")
	read := func(version string) ledger.Served {
		t.Helper()
		got, err := ledger.ReadServer(t.Context(), reader.r, refs.Server{Address: s.dir}, version)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := read(""); len(got.Entries)+len(got.Problems)+len(got.Policies.Links) != 0 {
		t.Errorf("an empty server: %+v", got)
	}
	w.add(3, statement(t, "1.0", 1), statement(t, "1.0", 2), statement(t, "1.0-rc1", 3))
	w.addPolicy(1)
	w.addPolicy(2)
	w.push(s.dir, "")
	s.put(entry.RefPrefix+"1.0/x", "")
	s.put("refs/countermark/x", "")
	if got := read("1.0"); len(got.Entries) != 2 || rules(got.Problems) != "LEDGER_NAME LEDGER_NAME" || len(got.Policies.Links) != 2 {
		t.Errorf("%+v", got)
	}
	s.put(ledger.PolicyRef, "x")
	if got := read(""); len(got.Entries) != 3 || rules(got.Problems) != "LEDGER_NAME LEDGER_NAME GIT_TYPE" || len(got.Policies.Links) != 0 {
		t.Errorf("%+v", got)
	}
	if left := reader.at("refs/countermark"); left != "" {
		t.Errorf("left here: %s", left)
	}
}
