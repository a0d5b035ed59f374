// Package fetch gets files over https, and keeps them under their SHA-256 in a
// folder of the user's cache. What is kept is hashed again whenever it is asked
// for: bytes that are not those of the digest are never handed out.
//
// Servers are trusted to be who they are (TLS, with the system's authorities or
// those of SSL_CERT_FILE), and for nothing else. The proxy variables count as
// for every program (net/http.ProxyFromEnvironment); passwords in ~/.netrc and
// cookies do not.
package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
)

// Limits bounds one transfer; zero fields mean the defaults.
type Limits struct {
	Bytes int64         // of the file
	Time  time.Duration // from the first to the last byte, redirects included
	Stall time.Duration // in which nothing arrives
}

// The default limits.
const (
	DefaultBytes = 4 << 30 // a root filesystem has 1 GiB at most
	DefaultTime  = time.Hour
	DefaultStall = time.Minute
)

// Options says how to fetch.
type Options struct {
	Limits   Limits
	Progress func(url string, doneBytes, totalBytes int64) // total 0: unknown; nil for none
}

// Cache is a folder of fetched files. Several processes may use it at once.
type Cache struct {
	dir      string
	client   *http.Client
	limits   Limits
	progress func(url string, doneBytes, totalBytes int64)
}

// DefaultDir returns the folder where files are kept unless another is named:
// "countermark" in the user's cache (os.UserCacheDir).
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %v", err)
	}
	return filepath.Join(dir, "countermark"), nil
}

// NewCache returns the cache that keeps its files below dir, which is made when
// something is to be kept.
func NewCache(dir string, o Options) *Cache {
	l := o.Limits
	if l.Bytes == 0 {
		l.Bytes = DefaultBytes
	}
	if l.Time == 0 {
		l.Time = DefaultTime
	}
	if l.Stall == 0 {
		l.Stall = DefaultStall
	}
	c := &Cache{dir: filepath.Join(dir, "sha256"), client: newClient(), limits: l, progress: o.Progress}
	if c.progress == nil {
		c.progress = func(string, int64, int64) {}
	}
	return c
}

// Get returns the file with the digest, open at its beginning; the caller
// closes it. It is fetched from the URL unless the cache has it; an entry of the
// cache whose content is another is removed, and fetched anew.
//
// The error is a *RefusedError, *TransportError or *MismatchError, that of a
// context that ended, or the file system's, which callers may look for too.
func (c *Cache) Get(ctx context.Context, url string, want digest.SHA256) (*os.File, error) {
	if err := checkURL(url); err != nil {
		return nil, err
	}
	if f, err := c.open(ctx, want); f != nil || err != nil {
		return f, err
	}
	got, err := c.keep(ctx, url, want)
	if err != nil {
		return nil, err
	}
	if got != want {
		return nil, &MismatchError{URL: url, Want: want, Got: got}
	}
	f, err := c.open(ctx, want)
	if f == nil && err == nil {
		err = fmt.Errorf("reading the cache: %q was changed as soon as it was written", c.path(want))
	}
	return f, err
}

// Pin fetches the URL, whatever the cache has, keeps the file, and returns its
// digest. The errors are those of Get, without *MismatchError.
func (c *Cache) Pin(ctx context.Context, url string) (digest.SHA256, error) {
	if err := checkURL(url); err != nil {
		return digest.SHA256{}, err
	}
	return c.keep(ctx, url, digest.SHA256{})
}

func (c *Cache) path(d digest.SHA256) string { return filepath.Join(c.dir, d.String()) }

// open returns the entry of a digest, nil if there is none.
func (c *Cache) open(ctx context.Context, want digest.SHA256) (*os.File, error) {
	info, err := os.Lstat(c.path(want)) // a FIFO would be waited for, a link leads elsewhere
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	if info.Mode().IsRegular() {
		f, err := os.Open(c.path(want))
		if err != nil {
			return nil, fmt.Errorf("reading the cache: %w", err)
		}
		same, err := hasDigest(ctx, f, want)
		if same {
			return f, nil
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
	}
	if err := os.RemoveAll(c.path(want)); err != nil {
		return nil, fmt.Errorf("removing what is not %v from the cache: %w", want, err)
	}
	return nil, nil
}

// hasDigest hashes a file, and goes back to its beginning.
func hasDigest(ctx context.Context, f *os.File, want digest.SHA256) (bool, error) {
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
	}
	_, err := f.Seek(0, io.SeekStart)
	return err == nil && digest.SHA256(h.Sum(nil)) == want, err
}

// temporary is how the names of files begin that are not whole yet;
// temporaryAge is when one is what a killed process left.
const (
	temporary    = ".fetching-"
	temporaryAge = 2 * DefaultTime
)

// keep fetches a URL, and puts the file into the cache unless it is expected to
// have another digest. It returns the digest that it has.
func (c *Cache) keep(ctx context.Context, url string, want digest.SHA256) (got digest.SHA256, err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return got, fmt.Errorf("making the cache: %w", err)
	}
	c.sweep(time.Now())
	f, err := os.CreateTemp(c.dir, temporary+"*")
	if err != nil {
		return got, fmt.Errorf("writing to the cache: %w", err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name()) // it is gone if it was renamed
	}()
	if got, err = c.transfer(ctx, url, f); err != nil || !want.IsZero() && got != want {
		return got, err
	}
	err = f.Chmod(0o444)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), c.path(got))
	}
	if err != nil {
		return got, fmt.Errorf("writing to the cache: %w", err)
	}
	return got, nil
}

// sweep removes what killed processes left behind.
func (c *Cache) sweep(now time.Time) {
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), temporary) && now.Sub(info.ModTime()) > temporaryAge {
			_ = os.Remove(filepath.Join(c.dir, e.Name()))
		}
	}
}
