package gitrepo

import (
	"encoding/pem"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// server is git's own http-backend behind TLS, on this machine.
type server struct {
	*httptest.Server
	url     string       // of the repository
	fetches atomic.Int32 // requests of packs
	before  atomic.Value // handler; a request that nobody waits for may still be under way
}

// handler answers a request, or says that it did not.
type handler func(w http.ResponseWriter, r *http.Request) (handled bool)

// serve serves a work tree's repository, and makes git trust the server.
func serve(t *testing.T, w *work) *server {
	t.Helper()
	git := testkit.Program(t, "git")
	out, err := exec.Command(git, "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		testkit.Program(t, "git-http-backend")
	}
	w.git("config", "uploadpack.allowFilter", "true")
	s := &server{}
	s.before.Store(handler(nil))
	repository := &cgi.Handler{
		Path: backend, Root: "/", InheritEnv: []string{"PATH"},
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(w.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
	}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/git-upload-pack") {
			s.fetches.Add(1)
		}
		if before := s.before.Load().(handler); before == nil || !before(rw, r) {
			repository.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(s.Close)
	s.url = s.URL + "/" + filepath.Base(w.dir) + "/.git"
	ca := filepath.Join(t.TempDir(), "ca.pem")
	testkit.Write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	t.Setenv("GIT_SSL_CAINFO", ca)
	cleanHome(t)
	return s
}

// cleanHome keeps the configuration of whoever runs the tests out of them.
func cleanHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	for _, key := range []string{"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "SSH_AUTH_SOCK"} {
		t.Setenv(key, "")
	}
	return home
}

// openURL opens a remote repository with a cache.
func openURL(t *testing.T, g *Git, url, cache string) (*Repository, error) {
	t.Helper()
	r, err := g.OpenRemote(t.Context(), Remote{URL: url, CacheDir: cache})
	if r != nil {
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			noTemporaries(t, r.store.dir)
		})
	}
	return r, err
}

// noTemporaries fails if something unfinished is left in a cache.
func noTemporaries(t *testing.T, cache string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(cache, temporaryPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %q, %v", left, err)
	}
}
