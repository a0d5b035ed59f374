package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
)

// maxRedirects is what Go's own client follows, half of what browsers do: a
// download of a forge needs two.
const maxRedirects = 10

// maxHeaderBytes of a response are read.
const maxHeaderBytes = 256 << 10

// TransportError says that a server could not be reached or did not send the
// whole file. Trying again later may help.
type TransportError struct {
	URL    string // as given
	Detail string // one sentence, escaped
}

// Error returns one line, escaped.
func (e *TransportError) Error() string {
	return fmt.Sprintf("fetching %s: %s", escape.Quote(e.URL), e.Detail)
}

// RefusedError says that a URL is not fetched from, or a file not taken, as
// long as URL and server stay as they are.
type RefusedError struct {
	URL    string // as given
	Detail string // one sentence, escaped
}

// Error returns one line, escaped.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refusing to fetch %s: %s", escape.Quote(e.URL), e.Detail)
}

// MismatchError is the negative answer: what the URL gives is not what it was.
type MismatchError struct {
	URL       string // as given
	Want, Got digest.SHA256
}

// Error returns one line, escaped.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s gives a file with SHA-256 %v, expected %v", escape.Quote(e.URL), e.Got, e.Want)
}

// checkURL holds a URL, also one that a server redirects to, to https.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return &RefusedError{URL: text, Detail: "it is no URL"}
	case u.Scheme != "https" || u.Hostname() == "":
		return &RefusedError{URL: text, Detail: "only https://HOST/... is fetched from"}
	case u.User != nil:
		return &RefusedError{URL: text, Detail: "it holds a user name or password, which would be shown and kept"}
	}
	return nil
}

// newClient returns a client that takes bytes as the server has them.
func newClient() *http.Client {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableCompression:     true, // else the digest would be that of something else
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return &RefusedError{Detail: fmt.Sprintf("the server redirects more than %d times", maxRedirects)}
		}
		if refused, ok := errors.AsType[*RefusedError](checkURL(r.URL.String())); ok {
			return &RefusedError{Detail: fmt.Sprintf("the server redirects to %s: %s", escape.Quote(r.URL.Redacted()), refused.Detail)}
		}
		return nil
	}}
}

// transfer is one file on its way.
type transfer struct {
	*Cache
	url     string
	w       io.Writer
	arrived func() // is called whenever something arrives
}

// transfer writes what the URL gives to w, and returns its digest.
func (c *Cache) transfer(ctx context.Context, url string, w *os.File) (digest.SHA256, error) {
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := func(format string, d time.Duration) func() {
		return func() { cancel(&TransportError{URL: url, Detail: fmt.Sprintf(format, d)}) }
	}
	stall := time.AfterFunc(c.limits.Stall, stop("nothing arrived for %v", c.limits.Stall))
	defer stall.Stop()
	defer time.AfterFunc(c.limits.Time, stop("the transfer took longer than %v", c.limits.Time)).Stop()

	t := &transfer{Cache: c, url: url, w: w, arrived: func() { stall.Reset(c.limits.Stall) }}
	got, err := t.run(watched)
	switch {
	case err == nil:
		return got, nil
	case ctx.Err() != nil:
		return got, ctx.Err()
	case watched.Err() != nil:
		return got, context.Cause(watched)
	}
	return got, err
}

// run asks for the URL and copies the body of the answer.
func (t *transfer) run(ctx context.Context) (got digest.SHA256, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return got, t.refuse("it is no URL")
	}
	request.Header.Set("User-Agent", "countermark")
	response, err := t.client.Do(request)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return got, t.refuse("%s", refused.Detail)
	}
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // the rest of it is the URL again
		}
		return got, t.fail("%s", escape.Sentence(err.Error()))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return got, t.fail("the server answers %s", escape.Quote(response.Status))
	}
	if response.ContentLength > t.limits.Bytes {
		return got, t.refuse("the file has %d bytes, at most %d are taken", response.ContentLength, t.limits.Bytes)
	}
	return t.copy(ctx, response)
}

// copy hashes and writes the body.
func (t *transfer) copy(ctx context.Context, response *http.Response) (got digest.SHA256, err error) {
	h := sha256.New()
	buf := make([]byte, 256<<10)
	for done := int64(0); ; {
		n, readErr := response.Body.Read(buf)
		if done += int64(n); done > t.limits.Bytes {
			return got, t.refuse("the server sends more than %d bytes", t.limits.Bytes)
		}
		if n > 0 {
			t.arrived()
			h.Write(buf[:n])
			if _, err := t.w.Write(buf[:n]); err != nil {
				return got, fmt.Errorf("writing to the cache: %w", err)
			}
			t.progress(t.url, done, max(0, response.ContentLength))
		}
		switch {
		case ctx.Err() != nil: // a body that has arrived already knows nothing of it
			return got, ctx.Err()
		case readErr == io.EOF:
			return digest.SHA256(h.Sum(nil)), nil
		case readErr != nil:
			return got, t.fail("after %d bytes: %s", done, escape.Sentence(readErr.Error()))
		}
	}
}

func (t *transfer) fail(format string, args ...any) error {
	return &TransportError{URL: t.url, Detail: fmt.Sprintf(format, args...)}
}

func (t *transfer) refuse(format string, args ...any) error {
	return &RefusedError{URL: t.url, Detail: fmt.Sprintf(format, args...)}
}
