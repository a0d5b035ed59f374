// Package signature answers one question: by which of these keys is this
// signature over these bytes? It knows the forms in which upstream projects
// sign (ssh, OpenPGP, minisign, signify), tells them apart by content, and says
// nothing of people, roles or numbers. docs/spec/signatures.md specifies
// what is accepted.
//
// Each form is a package below this one; package finding holds the answer.
package signature

import (
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature/finding"
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

// Holder is a public key as people hold it: one certificate, line or file.
// ParseHolders makes it; the zero value has no key.
type Holder struct {
	Form        Form
	Keys        []publickey.Key // all material that could sign for it: of OpenPGP the primary key and its signing subkeys, else one key
	Fingerprint string          // as its form writes it: "SHA256:…", 40 or 64 lower-case hex digits, minisign's key id
	Name        string          // user id, principals or comment: a claim of whoever wrote the file; hostile, shown only through package escape
}

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
