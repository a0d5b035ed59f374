package gitrepo

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func TestRemote(t *testing.T) {
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		t.Run(f.String(), func(t *testing.T) {
			w := newWork(t, "--object-format="+f.String()).sample()
			s, cache := serve(t, w), t.TempDir()
			r, err := openURL(t, findGit(t), s.url, cache)
			if err != nil {
				t.Fatal(err)
			}
			if r.Format() != f || !r.IsRemote() {
				t.Errorf("format %v, remote %v", r.Format(), r.IsRemote())
			}
			if got := tag(t, r, "v1.0"); got.ID != w.id("v1.0") || got.Peeled != w.id("HEAD") || !tag(t, r, "light").Peeled.IsZero() {
				t.Errorf("the tag is %+v", got)
			}
			if err := r.Fetch(t.Context(), "refs/tags/v1.0"); err != nil {
				t.Fatal(err)
			}
			checkSample(t, r, w)
			_, _, err = r.Object(t.Context(), w.id("HEAD:a.txt"))
			wantRule(t, err, refusal.GitMissing)
			before, fetched := s.fetches.Load(), r.BytesFetched()
			wantBlobs(t, r, w)
			if fetched == 0 || r.BytesFetched() <= fetched || s.fetches.Load() != before+1 {
				t.Errorf("fetched %d bytes, then %d in %d requests", fetched, r.BytesFetched()-fetched, s.fetches.Load()-before)
			}
			checkReuse(t, s, w, cache)
		})
	}
}

// wantBlobs reads two files' contents in one batch.
func wantBlobs(t *testing.T, r *Repository, w *work) {
	t.Helper()
	a, c := w.id("HEAD:a.txt"), w.id("HEAD:sub/deep/c")
	got := map[digest.ObjectID]string{}
	lacking, err := r.Blobs(t.Context(), []digest.ObjectID{a, c}, func(id digest.ObjectID, content []byte) error {
		got[id] = string(content)
		return nil
	})
	if err != nil || len(lacking) > 0 || got[a] != "one\n" || got[c] != "three\n" {
		t.Errorf("got %v, missing %v, %v", got, lacking, err)
	}
}

// checkReuse opens the repository again and wants nothing fetched, nor any
// promisor left in the cache.
func checkReuse(t *testing.T, s *server, w *work, cache string) {
	t.Helper()
	r, err := openURL(t, findGit(t), s.url, cache)
	if err != nil {
		t.Fatal(err)
	}
	before := s.fetches.Load()
	if err := r.Fetch(t.Context(), "refs/tags/v1.0"); err != nil {
		t.Fatal(err)
	}
	checkSample(t, r, w)
	wantBlobs(t, r, w)
	if s.fetches.Load() != before || r.BytesFetched() != 0 {
		t.Errorf("%d requests and %d bytes for what is in the cache", s.fetches.Load()-before, r.BytesFetched())
	}
	configs, err := filepath.Glob(filepath.Join(cache, "*/config"))
	if err != nil || len(configs) != 2 {
		t.Fatalf("snapshots: %q, %v", configs, err)
	}
	for _, config := range configs {
		if text, err := os.ReadFile(config); err != nil || strings.Contains(string(text), "promisor") {
			t.Errorf("the snapshot's configuration is %q, %v", text, err)
		}
	}
}

func TestRemoteCommitByID(t *testing.T) {
	w := newWork(t).sample()
	s := serve(t, w)
	r, err := openURL(t, findGit(t), s.url, "")
	if err != nil {
		t.Fatal(err)
	}
	id := w.id("HEAD")
	if err := r.Fetch(t.Context(), id.String()); err != nil {
		t.Fatal(err)
	}
	if c, err := r.Commit(t.Context(), id); err != nil || c.Message != "first\n" {
		t.Errorf("got %+v, %v", c, err)
	}
	err = r.Fetch(t.Context(), strings.Repeat("ab", 20))
	wantTransport(t, err, "not our ref")
	wantRule(t, r.Fetch(t.Context(), strings.Repeat("ab", 32)), refusal.GitFormat)
	wantRule(t, r.Fetch(t.Context(), "refs/heads/main"), refusal.GitRefName)
	wantRule(t, r.Fetch(t.Context(), "refs/tags/none"), refusal.GitMissing)
	wantRule(t, r.Fetch(t.Context(), id.String()[:12]), refusal.GitRefName)
}

// A server without filters sends everything; a repository without tags has
// commits all the same.
func TestRemoteWithoutFilterAndTags(t *testing.T) {
	w := newWork(t, "--object-format=sha256").sample()
	s := serve(t, w)
	w.git("config", "uploadpack.allowFilter", "false")
	w.git("tag", "-d", "v1.0", "light")
	r, err := openURL(t, findGit(t), s.url, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fetch(t.Context(), w.git("rev-parse", "HEAD")); err != nil {
		t.Fatal(err)
	}
	before := s.fetches.Load()
	wantBlobs(t, r, w)
	if s.fetches.Load() != before || r.Format() != digest.SHA256Format {
		t.Errorf("%d more requests, format %v", s.fetches.Load()-before, r.Format())
	}
}

func TestRemoteMovedTag(t *testing.T) {
	w := newWork(t).sample()
	s := serve(t, w)
	r, err := openURL(t, findGit(t), s.url, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.git("commit", "-q", "--allow-empty", "-m", "second")
	w.git("tag", "-f", "light")
	wantTransport(t, r.Fetch(t.Context(), "refs/tags/light"), "moved")
}

// A damaged snapshot is fetched again, and an old unfinished one removed.
func TestRemoteDamagedCache(t *testing.T) {
	w := newWork(t).sample()
	s, cache := serve(t, w), t.TempDir()
	fetch := func() int64 {
		r, err := openURL(t, findGit(t), s.url, cache)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Fetch(t.Context(), "refs/tags/v1.0"); err != nil {
			t.Fatal(err)
		}
		checkSample(t, r, w)
		return r.BytesFetched()
	}
	stale, fresh := filepath.Join(cache, temporaryPrefix+"stale"), filepath.Join(cache, "kept")
	for _, dir := range []string{stale, fresh} {
		testkit.Write(t, filepath.Join(dir, "x"), "x")
		if err := os.Chtimes(dir, time.Time{}, time.Now().Add(-25*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	first := fetch()
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Error("an old temporary folder is still there")
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Error("a folder that is not temporary is gone")
	}
	damages := map[string]func(pack string) error{
		"pack gone":     os.Remove,
		"pack emptied":  func(pack string) error { return os.Truncate(pack, 0) },
		"pack cut off":  func(pack string) error { return os.Truncate(pack, first/2) },
		"pack garbage":  func(pack string) error { return os.WriteFile(pack, make([]byte, first), 0o600) },
		"index emptied": func(pack string) error { return os.Truncate(strings.TrimSuffix(pack, "pack")+"idx", 0) },
	}
	for name, damage := range damages {
		packs, err := filepath.Glob(filepath.Join(cache, "*/objects/pack/*.pack"))
		if err != nil || len(packs) == 0 {
			t.Fatalf("packs: %q, %v", packs, err)
		}
		for _, pack := range packs {
			_ = os.Chmod(pack, 0o600)
			_ = os.Chmod(strings.TrimSuffix(pack, "pack")+"idx", 0o600)
			if err := damage(pack); err != nil {
				t.Fatal(err)
			}
		}
		if got := fetch(); got != first {
			t.Errorf("%s: fetched %d bytes, at first %d", name, got, first)
		}
	}
}

func TestRemoteConcurrent(t *testing.T) {
	w := newWork(t).sample()
	s, cache, g := serve(t, w), t.TempDir(), findGit(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			r, err := g.OpenRemote(t.Context(), Remote{URL: s.url, CacheDir: cache, Progress: func(string) {}})
			if err == nil {
				err = r.Fetch(t.Context(), "refs/tags/v1.0")
				_, commitErr := r.Commit(t.Context(), w.id("HEAD"))
				err = errors.Join(err, commitErr, r.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	noTemporaries(t, cache)
	if found, err := os.ReadDir(cache); err != nil || len(found) != 1 {
		t.Errorf("%d snapshots, %v", len(found), err)
	}
}

// wantTransport checks for a TransportError that holds some words.
func wantTransport(t *testing.T, err error, words string) {
	t.Helper()
	transport, ok := errors.AsType[*TransportError](err)
	if !ok || !strings.Contains(transport.Detail, words) {
		t.Errorf("got %v, want a transport error with %q", err, words)
	}
	if ok && (transport.URL == "" || strings.ContainsAny(transport.Error(), "\n\x1b")) {
		t.Errorf("the error is not one line about an address: %q", transport.Error())
	}
}

// untilGone waits until the client has closed the connection, which net/http
// notices once it has read the whole request.
func untilGone(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestRemoteFailures(t *testing.T) {
	w := newWork(t).sample()
	s, g := serve(t, w), findGit(t)
	program := *g.program
	program.Limits.Stall = 600 * time.Millisecond
	fast := Git{&program}
	tests := []struct {
		name, words string
		handle      func(http.ResponseWriter, *http.Request)
	}{
		{"cut", "git said", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"stalled", "nothing arrived", func(_ http.ResponseWriter, r *http.Request) { untilGone(r) }},
		{"not found", "not found", func(rw http.ResponseWriter, r *http.Request) { http.NotFound(rw, r) }},
		{"password", "credential helper", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("WWW-Authenticate", "Basic")
			rw.WriteHeader(http.StatusUnauthorized)
		}},
		{"garbage", "git said", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("\x1b[2Jhello\n")) }},
		{"redirected", "has moved", func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/elsewhere"+r.URL.Path, http.StatusFound)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.before.Store(handler(func(rw http.ResponseWriter, r *http.Request) bool { tt.handle(rw, r); return true }))
			_, err := openURL(t, &fast, s.url, "")
			wantTransport(t, err, tt.words)
			s.before.Store(handler(nil))
			r, err := openURL(t, &fast, s.url, "")
			if err != nil {
				t.Fatal(err)
			}
			s.before.Store(handler(func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					tt.handle(rw, r)
				}
				return r.Method == http.MethodPost
			}))
			if err := r.Fetch(t.Context(), "refs/tags/v1.0"); err == nil {
				t.Error("a fetch succeeds")
			} else if _, ok := errors.AsType[*TransportError](err); !ok {
				t.Errorf("a fetch: %v", err)
			}
			noTemporaries(t, r.store.dir)
		})
	}
	s.before.Store(handler(nil))
	s.CloseClientConnections()
	s.Close()
	_, err := openURL(t, g, s.url, "")
	wantTransport(t, err, "git said")
}

func TestRemoteByteCap(t *testing.T) {
	w := newWork(t).sample()
	s, g := serve(t, w), findGit(t)
	g.program.Limits.FetchBytes = 100
	r, err := openURL(t, g, s.url, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	wantRule(t, r.Fetch(t.Context(), "refs/tags/v1.0"), refusal.GitLimit)
}

// A context that ends, ends a fetch and all that git started.
func TestRemoteCancel(t *testing.T) {
	w := newWork(t).sample()
	s, g := serve(t, w), findGit(t)
	r, err := openURL(t, g, s.url, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.before.Store(handler(func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		untilGone(r)
		return true
	}))
	begun := time.Now()
	if err := r.Fetch(ctx, "refs/tags/v1.0"); !errors.Is(err, context.Canceled) || time.Since(begun) > 8*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
	if out, _ := exec.Command("pgrep", "-f", s.url).Output(); len(out) > 0 {
		t.Errorf("processes that still know the address: %s", out)
	}
}

// Objects that git's own check refuses do not come in.
func TestRemoteMalformedTree(t *testing.T) {
	w := newWork(t).sample()
	blob := w.id("HEAD:a.txt")
	entry := "100644 a\x00" + string(blob.Bytes())
	twice := w.gitIn(entry+entry, "hash-object", "-t", "tree", "--literally", "-w", "--stdin")
	commit := w.gitIn("tree "+twice+"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n", "hash-object", "-t", "commit", "-w", "--stdin")
	w.git("tag", "bad", commit)
	r, err := openURL(t, findGit(t), serve(t, w).url, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	wantRule(t, r.Fetch(t.Context(), "refs/tags/bad"), refusal.GitTree)
	_, err = open(t, w.dir).Tree(t.Context(), w.id("bad^{tree}"))
	wantRule(t, err, refusal.GitTree)
}

func TestHostileRemote(t *testing.T) {
	w, tr := newWork(t).sample(), newTrap(t)
	s := serve(t, w)
	extra := filepath.Join(t.TempDir(), "config")
	testkit.Write(t, extra, tr.hostileConfig())
	tr.hostileEnvironment(t, extra)
	here := newWork(t).sample()
	tr.spring(t, filepath.Join(here.dir, ".git"))
	t.Chdir(here.dir)
	r, err := openURL(t, findGit(t), s.url, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fetch(t.Context(), "refs/tags/v1.0"); err != nil {
		t.Fatal(err)
	}
	checkHostile(t, r)
	wantBlobs(t, r, w)
	tr.check(t)
}
