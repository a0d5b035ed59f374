// Package signature answers one question: by which of these keys is this
// signature over these bytes? It knows the forms in which upstream projects
// sign (ssh, OpenPGP, minisign, signify), tells them apart by content, and says
// nothing of people, roles or numbers. docs/spec/signatures.md specifies
// what is accepted.
//
// Each form is a package below this one; package finding holds the answer.
package signature

import (
	"bytes"
	"io"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/minisign"
	"github.com/countermark/countermark/internal/signature/pgp"
	"github.com/countermark/countermark/internal/signature/sshsig"
)

// Form is the format of a signature or a key. The zero value is none.
type Form = finding.Form

// The forms.
const (
	SSH      = finding.SSH
	OpenPGP  = finding.OpenPGP
	Minisign = finding.Minisign
	Signify  = finding.Signify
)

// State is what a signature was found to be: see package finding.
type State = finding.State

// The states. The zero value is Unchecked.
const (
	Unchecked   = finding.Unchecked
	Good        = finding.Good
	GoodExpired = finding.GoodExpired
	Expired     = finding.Expired
	Revoked     = finding.Revoked
	Weak        = finding.Weak
	NoKey       = finding.NoKey
	Bad         = finding.Bad
)

// Finding is what one signature was found to be. Its Holder is an index into the
// holders that Verify was given.
type Finding = finding.Finding

// Domain is what a signature is over, so that none made for one purpose counts
// for another. Of the forms only ssh signs it itself, as a namespace
// (PROTOCOL.sshsig); statements and policies carry it in their bytes as well.
// The zero value is no domain, and refused.
type Domain uint8

// The domains, by their namespaces.
const (
	StatementNamespace Domain = iota + 1 // the DSSE encoding of a statement of ours
	PolicyNamespace                      // that of a policy of ours
	GitNamespace                         // a commit or tag, without its signature: git's own namespace
	FileNamespace                        // a file: the namespace of ssh-keygen(1) for general use
)

// Namespace returns the ssh namespace, "" for no domain.
func (d Domain) Namespace() string {
	switch d {
	case StatementNamespace:
		return "countermark-statement-v1"
	case PolicyNamespace:
		return "countermark-policy-v1"
	case GitNamespace:
		return "git"
	case FileNamespace:
		return "file"
	}
	return ""
}

// Enveloped reports whether signatures of the domain are made for envelopes of
// ours, where nothing in them may be left unsigned.
func (d Domain) Enveloped() bool { return d == StatementNamespace || d == PolicyNamespace }

// Verify says by which of the holders' keys the signature is over the message.
// The form is told by the signature's content, and a holder of another form
// never counts, nor does one of the same raw key: minisign and signify are one
// form here. In a domain of envelopes the signature must be what Canonical
// returns. The message is read once, to its end, or not at all if no holder has
// the key that the signature names; what the older signatures of minisign and
// those of signify are over is held in memory (minisign.MaxLegacyBytes). The
// lives of keys are held to now, in Unix seconds.
//
// The error is a *refusal.Refusal (SIG_FORMAT, SIG_MULTI, SIG_NAMESPACE,
// SIG_ALG, SIG_KEY, SIG_LIMIT) or that of reading the message; all else is a
// finding.
//
//nolint:params // all of them are the question
func Verify(d Domain, sig []byte, message io.Reader, holders []Holder, now int64) (Finding, error) {
	if d.Namespace() == "" {
		return Finding{}, refusal.New(refusal.SigNamespace, "it is not said what the signature must be for")
	}
	if d.Enveloped() {
		if err := checkCanonical(sig); err != nil {
			return Finding{}, err
		}
	}
	form, err := formOf(sig)
	if err != nil {
		return Finding{}, err
	}
	switch form {
	case SSH:
		s, err := sshsig.Parse(sig)
		if err != nil {
			return Finding{}, err
		}
		lines, indices := pick(holders, func(h Holder) *sshsig.Holder { return h.line })
		f, err := s.Verify(sshsig.Demand{Namespace: d.Namespace(), Now: now, Untouched: !d.Enveloped()}, message, lines)
		return among(indices, f, err)
	case OpenPGP:
		certificates, indices := pick(holders, func(h Holder) *pgp.Certificate { return h.certificate })
		f, err := pgp.Verify(sig, message, certificates, now)
		return among(indices, f, err)
	case Minisign, Signify:
	}
	return verifyMinisign(d, sig, message, holders)
}

func verifyMinisign(d Domain, sig []byte, message io.Reader, holders []Holder) (Finding, error) {
	if d == GitNamespace {
		return Finding{}, refusal.New(refusal.SigFormat, "git knows no signatures of minisign or signify")
	}
	s, err := minisign.Parse(sig)
	if err != nil {
		return Finding{}, err
	}
	keys, indices := pick(holders, func(h Holder) *minisign.PublicKey { return h.minisign })
	f, err := s.Verify(message, keys)
	return among(indices, f, err)
}

// pick returns the holders of one form, and where they stand among all.
func pick[T any](holders []Holder, of func(Holder) *T) (picked []T, indices []int) {
	for i, h := range holders {
		if held := of(h); held != nil {
			picked = append(picked, *held)
			indices = append(indices, i)
		}
	}
	return picked, indices
}

// among makes the finding's index into picked holders one into all. With an error
// nothing was found.
func among(indices []int, f Finding, err error) (Finding, error) {
	if err != nil {
		return Finding{}, err
	}
	if f.Holder >= 0 && f.Holder < len(indices) {
		f.Holder = indices[f.Holder]
	} else {
		f.Holder = finding.NoHolder
	}
	return f, nil
}

// formOf tells the form of a signature by how it begins. Minisign stands for
// both of its forms.
func formOf(sig []byte) (Form, error) {
	switch {
	case sshsig.Recognises(sig):
		return SSH, nil
	case minisign.Recognises(sig):
		return Minisign, nil
	case isOpenPGP(sig):
		return OpenPGP, nil
	}
	return 0, refusal.New(refusal.SigFormat, "the signature begins with %s: it is none of ssh, OpenPGP, minisign or signify, or something stands before it", escape.Quote(string(sig[:min(len(sig), 24)])))
}

// openPGPArmour is how armoured OpenPGP data begin (RFC 9580, section 6.2).
const openPGPArmour = "-----BEGIN PGP "

// isOpenPGP reports whether data is armoured, or binary: the first bit of each
// packet is set (RFC 9580, section 4.2), and of no text of the other forms.
func isOpenPGP(data []byte) bool {
	return bytes.HasPrefix(data, []byte(openPGPArmour)) || len(data) > 0 && data[0]&0x80 != 0
}

// Canonical returns the form in which an envelope of ours holds the signature,
// with nothing in it that is not signed or does not follow from what is: of ssh
// the signature itself, of OpenPGP one binary packet (pgp.Canonical), of
// minisign the file with a fixed untrusted comment (minisign.Canonical). It is
// not verified. The error is a *refusal.Refusal; signify has no such form.
func Canonical(sig []byte) ([]byte, error) {
	form, err := formOf(sig)
	if err != nil {
		return nil, err
	}
	switch form {
	case OpenPGP:
		return pgp.Canonical(sig)
	case Minisign, Signify:
		return minisign.Canonical(sig)
	case SSH:
	}
	if _, err := sshsig.Parse(sig); err != nil {
		return nil, err
	}
	return bytes.Clone(sig), nil
}

func checkCanonical(sig []byte) error {
	canonical, err := Canonical(sig)
	if err != nil {
		return err
	}
	if !bytes.Equal(canonical, sig) {
		return refusal.New(refusal.SigFormat, "the signature is not written as envelopes hold it, with nothing in it that is not signed")
	}
	return nil
}

// KeyID returns what the signature names as its key, as Finding.Fingerprint has
// it: a claim until it is verified. The error is a *refusal.Refusal.
func KeyID(sig []byte) (string, error) {
	form, err := formOf(sig)
	if err != nil {
		return "", err
	}
	switch form {
	case OpenPGP:
		return pgp.Issuer(sig)
	case Minisign, Signify:
		s, err := minisign.Parse(sig)
		if err != nil {
			return "", err
		}
		return s.KeyID(), nil
	case SSH:
	}
	s, err := sshsig.Parse(sig)
	if err != nil {
		return "", err
	}
	return s.Key.Fingerprint(), nil
}
