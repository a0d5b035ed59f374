package endorsement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/refusal"
)

// notGood words a signature that is there and not good.
func notGood(s *Signature) Failure {
	return Failure{Rule: s.Finding.Rule, Detail: fmt.Sprintf("the signature of %s: %s", describe(s), s.Finding.Why)}
}

// describe names a signed object: "the tag v1", "the archive a.tar.xz (a.tar.xz.asc)".
func describe(s *Signature) string {
	if s.File == "" {
		return fmt.Sprintf("the %s %s", s.Object, escape.Text(s.Name))
	}
	return fmt.Sprintf("the %s %s (%s)", s.Object, escape.Text(s.Name), escape.Text(s.File))
}

// unsigned words a release that nobody signed.
func (r *Release) unsigned() Failure {
	detail := "neither the tag nor the archive is signed"
	if slices.ContainsFunc(r.Signatures, func(s Signature) bool { return s.Object == Commit && s.good() }) {
		detail += "; that the commit is does not say that it is a release"
	}
	return Failure{Rule: refusal.SigUnsigned, Detail: detail}
}

// checkPins holds the good signatures of the tag, or of the files, to the keys
// that the lock file names for them.
func (r *Release) checkPins(object Object, pins []lockfile.Key) []Failure {
	if len(pins) == 0 {
		return nil
	}
	var failures []Failure
	var known []string
	for _, p := range pins {
		known = append(known, escape.Text(p.Fingerprint))
	}
	signed := false
	for i := range r.Signatures {
		s := &r.Signatures[i]
		if !s.good() || (s.Object == Tag) != (object == Tag) || s.Object == Commit {
			continue
		}
		signed = true
		if !r.pinned(s, pins) {
			failures = append(failures, Failure{Rule: refusal.SigOtherKey, Detail: fmt.Sprintf("%s is signed by the key %s; the key of earlier releases, in %s, is %s",
				describe(s), escape.Text(r.pinOf(s).Fingerprint), escape.Text(r.LockFile), strings.Join(known, " or "))})
		}
	}
	if !signed {
		failures = append(failures, Failure{Rule: refusal.SigUnsigned, Detail: fmt.Sprintf("there is no good signature of the %s; earlier releases had one by the key %s, says %s",
			object, strings.Join(known, " or "), escape.Text(r.LockFile))})
	}
	return failures
}

// pinned reports whether a good signature is by one of the keys, or by a subkey
// of a certificate whose primary key is one of them.
func (r *Release) pinned(s *Signature, pins []lockfile.Key) bool {
	return slices.ContainsFunc(pins, func(k lockfile.Key) bool {
		return k.Text == s.Finding.Key.String() || k.Text == r.mainKey(s).String()
	})
}

// pinOf returns the key of a good signature as a lock file names it.
func (r *Release) pinOf(s *Signature) lockfile.Key {
	k := lockfile.Key{Text: r.mainKey(s).String(), Fingerprint: s.Finding.Fingerprint}
	if h := r.Holder(s); h != nil && h.Fingerprint != "" {
		k.Fingerprint = h.Fingerprint
	}
	return k
}

// Pins returns the keys that a lock file names for the tag and for the archives
// after this release: those that it named before, and those of the good
// signatures. No key is there twice.
func (r *Release) Pins() (tag, archive []lockfile.Key) {
	tag, archive = slices.Clone(r.TagKeys), slices.Clone(r.ArchiveKeys)
	for i := range r.Signatures {
		s := &r.Signatures[i]
		switch {
		case !s.good():
		case s.Object == Tag && !r.pinned(s, tag):
			tag = append(tag, r.pinOf(s))
		case s.Object.isFile() && !r.pinned(s, archive):
			archive = append(archive, r.pinOf(s))
		}
	}
	return tag, archive
}
