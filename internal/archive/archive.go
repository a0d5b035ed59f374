// Package archive reads release archives (tar in any of its envelopes, and zip)
// as trees. It rejects instead of interpreting: what it accepts is a written
// grammar, docs/spec/archive.md, chosen so that every common extractor writes
// the same files from an archive that passes; every byte of every header is
// accounted for, and anything else is a *refusal.Refusal with a rule, the
// member and the offset. Nothing is repaired, skipped or resolved by "the last
// one wins".
//
// In short, for tar: one magic per archive (v7, ustar, GNU); member types
// regular, directory, symbolic link, hard link without data to an earlier
// regular member, and FIFO or device without data; octal numbers only; pax
// headers with a short list of keys, GNU L and K headers, at most one global
// header that is first and holds a commit id; names in one spelling, UTF-8 in
// normalisation form C, below one top directory; zero padding; two zero blocks
// and then only zeros to the end.
//
// An archive is read once, as a stream, in memory that does not depend on any
// number it states, except the declared window of its envelope.
package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"

	"github.com/countermark/countermark/internal/archive/zipfile"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

const (
	// DefaultMaxMembers is the most members that an archive may have. Linux has 80,000.
	DefaultMaxMembers = 2_000_000
	// MaxInspectedBytes is the largest file whose content an Inspector is shown.
	// Generated parsers and changelogs are smaller.
	MaxInspectedBytes = 8 << 20
	// maxNameBytes bounds the names and link targets of an archive together.
	maxNameBytes = 256 << 20
)

// Limits bounds what is read. The zero value stands for the documented defaults.
type Limits struct {
	MaxMembers int // members of all types; 0: DefaultMaxMembers
}

func (l Limits) maxMembers() int {
	if l.MaxMembers == 0 {
		return DefaultMaxMembers
	}
	return l.MaxMembers
}

// Options says how to read an archive.
type Options struct {
	Prefix    string           // directory that holds everything, with or without a final slash; "" with PrefixSet: none
	PrefixSet bool             // Prefix was given; else it is the one top directory
	Limits    Limits           //
	Envelope  envelope.Options // name of the file, limits and decoder of its compression
	Progress  func(readBytes int64)
}

// Inspector looks at the contents of files as they go by.
type Inspector interface {
	// Wants reports whether Inspect is to be called for the path.
	Wants(tree.Path) bool
	// Inspect is called for each wanted file. The content is valid during the
	// call only, and nil for hard links and files above MaxInspectedBytes.
	Inspect(e *tree.Entry, content []byte)
}

// ModeCount is how many regular files have certain permission bits.
type ModeCount struct {
	Perm  uint16
	Files int
}

// Contents is what an archive holds.
type Contents struct {
	Tree      tree.Tree
	Identity  tree.Identity
	Format    envelope.Format // of the file
	Dialect   string          // "v7", "ustar", "pax", "GNU" or "zip"
	Decoder   string          // the program or library that decompressed it
	Prefix    string          // the directory that was stripped, without final slash
	Embedded  digest.ObjectID // the commit id that git archive left in it; a claim
	SHA256    digest.SHA256   // of the file
	TarSHA256 digest.SHA256   // of the uncompressed tar; zero for zip
	FileBytes int64
	TarBytes  int64 // 0 for zip
	Members   int
	Modes     []ModeCount // of regular files, other than 0644 and 0755
	Notes     []string    // oddities that are accepted, in words; may hold text from the file
}

// Reader is an archive whose beginning has been read. Not safe for concurrent use.
type Reader struct {
	options  Options
	env      *envelope.Reader
	ahead    *envelope.Ahead
	tarHash  hash.Hash
	tar      *tarReader
	zip      *zipReader
	embedded digest.ObjectID
}

// Open recognises the archive in r and reads up to its first member, so that
// Embedded is known. Zip needs an r that is an io.ReaderAt and io.Seeker too
// (a regular file); ErrNotSeekable says that it is none.
// Errors: *refusal.Refusal, ErrNotSeekable, or r's own.
func Open(r io.Reader, o Options) (*Reader, error) {
	a := &Reader{options: o}
	head, r, err := zipfile.Peek(r, envelope.HeadBytes)
	if err != nil {
		return nil, err
	}
	if format, ok := envelope.Recognise(head); ok && format == envelope.Zip {
		if a.zip, err = openZip(r, o); err != nil {
			return nil, err
		}
		a.embedded = a.zip.Embedded()
		return a, nil
	}
	a.env, err = envelope.Open(envelope.Counting(r, o.Progress), o.Envelope)
	if err != nil {
		return nil, err
	}
	a.tarHash = sha256.New()
	a.ahead = envelope.NewAhead(a.env, a.tarHash)
	a.tar = &tarReader{source: source{next: a.ahead.Next}}
	if err := a.tar.start(); err != nil {
		a.Close()
		return nil, err
	}
	a.embedded = a.tar.embedded
	return a, nil
}

// Embedded returns the commit id that git archive left in the archive, the
// zero id if there is none. It is a claim that anybody can write.
func (a *Reader) Embedded() digest.ObjectID { return a.embedded }

// Close releases what the reader holds; it may be called at any time, and twice.
func (a *Reader) Close() {
	if a.ahead != nil {
		a.ahead.Close()
	}
	if a.env != nil {
		_ = a.env.Close()
	}
}

// Read reads the whole archive, to the last byte of its file, and closes it.
// The inspector may be nil. Errors: *refusal.Refusal, ctx's, or the input's own.
func (a *Reader) Read(ctx context.Context, inspector Inspector) (*Contents, error) {
	defer a.Close()
	c := newCollector(a.options)
	c.inspector = inspector
	var out *Contents
	var err error
	if a.zip != nil {
		out, err = a.zip.read(ctx, c)
	} else {
		out, err = a.readTar(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	if out.Tree, err = c.finish(); err != nil {
		return nil, err
	}
	out.Identity = out.Tree.Identity(digest.SHA1Format, digest.SHA256Format)
	out.Prefix, out.Members, out.Modes = c.prefix, c.members, c.unusualModes()
	out.Embedded = a.embedded
	return out, nil
}

func (a *Reader) readTar(ctx context.Context, c *collector) (*Contents, error) {
	next := a.tar.next
	a.tar.next = func() ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return next()
	}
	if err := a.tar.members(ctx, c); err != nil {
		return nil, err
	}
	out := &Contents{
		Format: a.env.Format(), Dialect: a.tar.dialectName(), Decoder: a.env.Decoder(),
		SHA256: a.env.SHA256(), FileBytes: a.env.InputBytes(), TarBytes: a.tar.offset, Notes: a.env.Notes(),
	}
	a.tarHash.Sum(out.TarSHA256[:0])
	return out, nil
}

// SameArchive checks that files given as one release hold one and the same
// archive: the same tar, byte for byte; a zip among them, the same tree. It
// returns nil or a Z_ENVELOPES refusal that names the first that differs.
func SameArchive(names []string, all []*Contents) error {
	first := -1
	for i, c := range all {
		switch {
		case i > 0 && c.Identity.Git != all[0].Identity.Git:
			return refusal.New(refusal.ZEnvelopes, "%s holds another tree than %s", names[i], names[0])
		case c.TarSHA256.IsZero():
		case first < 0:
			first = i
		case c.TarSHA256 != all[first].TarSHA256:
			return refusal.New(refusal.ZEnvelopes, "%s holds another tar (SHA-256 %v) than %s (%v), though both hold the same tree", names[i], c.TarSHA256, names[first], all[first].TarSHA256)
		}
	}
	return nil
}

// ErrNotSeekable says that a zip was given as a stream; its directory is at
// its end. Callers may test for it and copy the stream to a file.
var ErrNotSeekable = errors.New("a zip can only be read from a regular file")
