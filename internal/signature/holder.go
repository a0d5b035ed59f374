package signature

import (
	"bytes"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/minisign"
	"github.com/countermark/countermark/internal/signature/pgp"
	"github.com/countermark/countermark/internal/signature/sshsig"
)

// Holder is a public key as people hold it: one certificate, line or file.
// ParseHolders makes it; the zero value has no key, and none can be verified
// with one that was put together otherwise.
type Holder struct {
	Form        Form
	Keys        []publickey.Key // all material that could sign for it: of OpenPGP the primary key and its signing subkeys, else one key
	Fingerprint string          // as its form writes it: "SHA256:…", 40 or 64 lower-case hex digits, minisign's key id
	Name        string          // user id, principals or comment: a claim of whoever wrote the file; hostile, shown only through package escape
	Unusable    string          // why nothing can be verified with it, of OpenPGP alone: a sentence without full stop; else ""

	line        *sshsig.Holder
	certificate *pgp.Certificate
	minisign    *minisign.PublicKey
}

// ParseHolders reads a file of public keys, of which the form is told by the
// content: OpenPGP, armoured in any number of blocks or binary; lines with ssh
// public keys (sshsig.ParseHolders); or one key of minisign or signify, as a file
// or in base64 alone. There is at least one holder. The error is a
// *refusal.Refusal (SIG_KEY, SIG_ALG, SIG_LIMIT).
func ParseHolders(data []byte) ([]Holder, error) {
	armoured := bytes.HasPrefix(data, []byte(openPGPArmour)) || bytes.Contains(data, []byte("\n"+openPGPArmour))
	switch {
	case minisign.Recognises(data) || minisign.RecognisesKey(data):
		return minisignHolder(data)
	case armoured && sshsig.RecognisesHolders(data):
		// The reader of OpenPGP takes what stands between blocks for prose.
		return nil, refusal.New(refusal.SigKey, "the file holds keys of ssh and of OpenPGP, expected one of them")
	case armoured || isOpenPGP(data):
		return certificates(data)
	case sshsig.RecognisesHolders(data):
		return sshHolders(data)
	}
	return nil, refusal.New(refusal.SigKey, "the file holds no public key of ssh, OpenPGP, minisign or signify")
}

func minisignHolder(data []byte) ([]Holder, error) {
	k, err := minisign.ParsePublicKey(data)
	if err != nil {
		return nil, err
	}
	return []Holder{{Form: k.Form, Keys: []publickey.Key{k.Material}, Fingerprint: k.ID(), Name: k.Comment, minisign: &k}}, nil
}

func sshHolders(data []byte) ([]Holder, error) {
	lines, err := sshsig.ParseHolders(data)
	if err != nil {
		return nil, err
	}
	var holders []Holder
	for _, l := range lines {
		holders = append(holders, Holder{Form: SSH, Keys: []publickey.Key{l.Key.Material()}, Fingerprint: l.Key.Fingerprint(), Name: l.Name, line: &l})
	}
	return holders, nil
}

func certificates(data []byte) ([]Holder, error) {
	found, err := pgp.ParseCertificates(data)
	if err != nil {
		return nil, err
	}
	var holders []Holder
	for _, c := range found {
		holders = append(holders, Holder{Form: OpenPGP, Keys: c.Keys, Fingerprint: c.Fingerprint, Name: c.Name, Unusable: c.Unusable, certificate: &c})
	}
	return holders, nil
}
