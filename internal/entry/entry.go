// Package entry is one statement as a ledger holds it: the line of its envelope,
// and the name under which it lies. The name is made of the content, so two
// parties that say the same, or one party that says it twice, never want the same
// name for different things, nothing need ever be replaced, and whoever reads an
// entry sees whether it is what was put there.
//
//	refs/countermark/statements/VERSION/DIGEST              in a git repository
//	VERSION/PARTY/KIND-DIGEST.intoto.jsonl                  in a plain folder
//
// DIGEST is the first 32 hex digits of the SHA-256 of the content, line feed
// included: of what "git cat-file blob REF | sha256sum" prints.
//
// docs/spec/ledger.md, "Entries", specifies it.
package entry

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
)

// RefPrefix begins the full name of every entry's ref; version, slash and digest
// follow.
const RefPrefix = "refs/countermark/statements/"

// Extension ends the name of every entry's file, as in-toto asks
// (in-toto Attestation Framework, bundle.md: one envelope a line).
const Extension = ".intoto.jsonl"

// Limits of entries.
const (
	MaxBytes      = dsse.MaxBytes + 1 // of one
	MaxPartyBytes = 64                // of a party's name, as a folder
	nameDigits    = 32                // of the digest: 128 bits, against accidents; the whole is computed anew by whoever reads
)

// Place is where an entry lies.
type Place struct {
	Version string // of the release
	Digest  string // the first 32 hex digits of the SHA-256 of the content
}

// Entry is one statement in its envelope. New makes it.
type Entry struct {
	Digest    digest.SHA256 // of Content
	Content   []byte        // one line, with its line feed
	Envelope  dsse.Envelope
	Statement *statement.Statement // what the envelope holds; no signature is verified
}

// Of returns the entry of an envelope. The error is that of New.
func Of(e dsse.Envelope) (Entry, error) { return New(append(e.Encode(), '\n')) }

// New returns the entry of a content: one envelope of a statement, as this
// program writes it, with a line feed. What was made elsewhere is written anew
// first (Of). The error is a *refusal.Refusal: LEDGER_ENTRY, or those of dsse.Parse
// and statement.Parse.
func New(content []byte) (Entry, error) {
	refuse := func(format string, args ...any) (Entry, error) {
		return Entry{}, refusal.New(refusal.LedgerEntry, format, args...)
	}
	line, ended := bytes.CutSuffix(content, []byte("\n"))
	switch {
	case len(content) > MaxBytes:
		return refuse("it has %d bytes, at most %d are accepted", len(content), MaxBytes)
	case !ended || len(line) == 0 || bytes.IndexByte(line, '\n') >= 0:
		return refuse("it is not one line with a line feed at its end")
	}
	envelope, err := dsse.Parse(line)
	if err != nil {
		return Entry{}, err
	}
	if envelope.PayloadType != dsse.StatementType {
		return refuse("the envelope holds %s, expected a statement, %s", escape.Quote(envelope.PayloadType), dsse.StatementType)
	}
	if !bytes.Equal(envelope.Encode(), line) {
		return refuse("the envelope is not written in the canonical way")
	}
	s, err := statement.Parse(envelope.Payload)
	if err != nil {
		return Entry{}, err
	}
	return Entry{Digest: sha256.Sum256(content), Content: content, Envelope: envelope, Statement: s}, nil
}

// Place returns where the entry lies.
func (e Entry) Place() Place {
	return Place{e.Statement.Identity.Version, e.Digest.String()[:nameDigits]}
}

// FileName returns the name of the entry's file in a plain folder.
func (e Entry) FileName() string {
	return e.Statement.Kind.String() + "-" + e.Place().Digest + Extension
}

// Open returns the entry of the content that was found at a place. The error is
// a *refusal.Refusal: that of New, or LEDGER_NAME if the content does not belong
// there.
func Open(p Place, content []byte) (Entry, error) {
	e, err := New(content)
	switch {
	case err != nil:
		return Entry{}, err
	case e.Place().Digest != p.Digest:
		return Entry{}, refusal.New(refusal.LedgerName, "the content has the SHA-256 %v, which the name %s is not the beginning of: it was put there under a wrong name, or changed", e.Digest, p.Digest)
	case e.Place() != p:
		return Entry{}, refusal.New(refusal.LedgerName, "the statement is on version %s, it lies under version %s", e.Place().Version, p.Version)
	}
	return e, nil
}

// Ref returns the full name of the ref.
func (p Place) Ref() string { return RefPrefix + p.Version + "/" + p.Digest }

// ParseRef is the inverse of Ref. The error is a *refusal.Refusal, LEDGER_NAME.
func ParseRef(ref string) (Place, error) {
	version, hex, found := strings.Cut(strings.TrimPrefix(ref, RefPrefix), "/")
	p := Place{version, hex}
	if !found || p.Ref() != ref {
		return Place{}, refusal.New(refusal.LedgerName, "it does not have the form %sVERSION/DIGEST", RefPrefix)
	}
	return p, p.check()
}

// check holds the parts of a name to their grammars.
func (p Place) check() error {
	if _, err := recipe.ParseVersion(p.Version); err != nil {
		return refusal.New(refusal.LedgerName, "%v", err)
	}
	if len(p.Digest) != nameDigits || strings.Trim(p.Digest, "0123456789abcdef") != "" {
		return refusal.New(refusal.LedgerName, "its last part is not %d lower-case hex digits", nameDigits)
	}
	return nil
}

// CheckParty holds the name of a party to what is a folder's everywhere: 1 to
// MaxPartyBytes lower-case letters, digits and "._-", the first a letter or
// digit, no "." at the end. The error is one sentence.
func CheckParty(name string) error {
	if name == "" || len(name) > MaxPartyBytes || !ascii.IsAlphanumeric(name[0]) || !ascii.IsOnly(name, "._-") || strings.ToLower(name) != name || name[len(name)-1] == '.' {
		return errors.New("the name of a party's folder is 1 to 64 lower-case letters, digits, \".\", \"_\" and \"-\", begins with a letter or digit and does not end in \".\"")
	}
	return nil
}
