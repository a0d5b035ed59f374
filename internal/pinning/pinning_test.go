package pinning

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/fetch"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
)

// TestMain makes this process trust the certificate of httptest's servers.
func TestMain(m *testing.M) {
	server := httptest.NewTLSServer(nil)
	dir, err := os.MkdirTemp("", "authority-*")
	authority := filepath.Join(dir, "authority.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := errors.Join(err, os.WriteFile(authority, block, 0o600), os.Setenv("SSL_CERT_FILE", authority)); err != nil {
		panic(err)
	}
	server.Close()
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// recipeFor writes a recipe with one download.
func recipeFor(t *testing.T, url string) string {
	t.Helper()
	return testkit.Write(t, filepath.Join(t.TempDir(), "recipe.toml"), fmt.Sprintf(`countermark-recipe = 1
download = [{path = "a", url = %q}]
project = {url = "https://example.org/", archive = "demo-{version}"}
source = {tag = "v{version}"}
environment = {kind = "host"}
built = {branch = "demo-built", author = {name = "Demo", email = "releases@example.org"}}
archives = {formats = ["tar.gz"]}
`, url))
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func options(t *testing.T, path string) Options { return Options{Recipe: path, Cache: t.TempDir()} }

func TestLinkStaysALink(t *testing.T) {
	path := recipeFor(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) }))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	results, err := Run(t.Context(), options(t, link))
	if err != nil || len(results) != 1 || results[0].Moved() || results[0].Line != 2 {
		t.Errorf("%+v, %v", results, err)
	}
	text, readErr := os.ReadFile(path)
	info, err := os.Lstat(link)
	if readErr != nil || err != nil || info.Mode()&fs.ModeSymlink == 0 || !strings.Contains(string(text), results[0].Now.String()) {
		t.Errorf("%v, %v, %v\n%s", info, readErr, err, text)
	}
}

// Who edits the recipe while its files are fetched does not lose the edit.
func TestChangedMeanwhile(t *testing.T) {
	var path string
	path = recipeFor(t, serve(t, func(http.ResponseWriter, *http.Request) { testkit.Write(t, path, "# mine") }))
	_, err := Run(t.Context(), options(t, path))
	f, ok := errors.AsType[*report.Failure](err)
	if text, readErr := os.ReadFile(path); !ok || f.Code != report.NotComplete || readErr != nil || string(text) != "# mine" {
		t.Errorf("%v, %q, %v", err, text, readErr)
	}
}

func TestLimits(t *testing.T) {
	path := recipeFor(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("more than eight")) }))
	o := options(t, path)
	o.Limits.Bytes = 8
	_, err := Run(t.Context(), o)
	if f, ok := errors.AsType[*report.Failure](err); !ok || f.Code.Exit() != 2 || !strings.Contains(f.Detail, "at most 8 are taken") {
		t.Errorf("%v", err)
	}
}

func TestFailureOf(t *testing.T) {
	for exit, err := range map[int]error{3: &fetch.TransportError{}, 1: &fetch.MismatchError{}, 2: &fetch.RefusedError{}} {
		if f := FailureOf(fmt.Errorf("wrapped: %w", err)); f.Code.Exit() != exit || f.Hint == "" {
			t.Errorf("%T: exit %d, %q", err, f.Code.Exit(), f.Hint)
		}
	}
}
