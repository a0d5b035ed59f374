package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/digest"
)

// TestMain makes this process trust the certificate of httptest's servers, in
// the way that users would make it trust theirs.
func TestMain(m *testing.M) {
	server := httptest.NewTLSServer(nil)
	dir, err := os.MkdirTemp("", "authority-*")
	if err != nil {
		panic(err)
	}
	authority := filepath.Join(dir, "authority.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := errors.Join(os.WriteFile(authority, block, 0o600), os.Setenv("SSL_CERT_FILE", authority), os.Setenv("SSL_CERT_DIR", dir),
		os.Setenv("HTTPS_PROXY", httptest.NewServer(http.HandlerFunc(proxy)).URL), os.Unsetenv("https_proxy"), os.Unsetenv("NO_PROXY"), os.Unsetenv("no_proxy")); err != nil {
		panic(err)
	}
	server.Close()
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// content is longer than a buffer.
var content = bytes.Repeat([]byte("release "), 100_000)

func sum(data []byte) digest.SHA256 { return sha256.Sum256(data) }

// site serves content at /file, and worse at other paths.
func site(t *testing.T, more map[string]http.HandlerFunc) (url string, requests func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	mux := http.NewServeMux()
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) })
	for path, handler := range more {
		mux.HandleFunc(path, handler)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// names lists what the cache holds.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	entries, err := os.ReadDir(filepath.Join(dir, "sha256"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// want reads a file that Get returned.
func want(t *testing.T, f *os.File, err error, content []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(content))
	}
}

func TestGet(t *testing.T) {
	url, requests := site(t, nil)
	dir := t.TempDir()
	var shown []string
	c := NewCache(dir, Options{Progress: func(url string, done, total int64) { shown = append(shown, fmt.Sprint(url, " ", done, " ", total)) }})
	for range 2 { // the second time from the cache
		f, err := c.Get(t.Context(), url+"/file", sum(content))
		want(t, f, err, content)
	}
	if requests() != 1 {
		t.Errorf("%d requests, want 1", requests())
	}
	if got := names(t, dir); !slices.Equal(got, []string{sum(content).String()}) {
		t.Errorf("the cache holds %q", got)
	}
	if last := fmt.Sprint(url, "/file ", len(content), " "); len(shown) == 0 || !strings.HasPrefix(shown[len(shown)-1], last) {
		t.Errorf("progress ended with %q, want %q", shown, last)
	}
	info, err := os.Stat(c.path(sum(content)))
	if err != nil || info.Mode() != 0o444 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// What was doctored in the cache is never handed out.
func TestDoctoredEntryIsFetchedAgain(t *testing.T) {
	url, requests := site(t, nil)
	dir := t.TempDir()
	c := NewCache(dir, Options{})
	path := c.path(sum(content))
	secret := filepath.Join(dir, "same")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(secret, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	doctored := slices.Clone(content)
	doctored[700_000] ^= 1
	for i, doctor := range []func() error{
		func() error { return os.WriteFile(path, doctored, 0o600) },
		func() error { return os.WriteFile(path, content[:10], 0o600) },
		func() error { return os.Mkdir(path, 0o700) },
		func() error { return os.Symlink(secret, path) },
	} {
		if err := errors.Join(os.RemoveAll(path), doctor()); err != nil {
			t.Fatal(err)
		}
		f, err := c.Get(t.Context(), url+"/file", sum(content))
		want(t, f, err, content)
		if requests() != i+1 {
			t.Errorf("%d: %d requests", i, requests())
		}
	}
}

func TestDoctoredEntryWithoutServer(t *testing.T) {
	url, _ := site(t, nil)
	c := NewCache(t.TempDir(), Options{})
	f, err := c.Get(t.Context(), url+"/file", sum(content))
	want(t, f, err, content)
	if err := errors.Join(os.Chmod(c.path(sum(content)), 0o600), os.WriteFile(c.path(sum(content)), []byte("evil"), 0o600)); err != nil {
		t.Fatal(err)
	}
	f, err = c.Get(t.Context(), url+"/absent", sum(content))
	if _, ok := errors.AsType[*TransportError](err); f != nil || !ok {
		t.Errorf("%v, %v", f, err)
	}
}

func TestMismatch(t *testing.T) {
	url, _ := site(t, nil)
	dir := t.TempDir()
	c := NewCache(dir, Options{})
	other := sum([]byte("other"))
	_, err := c.Get(t.Context(), url+"/file", other)
	m, ok := errors.AsType[*MismatchError](err)
	if !ok || m.Want != other || m.Got != sum(content) || !strings.Contains(err.Error(), other.String()) || !strings.Contains(err.Error(), m.Got.String()) {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the cache holds %q", got)
	}
}

func TestPin(t *testing.T) {
	served := content
	url, requests := site(t, map[string]http.HandlerFunc{"/moves": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(served) }})
	c := NewCache(t.TempDir(), Options{})
	for i, now := range [][]byte{content, []byte("moved"), {}} {
		served = now
		got, err := c.Pin(t.Context(), url+"/moves")
		if err != nil || got != sum(now) || requests() != i+1 {
			t.Fatalf("%v, %v after %d requests, want %v", got, err, requests(), sum(now))
		}
		f, err := c.Get(t.Context(), url+"/moves", got)
		want(t, f, err, now)
	}
}

func TestBadURLs(t *testing.T) {
	dir := t.TempDir()
	c := NewCache(dir, Options{})
	for _, url := range []string{"", "http://127.0.0.1/x", "file:///etc/passwd", "https://", "https:///x", "https://u:p@127.0.0.1/", "ftp://h/x", "https://[::1/x", "//h/x"} {
		if _, err := c.Get(t.Context(), url, sum(content)); kindOf(err) != "refused" {
			t.Errorf("Get %q: %v", url, err)
		}
		if _, err := c.Pin(t.Context(), url); kindOf(err) != "refused" {
			t.Errorf("Pin %q: %v", url, err)
		}
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the cache holds %q", got)
	}
}

func TestNoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	if _, err := NewCache(t.TempDir(), Options{}).Pin(t.Context(), "https://"+address+"/"); kindOf(err) != "transport" {
		t.Errorf("%v", err)
	}
}

// A server with a certificate of another's is none.
func TestUnknownAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{foreign(t)}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	if _, err := NewCache(t.TempDir(), Options{}).Pin(t.Context(), server.URL); kindOf(err) != "transport" || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

// Interrupted in the middle, nothing is left; afterwards the same call works.
func TestInterrupted(t *testing.T) {
	url, _ := site(t, nil)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	c := NewCache(dir, Options{Progress: func(string, int64, int64) { cancel() }})
	if _, err := c.Get(ctx, url+"/file", sum(content)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the cache holds %q", got)
	}
	f, err := c.Get(t.Context(), url+"/file", sum(content))
	want(t, f, err, content)
	if _, err := c.Get(ctx, url+"/file", sum(content)); !errors.Is(err, context.Canceled) {
		t.Errorf("hashing the cache: %v", err)
	}
}

// What a killed process left goes when it is old enough to be nobody's.
func TestSweep(t *testing.T) {
	url, _ := site(t, nil)
	dir := t.TempDir()
	c := NewCache(dir, Options{})
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{temporary + "old": 3 * time.Hour, temporary + "new": time.Hour} {
		path := filepath.Join(c.dir, name)
		then := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Pin(t.Context(), url+"/file")
	if all := names(t, dir); err != nil || !slices.Equal(all, []string{temporary + "new", got.String()}) {
		t.Errorf("%v, the cache holds %q", err, all)
	}
}

// Many at once, of one file, all get it.
func TestConcurrentGets(t *testing.T) {
	url, _ := site(t, nil)
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			f, err := NewCache(dir, Options{}).Get(t.Context(), url+"/file", sum(content))
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := hasDigest(t.Context(), f, sum(content)); !got || err != nil {
				t.Errorf("%v, %v", got, err)
			}
			_ = f.Close()
		})
	}
	all.Wait()
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the cache holds %q", got)
	}
}

// The proxy that TestMain names sees the host, and nothing that is said to it.
func TestProxy(t *testing.T) {
	url, _ := site(t, nil)
	_, behind, _ := strings.Cut(url, "//")
	_, port, _ := net.SplitHostPort(behind)
	f, err := NewCache(t.TempDir(), Options{}).Get(t.Context(), "https://example.com:"+port+"/file", sum(content))
	want(t, f, err, content)
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	dir, err := DefaultDir()
	if err != nil || filepath.Base(dir) != "countermark" {
		t.Errorf("%q, %v", dir, err)
	}
}
