// Package endorsement judges who signed a release, for those who hold public
// keys of its project and no policy: which of the tag and the archives are
// signed, by which key, whether it is one key, and whether it is the key of the
// last time. It is given what package signature found of each signature, and
// touches nothing else. docs/spec/report.md ("Signatures") specifies the rules.
//
// It does not know whose the keys are: that is for whoever gives them.
package endorsement

import (
	"slices"

	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
)

// Object is what a signature is over. The zero value is nothing.
type Object uint8

// The objects.
const (
	Tag     Object = iota + 1 // an annotated tag, without its signature
	Commit                    // a commit, without its signature
	Archive                   // the file as published
	Tar                       // the tar inside, without its compression
)

// String returns the object's name, as in "tag".
func (o Object) String() string {
	switch o {
	case Tag:
		return "tag"
	case Commit:
		return "commit"
	case Archive:
		return "archive"
	case Tar:
		return "tar"
	}
	return ""
}

// isFile reports whether the object is a file of the release.
func (o Object) isFile() bool { return o == Archive || o == Tar }

// Signature is one object of a release that may be signed, and what was found of
// its signature.
type Signature struct {
	Object   Object
	Name     string            // of the ref, commit or archive; hostile
	File     string            // that holds the signature; "" if the object itself does
	Unsigned string            // why there is no signature, in one clause; "" if there is one
	Finding  signature.Finding // of the signature; the zero value if there is none
}

// State returns the state in words: NotSigned, or that of the finding.
func (s *Signature) State() string {
	if s.Unsigned != "" {
		return NotSigned
	}
	return s.Finding.State.String()
}

// NotSigned is the state of an object without a signature.
const NotSigned = "not signed"

// good reports whether the object is signed by a key that counted when it did.
func (s *Signature) good() bool {
	return s.Unsigned == "" && (s.Finding.State == signature.Good || s.Finding.State == signature.GoodExpired)
}

// Release is what was found of one release.
type Release struct {
	Signatures  []Signature
	Holders     []signature.Holder // the keys that were given, which the findings index
	TagKeys     []lockfile.Key     // if any: one of them must have signed the tag
	ArchiveKeys []lockfile.Key     // if any: one of them must have signed an archive
	LockFile    string             // where these come from, for sentences
}

// Failure is one reason why the signatures do not hold.
type Failure struct {
	Rule   refusal.Rule // of those that end with exit status 1
	Detail string       // one sentence without full stop, foreign text in it escaped
}

// Agreement says whether tag and archive were signed by one key.
type Agreement uint8

// The agreements.
const (
	Unknown    Agreement = iota // one of them, or both, are not signed well
	SameKey                     // by one key, or by keys of one certificate
	AnotherKey                  // by none of the keys that signed the tag
)

// String returns the agreement in words, "" for Unknown.
func (a Agreement) String() string {
	switch a {
	case SameKey:
		return "the same key"
	case AnotherKey:
		return "another key than the tag's"
	case Unknown:
	}
	return ""
}

// Verdict is what a release's signatures come to.
type Verdict struct {
	Failures   []Failure   // why they do not hold; none: they do
	Agreement  Agreement   // of tag and archives together
	Agreements []Agreement // of each signature with the tag, Unknown for those that are not over files
	Assurance  Assurance   // what holds, whether or not all does
}

// Holds reports whether the signatures hold.
func (v *Verdict) Holds() bool { return len(v.Failures) == 0 && v.Assurance != CommitAlone }

// Assurance is what stands behind a release. The zero value is CommitAlone.
type Assurance uint8

// The assurances.
const (
	CommitAlone   Assurance = iota // the archive is that commit; nobody's signature counted
	SignedTag                      // and the tag is signed
	SignedArchive                  // and the archive is signed
	SignedBoth                     // and both are
)

// String returns the assurance in words, as in "commit and signed tag".
func (a Assurance) String() string {
	switch a {
	case CommitAlone:
		return "commit"
	case SignedTag:
		return "commit and signed tag"
	case SignedArchive:
		return "commit and signed archive"
	case SignedBoth:
		return "commit, signed tag and archive"
	}
	return "commit"
}

// Judge says what the signatures of a release come to. Every signature that is
// there must be good, or good but for a key that has expired since; the
// commit's may also be by a key that was not given, as it says nothing of a
// release. The tag or an archive must have one. What the lock file names holds
// beside.
func Judge(r *Release) Verdict {
	var v Verdict
	var tag, archive bool
	for i := range r.Signatures {
		s := &r.Signatures[i]
		v.Agreements = append(v.Agreements, r.agreement(s))
		switch {
		case s.good():
			tag = tag || s.Object == Tag
			archive = archive || s.Object.isFile()
		case s.Unsigned == "" && !(s.Object == Commit && s.Finding.State == signature.NoKey):
			v.Failures = append(v.Failures, notGood(s))
		}
	}
	switch {
	case tag && archive:
		v.Assurance = SignedBoth
		v.Agreement = AnotherKey
		if slices.Contains(v.Agreements, SameKey) {
			v.Agreement = SameKey
		}
	case tag:
		v.Assurance = SignedTag
	case archive:
		v.Assurance = SignedArchive
	case len(v.Failures) == 0:
		v.Failures = append(v.Failures, r.unsigned())
	}
	v.Failures = append(v.Failures, r.checkPins(Tag, r.TagKeys)...)
	v.Failures = append(v.Failures, r.checkPins(Archive, r.ArchiveKeys)...)
	return v
}

// agreement compares the key of a file's signature with that of the tag's.
func (r *Release) agreement(s *Signature) Agreement {
	if !s.Object.isFile() || !s.good() {
		return Unknown
	}
	agreement := Unknown
	for i := range r.Signatures {
		tag := &r.Signatures[i]
		switch {
		case tag.Object != Tag || !tag.good():
		case tag.Finding.Key == s.Finding.Key || r.mainKey(tag) == r.mainKey(s):
			return SameKey
		default:
			agreement = AnotherKey
		}
	}
	return agreement
}

// mainKey returns the first key of whoever made a good signature: of an OpenPGP
// certificate the primary key, whichever of its subkeys signed.
func (r *Release) mainKey(s *Signature) publickey.Key {
	if h := r.Holder(s); h != nil && len(h.Keys) > 0 {
		return h.Keys[0]
	}
	return s.Finding.Key
}

// Holder returns whose key the signature is by, nil if that is not known.
func (r *Release) Holder(s *Signature) *signature.Holder {
	if !s.Finding.State.Names() || s.Finding.Holder < 0 || s.Finding.Holder >= len(r.Holders) {
		return nil
	}
	return &r.Holders[s.Finding.Holder]
}
