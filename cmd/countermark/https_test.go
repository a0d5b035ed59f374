package main

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// serve REPO serves the folder's repositories over https with git's own
// http-backend, sets $URL to the address of REPO, and makes git trust the
// server. "serve refs" makes it list its refs and give nothing more, "serve stop"
// stops it.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serve REPO|refs|stop")
	}
	slot := ts.Value(serverKey{}).(*serverSlot)
	switch args[0] {
	case "refs":
		slot.refsOnly.Store(true)
		return
	case "stop":
		slot.stop()
		return
	}
	out, err := exec.Command("git", "--exec-path").Output()
	ts.Check(err)
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	repo := ts.MkAbs(args[0])
	handler := &cgi.Handler{Path: backend, Env: []string{
		"GIT_PROJECT_ROOT=" + filepath.Dir(repo), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=uploadpack.allowFilter", "GIT_CONFIG_VALUE_0=true",
		"GIT_CONFIG_KEY_1=uploadpack.allowAnySHA1InWant", "GIT_CONFIG_VALUE_1=true",
		"GIT_CONFIG_KEY_2=safe.directory", "GIT_CONFIG_VALUE_2=*",
	}}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slot.refsOnly.Load() && !isListing(r) {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		if protocol := r.Header.Get("Git-Protocol"); protocol != "" {
			withProtocol := *handler
			withProtocol.Env = append(withProtocol.Env[:len(handler.Env):len(handler.Env)], "GIT_PROTOCOL="+protocol)
			withProtocol.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	slot.server = server
	authority := ts.MkAbs("authority.pem")
	ts.Check(os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	ts.Setenv("GIT_SSL_CAINFO", authority)
	ts.Setenv("URL", server.URL+"/"+filepath.Base(repo))
}

// share FOLDER serves the files of a folder over https, sets $SITE to its
// address, and makes the program trust the server.
func share(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: share FOLDER")
	}
	server := httptest.NewTLSServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	ts.Defer(server.Close)
	authority := ts.MkAbs("authority.pem")
	ts.Check(os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	ts.Setenv("SSL_CERT_FILE", authority)
	ts.Setenv("SITE", server.URL)
}

// serverSlot holds the server that a script started.
type serverSlot struct {
	server   *httptest.Server
	refsOnly atomic.Bool // it gives no objects
}

type serverKey struct{}

// isListing reports whether a request asks for refs (gitprotocol-v2, "ls-refs").
func isListing(r *http.Request) bool {
	if r.Method == http.MethodGet {
		return true
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && bytes.Contains(body, []byte("command=ls-refs"))
}

func (s *serverSlot) stop() {
	if s.server != nil {
		s.server.Close()
		s.server = nil
	}
	s.refsOnly.Store(false)
}
