package refs

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

// bare is an empty repository to push to, which checks what it receives.
func bare(t *testing.T) *work {
	t.Helper()
	w := &work{t: t, dir: filepath.Join(t.TempDir(), "server.git")}
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.git("", "init", "-q", "--bare")
	w.git("", "config", "receive.fsckObjects", "true")
	w.git("", "config", "http.receivepack", "true")
	return w
}

func (w *work) push(c Candidate) Answer {
	w.t.Helper()
	answer, err := Push(w.t.Context(), w.r, c)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

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

const candidate = "refs/heads/candidates/5.4.1"

func TestPush(t *testing.T) {
	for name, address := range map[string]func(*testing.T, *work) string{
		"path":  func(_ *testing.T, server *work) string { return server.dir },
		"https": serve,
	} {
		t.Run(name, func(t *testing.T) {
			w, server := newWork(t), bare(t)
			checkPush(t, w, server, address(t, server))
		})
	}
}

func checkPush(t *testing.T, w, server *work, url string) {
	one, two := w.id("HEAD~1"), w.id("HEAD")
	lines := 0
	c := Candidate{Server: url, Version: "5.4.1", Commit: one, Progress: func(string) { lines++ }}
	if got := w.push(c); got.Outcome != Changed || server.at(candidate) != one.String() || lines == 0 {
		t.Errorf("creating: %+v, the server has %s, %d lines", got, server.at(candidate), lines)
	}
	if got := w.push(c); got.Outcome != Unchanged {
		t.Errorf("again: %+v", got)
	}
	c.Commit = two
	if got := w.push(c); got != (Answer{Outcome: Moved, Ref: candidate, At: one}) || server.at(candidate) != one.String() {
		t.Errorf("over another: %+v", got)
	}
	c.Old = one
	if got := w.push(c); got.Outcome != Changed || server.at(candidate) != two.String() {
		t.Errorf("in place of another: %+v", got)
	}
	if got := w.push(c); got.Outcome != Unchanged {
		t.Errorf("in place of another, again: %+v", got)
	}
	c.Version, c.Commit = "5.4.2", one
	c.Old = two
	if got := w.push(c); got != (Answer{Outcome: Moved, Ref: CandidatePrefix + "5.4.2"}) || server.at("refs/heads/candidates/5.4.2") != "" {
		t.Errorf("one that was deleted: %+v", got)
	}
	server.git("", "config", "receive.hideRefs", "refs/heads/candidates/5.5")
	c.Version, c.Old = "5.5", digest.ObjectID{}
	if got := w.push(c); got.Outcome != Refused || !strings.Contains(got.Said, "hidden") {
		t.Errorf("refused by the server: %+v", got)
	}
}

// The hook of a server may refuse; that of a repository on this machine is not
// run.
func TestPushAndHooks(t *testing.T) {
	w, server := newWork(t), bare(t)
	mark := filepath.Join(t.TempDir(), "mark")
	if err := os.Chmod(testkit.Write(t, filepath.Join(server.dir, "hooks/pre-receive"), "#!/bin/sh\ntouch "+mark+"\necho no releases today\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := Candidate{Server: serve(t, server), Version: "5.4.1", Commit: w.id("HEAD")}
	if got := w.push(c); got.Outcome != Refused || !strings.Contains(got.Said, "pre-receive hook declined") {
		t.Errorf("got %+v", got)
	}
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	c.Server = server.dir
	if got := w.push(c); got.Outcome != Changed {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a hook was run on this machine")
	}
}

// A clone of one commit, as CI has it, can push what it built upon it.
func TestPushFromShallow(t *testing.T) {
	w, server := newWork(t), bare(t)
	w.git("", "push", "-q", server.dir, "main", "v1")
	shallow := &work{t: t, dir: filepath.Join(t.TempDir(), "shallow")}
	w.git("", "clone", "-q", "--depth=1", "--branch=v1", "file://"+server.dir, shallow.dir)
	shallow.open()
	built := shallow.id(shallow.git("built", "commit-tree", "HEAD^{tree}", "-p", "HEAD"))
	if got := shallow.push(Candidate{Server: server.dir, Version: "5.4.1", Commit: built}); got.Outcome != Changed || server.at(candidate) != built.String() {
		t.Errorf("got %+v", got)
	}
	server.git("", "fsck", "--strict")
}

func TestPushFails(t *testing.T) {
	w, server := newWork(t), bare(t)
	one := w.id("HEAD")
	closed := httptest.NewTLSServer(http.NotFoundHandler())
	closed.Close()
	for _, url := range []string{closed.URL + "/x", filepath.Join(t.TempDir(), "nothing")} {
		got, err := Push(t.Context(), w.r, Candidate{Server: url, Version: "1", Commit: one})
		if failed, ok := errors.AsType[*gitrepo.TransportError](err); !ok || got.Outcome != 0 || !strings.HasPrefix(failed.Error(), "pushing to ") {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
	for _, c := range []struct {
		change func(*Candidate)
		rule   refusal.Rule
	}{
		{func(c *Candidate) { c.Server = "../server.git" }, refusal.GitProtocol},
		{func(c *Candidate) { c.Server = "ext::touch x" }, refusal.GitProtocol},
		{func(c *Candidate) { c.Server = "--receive-pack=touch" }, refusal.GitProtocol},
		{func(c *Candidate) { c.Version = "1:refs/heads/main" }, refusal.GitRefName},
		{func(c *Candidate) { c.Version = "../main" }, refusal.GitRefName},
		{func(c *Candidate) { c.Commit = digest.ObjectID{} }, refusal.GitFormat},
		{func(c *Candidate) { c.Old, _ = digest.HashObject(digest.SHA256Format, digest.Blob, nil) }, refusal.GitFormat},
	} {
		given := Candidate{Server: server.dir, Version: "1", Commit: one}
		c.change(&given)
		got, err := Push(t.Context(), w.r, given)
		if wantRule(t, err, c.rule); got.Outcome != 0 {
			t.Errorf("got %+v", got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Push(ctx, w.r, Candidate{Server: server.dir, Version: "1", Commit: one}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := server.at("refs/heads"); got != "" {
		t.Errorf("the server has %s", got)
	}
}

// Why a push was rejected is seen in what the branch holds afterwards, whatever
// git's words for it are.
func TestRejected(t *testing.T) {
	w, other := newWork(t), bare(t)
	one, two := w.id("HEAD~1"), w.id("HEAD")
	w.git("", "push", "-q", other.dir, one.String()+":"+candidate, two.String()+":refs/heads/x/"+candidate)
	for _, c := range []struct {
		commit, old digest.ObjectID
		want        Answer
	}{
		{one, two, Answer{Outcome: Unchanged}}, // another pushed the same
		{two, one, Answer{Outcome: Refused, Said: "no"}},
		{two, two, Answer{Outcome: Moved, Ref: candidate, At: one}},
	} {
		s := &server{r: w.r, address: other.dir, local: true}
		if got, err := s.rejected(t.Context(), []Change{{candidate, c.old, c.commit}}, "no"); got != c.want || err != nil {
			t.Errorf("got %+v, %v, want %+v", got, err, c.want)
		}
	}
}

func TestOutcomeString(t *testing.T) {
	if got := Changed.String() + Refused.String() + Outcome(0).String() + Outcome(9).String(); got != "changedrefused" {
		t.Errorf("got %q", got)
	}
}

func (w *work) pushAll(to string, changes ...Change) Answer {
	w.t.Helper()
	answer, err := PushAll(w.t.Context(), w.r, Pushing{Server: to, Changes: changes})
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

// Several refs go together or not at all, whichever of them is the obstacle.
func TestPushAll(t *testing.T) {
	for name, address := range map[string]func(*testing.T, *work) string{
		"path":  func(_ *testing.T, server *work) string { return server.dir },
		"https": serve,
	} {
		t.Run(name, func(t *testing.T) {
			w, other := newWork(t), bare(t)
			checkPushAll(t, w, other, address(t, other))
		})
	}
}

func checkPushAll(t *testing.T, w, other *work, url string) {
	const branch, tag, own = "refs/heads/x-built", "refs/tags/v2", "refs/countermark/statements/1/00"
	one, two, blob := w.id("HEAD~1"), w.id("HEAD"), w.id(w.git("{}", "hash-object", "-w", "--stdin"))
	all := []Change{{Ref: branch, New: one}, {Ref: tag, New: w.id("v1")}, {Ref: own, New: blob}}
	if got := w.pushAll(url, all...); got.Outcome != Changed || other.at(branch) != one.String() || other.at(tag) != w.id("v1").String() || other.at(own) != blob.String() {
		t.Errorf("got %+v", got)
	}
	if got := w.pushAll(url, all...); got.Outcome != Unchanged {
		t.Errorf("again: %+v", got)
	}
	forward := Change{branch, one, two}
	for _, obstacle := range []Change{{Ref: tag, New: two}, {Ref: own, New: two}, {"refs/countermark/seen", two, one}} {
		for _, changes := range [][]Change{{forward, obstacle}, {obstacle, forward}} {
			if got := w.pushAll(url, changes...); got.Outcome != Moved || got.Ref != obstacle.Ref || other.at(branch) != one.String() {
				t.Errorf("%v: %+v", changes, got)
			}
		}
	}
	if got := w.pushAll(url, forward, all[1]); got.Outcome != Changed || other.at(branch) != two.String() {
		t.Errorf("one done, one not: %+v", got)
	}
	other.git("", "config", "receive.hideRefs", "refs/countermark/secret")
	if got := w.pushAll(url, all[1], Change{Ref: "refs/countermark/secret/x", New: blob}); got.Outcome != Refused || !strings.Contains(got.Said, "hidden") {
		t.Errorf("refused: %+v", got)
	}
	refs, err := ListServer(t.Context(), w.r, Server{Address: url}, OwnPrefix)
	if err != nil || len(refs) != 1 || refs[0] != (Ref{own, blob}) {
		t.Errorf("the server lists %v, %v", refs, err)
	}
}

func TestPushAllRefuses(t *testing.T) {
	w, other := newWork(t), bare(t)
	one, two := w.id("HEAD~1"), w.id("HEAD")
	many := make([]Change, MaxChanges+1)
	for i := range many {
		many[i] = Change{Ref: CandidatePrefix + strings.Repeat("x", i+1), New: one}
	}
	for _, c := range []struct {
		changes []Change
		rule    refusal.Rule
	}{
		{nil, refusal.GitLimit},
		{many, refusal.GitLimit},
		{[]Change{{"refs/tags/v2", one, two}}, refusal.GitRefName},
		{[]Change{{"refs/replace/x", one, two}}, refusal.GitRefName},
		{[]Change{{Ref: "refs/heads/x", New: one}, {"refs/heads/x-built", two, one}}, refusal.GitParent},
		{[]Change{{"refs/heads/x-built", one, w.id("v1")}}, refusal.GitType},
	} {
		got, err := PushAll(t.Context(), w.r, Pushing{Server: other.dir, Changes: c.changes})
		if wantRule(t, err, c.rule); got.Outcome != 0 {
			t.Errorf("got %+v", got)
		}
	}
	_, err := ListServer(t.Context(), w.r, Server{Address: "ext::touch x"}, OwnPrefix)
	wantRule(t, err, refusal.GitProtocol)
	closed := httptest.NewTLSServer(http.NotFoundHandler())
	closed.Close()
	if _, err := ListServer(t.Context(), w.r, Server{Address: closed.URL + "/x"}, OwnPrefix); err == nil {
		t.Error("a server that is not there listed its refs")
	} else if _, ok := errors.AsType[*gitrepo.TransportError](err); !ok {
		t.Errorf("got %v", err)
	}
	if got := other.at("refs"); got != "" {
		t.Errorf("the server has %s", got)
	}
}
