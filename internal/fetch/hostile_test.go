package fetch

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ending is how a hostile server's answer must end.
type ending struct {
	path, kind, words string
}

func kindOf(err error) string {
	if _, ok := errors.AsType[*TransportError](err); ok {
		return "transport"
	}
	if _, ok := errors.AsType[*RefusedError](err); ok {
		return "refused"
	}
	if _, ok := errors.AsType[*MismatchError](err); ok {
		return "mismatch"
	}
	return "other"
}

// redirect returns a handler that leads elsewhere.
func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// raw answers with bytes of its own, and closes the connection.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}
}

func TestHostileServers(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
	t.Cleanup(plain.Close)
	url, _ := site(t, map[string]http.HandlerFunc{
		"/plain":     redirect(plain.URL + "/file"),
		"/user":      redirect("https://me:secret@127.0.0.1/"),
		"/loop":      redirect("/loop"),
		"/truncated": raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"),
		"/chunked":   raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
		"/longer":    raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nlonger than it says"),
		"/nonsense":  raw("\x1b[31mSMTP\r\n\r\n"),
		"/huge":      raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx"),
		"/header":    raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\nx"),
		"/500": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "\x1b[31m", http.StatusInternalServerError)
		},
		"/206": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) },
		"/endless": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(content); err != nil {
					return
				}
			}
		},
	})
	dir := t.TempDir()
	c := NewCache(dir, Options{Limits: Limits{Bytes: 8 << 20, Time: 20 * time.Second, Stall: 20 * time.Second}})
	for _, e := range []ending{
		{"/plain", "refused", `redirects to "http://127`},
		{"/user", "refused", "user name"},
		{"/loop", "refused", "more than 10 times"},
		{"/truncated", "transport", "after 5 bytes: unexpected EOF"},
		{"/chunked", "transport", "after 5 bytes: unexpected EOF"},
		{"/longer", "mismatch", sum([]byte("lon")).String()},
		{"/nonsense", "transport", `malformed HTTP`},
		{"/huge", "refused", "99999999999 bytes, at most 8388608"},
		{"/header", "transport", "header"},
		{"/500", "transport", `"500 Internal Server Error"`},
		{"/206", "transport", `"206 Partial Content"`},
		{"/absent", "transport", `"404 Not Found"`},
		{"/endless", "refused", "more than 8388608 bytes"},
	} {
		f, err := c.Get(t.Context(), url+e.path, sum(content))
		if f != nil || kindOf(err) != e.kind || !strings.Contains(err.Error(), e.words) || !strings.Contains(err.Error(), url+e.path) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v, want %s with %q", e.path, err, e.kind, e.words)
		}
	}
	if strings.Contains(fmt.Sprint(c.Get(t.Context(), url+"/user", sum(content))), "secret") {
		t.Error("a password is shown")
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the cache holds %q", got)
	}
}

func TestRedirects(t *testing.T) {
	hops := map[string]http.HandlerFunc{"/hop10": redirect("/file")}
	for i := 1; i < 10; i++ {
		hops[fmt.Sprintf("/hop%d", i)] = redirect(fmt.Sprintf("/hop%d", i+1))
	}
	hops["/hop0"] = redirect("/hop1")
	url, _ := site(t, hops)
	f, err := NewCache(t.TempDir(), Options{}).Get(t.Context(), url+"/hop1", sum(content)) // ten of them
	want(t, f, err, content)
	if _, err := NewCache(t.TempDir(), Options{}).Get(t.Context(), url+"/hop0", sum(content)); kindOf(err) != "refused" {
		t.Errorf("eleven redirects: %v", err)
	}
}

func TestStallAndSlowness(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	stop := func(w http.ResponseWriter, r *http.Request, begin bool) {
		if begin {
			_, _ = w.Write(content[:1000])
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	url, _ := site(t, map[string]http.HandlerFunc{
		"/silent": func(w http.ResponseWriter, r *http.Request) { stop(w, r, false) },
		"/stalls": func(w http.ResponseWriter, r *http.Request) { stop(w, r, true) },
		"/drips": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write(content[:1])
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		},
	})
	for _, e := range []ending{
		{"/silent", "transport", "nothing arrived for 300ms"},
		{"/stalls", "transport", "nothing arrived for 300ms"},
		{"/drips", "transport", "longer than 1s"},
	} {
		dir := t.TempDir()
		_, err := NewCache(dir, Options{Limits: Limits{Stall: 300 * time.Millisecond, Time: time.Second}}).Pin(t.Context(), url+e.path)
		if kindOf(err) != e.kind || !strings.Contains(err.Error(), e.words) || len(names(t, dir)) != 0 {
			t.Errorf("%s: %v, want %q; the cache holds %q", e.path, err, e.words, names(t, dir))
		}
	}
}
