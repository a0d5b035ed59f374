// Package debian makes root filesystems of Debian packages, in two steps. Resolve
// finds out which packages a recipe means today: a list that names every .deb by
// its SHA-256. Make makes the filesystem of such a list, today's or one of years
// ago, with exactly these packages or not at all.
//
// apt(8) decides what belongs together, fetches, and checks the mirror's
// signatures with the archive's keyring; its state is a folder of its own, and
// the machine's own configuration, sources and packages do not count. Each .deb
// is then held to the list by this package, and mmdebstrap(1) installs them from
// a folder, without network. One suite, its component main, and what apt calls
// essential (apt itself among it) with the packages that the recipe names; none
// that are only recommended.
package debian

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/packagelist"
	"github.com/countermark/countermark/internal/recipe"
)

// DefaultMirror is Debian's own (https://www.debian.org/mirror/list).
const DefaultMirror = "https://deb.debian.org/debian"

// DefaultKeyring is where the package debian-archive-keyring has the keys that
// sign Debian's suites.
const DefaultKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Limits of one call.
const (
	DefaultTime      = 30 * time.Minute
	maxDownloadBytes = 8 << 30
)

// Options says where packages come from, and how. The zero value is Debian's
// own mirror and keyring.
type Options struct {
	Mirror         string            // http or https URL, used instead of the recipe's
	Keyring        string            // OpenPGP keys of the archive; DefaultKeyring if ""
	Architecture   string            // of the packages; dpkg's own if ""
	UnsafeUnsigned bool              // take the mirror's word: nothing is checked but the digests of a list
	Temp           string            // folder for what is needed meanwhile; os.TempDir if ""
	Time           time.Duration     // that one call may take; DefaultTime if 0
	Progress       func(line string) // is given every line that apt and mmdebstrap say, escaped; may be nil
}

// IncompleteError says which packages of a list the mirror does not offer. Those
// of a snapshot of its time may be there.
type IncompleteError struct {
	Mirror  string // URL
	Missing []packagelist.Entry
}

// Error returns one line, escaped, that names all of them.
func (e *IncompleteError) Error() string {
	names := make([]string, len(e.Missing))
	for i, m := range e.Missing {
		names[i] = m.String()
	}
	return fmt.Sprintf("the mirror %s does not offer %d packages of the list: %s", escape.Quote(e.Mirror), len(names), escape.Text(strings.Join(names, " ")))
}

// MissingProgramError says which program is needed and not installed.
type MissingProgramError struct{ Program string }

// Error returns one line.
func (e *MissingProgramError) Error() string {
	return fmt.Sprintf("%s is not installed, and no root filesystem of Debian packages can be made without it", e.Program)
}

// TransportError says that a mirror could not be reached or did not give what
// it offers. Trying again later may help.
type TransportError struct {
	Mirror string
	Said   string // by apt, escaped
}

// Error returns one line, escaped.
func (e *TransportError) Error() string {
	return fmt.Sprintf("fetching from the mirror %s: apt said: %s", escape.Quote(e.Mirror), e.Said)
}

// RefusedError says why nothing is made of a recipe, or of what a mirror gives.
type RefusedError struct {
	Detail string // one sentence, escaped
	Hint   string // what to do
}

// Error returns the sentence.
func (e *RefusedError) Error() string { return e.Detail }

// Resolve returns the packages that the recipe's environment is made of, as the
// mirror has them now. The error is a *RefusedError (also for a package that the
// suite does not have), *TransportError, *MissingProgramError, that of a context
// that ended, or another, such as the file system's.
func Resolve(ctx context.Context, fs recipe.RootFS, o Options) (packagelist.List, error) {
	var list packagelist.List
	err := within(ctx, fs, o, func(ctx context.Context, a *apt) error {
		if err := a.update(ctx, true); err != nil {
			return err
		}
		var err error
		list, err = a.resolve(ctx, fs.Packages)
		return err
	})
	return list, err
}

// Order is a root filesystem that is to be made.
type Order struct {
	Base recipe.RootFS    // whose suite and mirror have the packages
	List packagelist.List // of exactly these
}

// Make writes the root filesystem that is ordered to w, as a tar that is the same
// whenever and wherever it is made by one version of mmdebstrap. The errors are those of Resolve, and
// *IncompleteError; what was written before one is worth nothing.
func Make(ctx context.Context, order Order, o Options, w io.Writer) error {
	return within(ctx, order.Base, o, func(ctx context.Context, a *apt) error {
		// A list names bytes: it does not matter how long ago the mirror
		// promised to have them.
		if err := a.update(ctx, false); err != nil {
			return err
		}
		repository, err := a.download(ctx, order.List)
		if err != nil {
			return err
		}
		return a.bootstrap(ctx, repository, order.List, w)
	})
}

// within gives a task its own apt, and cleans up after it.
func within(ctx context.Context, fs recipe.RootFS, o Options, task func(context.Context, *apt) error) (err error) {
	o.Mirror = cmp.Or(o.Mirror, string(fs.Mirror), DefaultMirror)
	o.Keyring = cmp.Or(o.Keyring, DefaultKeyring)
	o.Time = cmp.Or(o.Time, DefaultTime)
	if err := o.check(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.Temp, "countermark-debian-")
	if err != nil {
		return fmt.Errorf("making a folder for apt: %w", err)
	}
	defer func() {
		if removeErr := os.RemoveAll(dir); err == nil && removeErr != nil {
			err = fmt.Errorf("removing apt's folder: %w", removeErr)
		}
	}()
	limited, cancel := context.WithTimeoutCause(ctx, o.Time, &RefusedError{Detail: fmt.Sprintf("making the root filesystem took longer than %v", o.Time),
		Hint: "give it more time, or a mirror that is nearer"})
	defer cancel()
	a, err := newAPT(limited, string(fs.Suite), dir, o)
	if err == nil {
		err = task(limited, a)
	}
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return context.Cause(limited)
	}
	return err
}

// check holds the options to what can be written into apt's configuration.
func (o *Options) check() error {
	rest, https := strings.CutPrefix(o.Mirror, "https://")
	if !https {
		rest, https = strings.CutPrefix(o.Mirror, "http://")
	}
	if !https || rest == "" || strings.ContainsFunc(o.Mirror, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"[]'\`, r) }) {
		return &RefusedError{Detail: fmt.Sprintf("the mirror %s is no URL of http or https", escape.Quote(o.Mirror)), Hint: "write it as https://HOST/debian"}
	}
	if o.UnsafeUnsigned {
		return nil
	}
	if !filepath.IsAbs(o.Keyring) || strings.ContainsAny(o.Keyring, " \t\n\"[],") {
		return &RefusedError{Detail: fmt.Sprintf("the path of the keyring %s is not absolute or holds a space, comma, quote or bracket", escape.Quote(o.Keyring)),
			Hint: "copy the keyring to a plainer path"}
	}
	if _, err := os.Stat(o.Keyring); err != nil {
		return &RefusedError{Detail: fmt.Sprintf("there is no keyring %s to check the mirror's signatures with", escape.Quote(o.Keyring)),
			Hint: "install the package debian-archive-keyring"}
	}
	return nil
}
