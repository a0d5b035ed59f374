// Package bundle is the file beside an archive, NAME.countermark, by which the
// archive is verified without a network, a clone or git: signed statements, the
// chain of policies, and the git objects that tie the archive to the signed tag.
// It is sorted lines of canonical JSON, so that a set of evidence has one file
// and bundles can be joined. Nothing in it is believed: objects are hashed
// again here, signatures are for package signature.
//
// docs/spec/bundle.md is the format.
package bundle

import (
	"bytes"
	"encoding/base64"
	"slices"

	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/refusal"
)

// FormatVersion is the version of the format.
const FormatVersion = 1

// Limits of what is read and written.
const (
	MaxBytes = 64 << 20 // of a file: a release of the Linux kernel has 6 MiB of trees, which base64 makes 8
	MaxLines = 200_000  // of a file

	MaxRecipeBytes = 32 << 10 // of one recipe: as much as one may have (recipe.md, section 5)
)

// Bundle is a set of evidence. The order of its parts means nothing.
type Bundle struct {
	Policies   []dsse.Envelope // of the type dsse.PolicyType: versions of one chain, or of several
	Statements []dsse.Envelope // of the type dsse.StatementType
	Objects    []Object
	Recipes    [][]byte // bytes of recipes, of which identities name the SHA-256
}

// Object is a commit, tag or tree of git, of either object format.
type Object struct {
	Type digest.ObjectType // Commit, Tag or Tree
	ID   digest.ObjectID
	Data []byte // its content, without git's header
}

// header is the first line: what the file is.
func header() []byte {
	return canonicaljson.Encode(canonicaljson.Object{"countermark": "bundle", "version": int64(FormatVersion)})
}

// Encode returns the file. Of envelopes with one payload it makes one, with the
// signatures of all. The error, a *refusal.Refusal, is BUNDLE_FORMAT for a part
// that is of another type than its place, else BUNDLE_LIMIT.
func (b *Bundle) Encode() ([]byte, error) {
	lines := [][]byte{header()}
	for _, o := range b.Objects {
		if !isKept(o.Type) {
			return nil, wrong("a %v has no place in a bundle", o.Type)
		}
		lines = append(lines, canonicaljson.Encode(canonicaljson.Object{"object": o.Type.String(), "id": o.ID.String(), "data": base64.StdEncoding.EncodeToString(o.Data)}))
	}
	for _, part := range b.parts() {
		for _, e := range join(part.envelopes) {
			if err := part.check(&e); err != nil {
				return nil, err
			}
			lines = append(lines, canonicaljson.Encode(canonicaljson.Object{part.key: e.JSON()}))
		}
	}
	for _, r := range b.Recipes {
		if err := checkRecipe(r); err != nil {
			return nil, err
		}
		lines = append(lines, canonicaljson.Encode(canonicaljson.Object{"recipe": base64.StdEncoding.EncodeToString(r)}))
	}
	slices.SortFunc(lines, bytes.Compare)
	lines = slices.CompactFunc(lines, bytes.Equal)
	data := append(bytes.Join(lines, []byte("\n")), '\n')
	return data, checkSize(len(data), len(lines))
}

// envelopes is one of the two kinds of envelopes.
type envelopes struct {
	key       string // of the line
	is        string // payload type
	envelopes []dsse.Envelope
}

func (b *Bundle) parts() []envelopes {
	return []envelopes{{"policy", dsse.PolicyType, b.Policies}, {"statement", dsse.StatementType, b.Statements}}
}

// check holds an envelope to its place.
func (p *envelopes) check(e *dsse.Envelope) error {
	switch {
	case e.PayloadType != p.is:
		return wrong("the %s has the payload type %.80q, expected %q", p.key, e.PayloadType, p.is)
	case len(e.Signatures) == 0:
		return wrong("a %s has no signature", p.key)
	case len(e.Signatures) > dsse.MaxSignatures:
		return limit("a %s has %d signatures, at most %d are accepted", p.key, len(e.Signatures), dsse.MaxSignatures)
	}
	return nil
}

func wrong(format string, args ...any) error {
	return refusal.New(refusal.BundleFormat, format, args...)
}

func limit(format string, args ...any) error {
	return refusal.New(refusal.BundleLimit, format, args...)
}

func checkSize(size, lines int) error {
	switch {
	case size > MaxBytes:
		return limit("the bundle has %d bytes, at most %d are accepted", size, MaxBytes)
	case lines > MaxLines:
		return limit("the bundle has more than %d lines", MaxLines)
	}
	return nil
}

func checkRecipe(r []byte) error {
	if len(r) > MaxRecipeBytes {
		return limit("a recipe has %d bytes, at most %d are accepted", len(r), MaxRecipeBytes)
	}
	return nil
}

// isKept reports whether objects of the type have a place in a bundle. Contents of
// files have not: the archive has them.
func isKept(t digest.ObjectType) bool {
	return t == digest.Commit || t == digest.Tag || t == digest.Tree
}

// join makes one envelope of those with one type and payload, with the signatures of
// all: each once, sorted.
func join(all []dsse.Envelope) []dsse.Envelope {
	var joined []dsse.Envelope
	at := make(map[[2]string]int)
	for _, e := range all {
		key := [2]string{e.PayloadType, string(e.Payload)}
		i, there := at[key]
		if !there {
			i = len(joined)
			at[key] = i
			joined = append(joined, dsse.Envelope{PayloadType: e.PayloadType, Payload: e.Payload})
		}
		joined[i].Signatures = append(joined[i].Signatures, e.Signatures...)
	}
	for i := range joined {
		signatures := joined[i].Signatures
		slices.SortFunc(signatures, dsse.Signature.Compare)
		joined[i].Signatures = slices.CompactFunc(signatures, func(a, b dsse.Signature) bool { return a.Compare(b) == 0 })
	}
	return joined
}

// Merge returns what any number of bundles hold together: objects once, and
// envelopes of one payload as one. The bundles are not changed.
func Merge(bundles ...*Bundle) *Bundle {
	var all Bundle
	for _, b := range bundles {
		all.Policies = append(all.Policies, b.Policies...)
		all.Statements = append(all.Statements, b.Statements...)
		all.Objects = append(all.Objects, b.Objects...)
		for _, r := range b.Recipes {
			if !slices.ContainsFunc(all.Recipes, func(have []byte) bool { return bytes.Equal(have, r) }) {
				all.Recipes = append(all.Recipes, r)
			}
		}
	}
	all.Policies, all.Statements = join(all.Policies), join(all.Statements)
	seen := make(map[Name]bool)
	all.Objects = slices.DeleteFunc(all.Objects, func(o Object) bool {
		n := Name{o.Type, o.ID}
		twice := seen[n]
		seen[n] = true
		return twice
	})
	return &all
}

// Name names an object: a tag and a commit never have one id, but who asks says
// what they expect.
type Name struct {
	Type digest.ObjectType
	ID   digest.ObjectID
}

// Contents returns the contents of all objects, by name.
func (b *Bundle) Contents() map[Name][]byte {
	all := make(map[Name][]byte, len(b.Objects))
	for _, o := range b.Objects {
		all[Name{o.Type, o.ID}] = o.Data
	}
	return all
}
