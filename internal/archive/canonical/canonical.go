// Package canonical writes the one tar of a tree. Its bytes are a pure function
// of the tree, the contents, the top directory and the times, the same on every
// machine and in every version of this program; docs/spec/canonical-tar.md
// specifies each of them.
//
// In short: ustar headers, with a pax extended header only before a member whose
// name or link target does not fit; members in the byte order of their full
// names, a directory's ending in a slash; owner 0, no owner names; 0644 or 0755;
// two zero blocks, and zeros to a whole record of 10,240 bytes.
//
// What is written, package archive reads back as the same tree, unless it
// refuses a link that leads out of the tree: that is not looked at here.
package canonical

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/tree"
)

// MaxTargetBytes is the longest target of a symbolic link: PATH_MAX of Linux, as
// of names.
const MaxTargetBytes = tree.MaxPathBytes

// Source is what a tar is made of, beside the tree.
type Source struct {
	// Prefix is the directory that holds everything, without final slash; "" for
	// none. It may have several components.
	Prefix string
	// Mtime is the time of directories, in seconds since 1970, 0 to 8,589,934,591.
	Mtime int64
	// MtimeOf is the time of a file or link; nil: Mtime for all.
	MtimeOf func(*tree.Entry) int64
	// Content writes a file's content, or a link's target, of exactly the
	// entry's Size, to w. It is called once for each entry, in the tree's order.
	Content func(e *tree.Entry, w io.Writer) error
}

// Write writes the tar of t to w. Every entry must be a file that is known to be
// executable or not, or a symbolic link, and have its Size. A file of 8 GiB or
// more is an error: no ustar header can state its size, and package archive
// reads no other statement of it. An error says what is wrong with which entry,
// or is that of w or Content; w then holds a beginning that is no tar.
func Write(w io.Writer, t tree.Tree, s Source) error {
	out := &output{w: bufio.NewWriterSize(w, 64<<10)}
	top := ""
	if s.Prefix != "" {
		if _, err := tree.ParsePath(s.Prefix); err != nil {
			return fmt.Errorf("the top directory: %w", err)
		}
		top = s.Prefix + "/"
		if err := out.directories("", top, s.Mtime); err != nil {
			return err
		}
	}
	last := top
	for i := range t.Entries() {
		e := &t.Entries()[i]
		name := top + string(e.Path)
		err := out.directories(last, name, s.Mtime)
		if err == nil {
			err = out.member(e, name, s)
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", escape.Quote(name), err)
		}
		last = name
	}
	return out.end()
}

// output counts what is written.
type output struct {
	w *bufio.Writer
	n int64
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	o.n += int64(n)
	return n, err //nolint:wrapcheck // the caller's own writer
}

// directories writes the members of the directories in which name lies and last,
// the name before it, does not.
func (o *output) directories(last, name string, mtime int64) error {
	for i, c := range []byte(name) {
		if c != '/' || strings.HasPrefix(last, name[:i+1]) {
			continue
		}
		if err := o.header(header{typ: typeDirectory, name: name[:i+1], mode: 0o755, mtime: mtime}); err != nil {
			return err
		}
	}
	return nil
}

// header writes the blocks of one header.
func (o *output) header(h header) error {
	if h.mtime < 0 || h.mtime > maxNumber {
		return fmt.Errorf("its time is %d, expected 0 to %d seconds since 1970", h.mtime, int64(maxNumber))
	}
	_, err := o.Write(h.appendTo(nil))
	return err
}

// member writes a file or link.
func (o *output) member(e *tree.Entry, name string, s Source) error {
	if err := check(e, name); err != nil {
		return err
	}
	h := header{typ: typeFile, name: name, mode: 0o644, size: e.Size, mtime: s.Mtime}
	if s.MtimeOf != nil {
		h.mtime = s.MtimeOf(e)
	}
	if e.Exec == tree.Executable {
		h.mode = 0o755
	}
	if e.Kind == tree.Symlink {
		var target bytes.Buffer
		if err := content(e, &target, s); err != nil {
			return err
		}
		h.typ, h.mode, h.size, h.link = typeSymlink, 0o777, 0, target.String()
		if err := tree.CheckTarget(h.link); err != nil {
			return err //nolint:wrapcheck // says it all
		}
		return o.header(h)
	}
	if err := o.header(h); err != nil {
		return err
	}
	if err := content(e, o, s); err != nil {
		return err
	}
	_, err := o.Write(make([]byte, padding(e.Size)))
	return err
}

// check says why an entry has no place in a canonical tar.
func check(e *tree.Entry, name string) error {
	_, err := tree.ParsePath(name)
	switch {
	case err != nil:
		return err //nolint:wrapcheck // says it all
	case e.Kind != tree.File && e.Kind != tree.Symlink:
		return fmt.Errorf("it is a %v, expected a file or a symbolic link", e.Kind)
	case e.Exec == tree.ExecUnknown:
		return errors.New("whether it is executable is not known")
	case e.Size < 0 || e.Size > maxNumber:
		return fmt.Errorf("it has %d bytes, expected 0 to %d", e.Size, int64(maxNumber))
	case e.Kind == tree.Symlink && (e.Size == 0 || e.Size > MaxTargetBytes):
		return fmt.Errorf("the target has %d bytes, expected 1 to %d", e.Size, MaxTargetBytes)
	}
	return nil
}

// content writes exactly e.Size bytes of content.
func content(e *tree.Entry, w io.Writer, s Source) error {
	l := &exactly{w: w, left: e.Size, size: e.Size}
	if err := s.Content(e, l); err != nil {
		return err
	}
	if l.left != 0 {
		return l.wrongSize()
	}
	return nil
}

// exactly refuses more bytes than were announced, and remembers it.
type exactly struct {
	w          io.Writer
	left, size int64 // left is -1 once there were more
}

func (l *exactly) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		l.left = -1
		return 0, l.wrongSize()
	}
	n, err := l.w.Write(p)
	l.left -= int64(n)
	return n, err //nolint:wrapcheck // the caller's own writer
}

func (l *exactly) wrongSize() error {
	if l.left < 0 {
		return fmt.Errorf("its content has more than the %d bytes that were announced", l.size)
	}
	return fmt.Errorf("its content has %d bytes, %d were announced", l.size-l.left, l.size)
}

// end writes what ends a tar: two zero blocks, and zeros to a whole record.
func (o *output) end() error {
	const markBytes = 2 * blockBytes
	rest := -(o.n + markBytes) % recordBytes
	if rest < 0 {
		rest += recordBytes
	}
	if _, err := o.Write(slices.Repeat([]byte{0}, markBytes+int(rest))); err != nil {
		return err
	}
	return o.w.Flush() //nolint:wrapcheck // the caller's own writer
}
