package pgp

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
)

// weakDigest reports whether a digest says nothing: SHA-1 is broken (SHAttered,
// 2017; chosen prefixes, 2020), SHA-224 is shorter than what is asked for.
func weakDigest(h crypto.Hash) bool {
	return h == crypto.MD5 || h == crypto.RIPEMD160 || h == crypto.SHA1 || h == crypto.SHA224
}

// judge says what a signature is worth that this key has made.
func (c candidate) judge(s *signature, now int64) finding.Finding {
	f := c.life(s, now)
	f.Key, f.Holder, f.Fingerprint = c.material, c.holder, hex.EncodeToString(c.key.Fingerprint)
	return f
}

// life holds the signature to the life of its key: the steps in order, of which
// the first that speaks against the signature decides.
func (c candidate) life(s *signature, now int64) finding.Finding {
	retired, against := c.revocations(s.created)
	if against != nil {
		return *against
	}
	note, against := c.strength(s)
	if against != nil {
		return *against
	}
	if against := c.times(s, now); against != nil {
		return *against
	}
	if against := c.binding(s.created); against != nil {
		return *against
	}
	f := finding.Finding{State: finding.Good, Note: note}
	if retired != nil {
		f = finding.Not(finding.GoodExpired, refusal.SigRevoked, "the key has been taken out of use on %s (%s), after the time that the signature names, %s, which is its own claim",
			day(retired.at), retired.reason, day(s.created))
	} else if _, err := c.bound(time.Unix(max(now, s.created), 0), weakDigest); err != nil {
		f = finding.Not(finding.GoodExpired, refusal.SigExpired, "the key has expired after the time that the signature names, %s, which is its own claim", day(s.created))
	}
	f.Note = note
	return f
}

// against returns a pointer to the finding, as the steps do.
func against(f finding.Finding) *finding.Finding { return &f }

// day returns a date, in UTC.
func day(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateOnly) }

// revocation is one that holds: the primary key has signed it.
type revocation struct {
	at     int64
	hard   bool // the key may have been in other hands at any time
	reason string
}

// revocations looks for a revocation that counts for a signature of the given
// time. One that only takes the key out of use, later, is returned.
func (c candidate) revocations(created int64) (retired *revocation, bad *finding.Finding) {
	all, unreadable, err := c.allRevocations()
	switch {
	case err != nil:
		return nil, against(finding.Not(finding.Revoked, refusal.SigRevoked, "the certificate cannot be understood: %v", err))
	case unreadable:
		return nil, against(finding.Not(finding.Revoked, refusal.SigRevoked, "the certificate holds a revocation that cannot be read, and is taken for revoked"))
	case c.whole.revokedByOther():
		return nil, against(finding.Not(finding.Revoked, refusal.SigRevoked, "the key has been revoked by another key that its owner has named for that, and is taken for revoked"))
	}
	for _, r := range all {
		switch {
		case r.hard:
			return nil, against(finding.Not(finding.Revoked, refusal.SigRevoked, "the key was revoked on %s (%s), which counts for all its signatures", day(r.at), r.reason))
		case r.at <= created:
			return nil, against(finding.Not(finding.Revoked, refusal.SigRevoked, "the key was taken out of use on %s (%s), before the signature was made", day(r.at), r.reason))
		case retired == nil || r.at < retired.at:
			retired = &r
		}
	}
	return retired, nil
}

// allRevocations returns the revocations of the primary key, and of the subkey
// that signed. Their digest does not matter: a revocation that somebody forged
// would only refuse more. Nor does it that a revocation may have expired, or a
// later signature taken it back.
func (c candidate) allRevocations() (all []revocation, unreadable bool, err error) {
	e, err := c.whole.entity()
	if err != nil {
		return nil, false, err
	}
	for _, r := range e.Revocations {
		if e.PrimaryKey.VerifyRevocationSignature(r.Packet) == nil {
			all = append(all, newRevocation(r.Packet))
		}
	}
	unreadable = c.whole.primary.unreadable
	sub := c.subkey(e)
	if sub == nil {
		return all, unreadable, nil
	}
	for _, r := range sub.Revocations {
		if e.PrimaryKey.VerifySubkeyRevocationSignature(r.Packet, sub.PublicKey) == nil {
			all = append(all, newRevocation(r.Packet))
		}
	}
	for _, part := range c.whole.subkeys {
		if id, _ := identify(part.packet.Body); id.fingerprint == hex.EncodeToString(c.key.Fingerprint) {
			unreadable = unreadable || part.unreadable
		}
	}
	return all, unreadable, nil
}

// newRevocation reads the reason (RFC 9580, section 5.2.3.31). Only a key that
// was superseded or retired has left its earlier signatures as they were.
func newRevocation(sig *packet.Signature) revocation {
	r := revocation{at: sig.CreationTime.Unix(), hard: true, reason: "no reason given"}
	if sig.RevocationReason == nil {
		return r
	}
	switch *sig.RevocationReason {
	case packet.KeySuperseded:
		r.hard, r.reason = false, "superseded"
	case packet.KeyRetired:
		r.hard, r.reason = false, "retired"
	case packet.KeyCompromised:
		r.reason = "compromised"
	}
	return r
}

// strength holds digest and keys to what says something, and notes what is only
// just enough. A primary key is as important as the subkey that it binds.
func (c candidate) strength(s *signature) (note string, weak *finding.Finding) {
	if weakDigest(s.packet.Hash) {
		return "", against(finding.Not(finding.Weak, refusal.SigWeak, "the digest of the signature is %v, expected SHA-256 or better", s.packet.Hash))
	}
	note, isWeak := finding.Strength(c.material)
	if isWeak {
		return "", against(finding.Not(finding.Weak, refusal.SigWeak, "the key is %s, expected RSA of at least %d bits, ECDSA or EdDSA", note, finding.MinRSABits))
	}
	primary, err := material(c.whole.key)
	if err != nil {
		return "", against(finding.Not(finding.Weak, refusal.SigWeak, "the primary key cannot be used: %v", err))
	}
	primaryNote, isWeak := finding.Strength(primary)
	if isWeak {
		return "", against(finding.Not(finding.Weak, refusal.SigWeak, "the primary key, which binds the key, is %s, expected RSA of at least %d bits, ECDSA or EdDSA", primaryNote, finding.MinRSABits))
	}
	if primaryNote != "" && primary != c.material {
		if note != "" {
			note += ", "
		}
		note += "primary key " + primaryNote
	}
	return note, nil
}

// times holds the time that the signature names to the key's beginning, to now,
// and to the signature's own end.
func (c candidate) times(s *signature, now int64) *finding.Finding {
	not := func(format string, args ...any) *finding.Finding {
		return against(finding.Not(finding.Expired, refusal.SigExpired, format, args...))
	}
	begun := max(c.key.CreationTime.Unix(), c.whole.key.CreationTime.Unix())
	switch {
	case s.created > now+maxClockSkew:
		return not("the signature says that it was made on %s, which is yet to come", day(s.created))
	case s.created < begun:
		return not("the signature says that it was made on %s, and the key on %s", day(s.created), day(begun))
	case s.lastsTill != 0 && s.lastsTill < max(now, s.created):
		return not("the signature says that it holds until %s alone", day(s.lastsTill))
	}
	return nil
}

// binding holds the key to what its certificate said of it at the given time.
func (c candidate) binding(created int64) *finding.Finding {
	misused := func(format string, args ...any) *finding.Finding {
		return against(finding.Not(finding.Weak, refusal.SigKeyUse, format, args...))
	}
	said, err := c.bound(time.Unix(created, 0), weakDigest)
	if err != nil {
		return c.explain(created, err)
	}
	if !said.FlagsValid {
		return misused("the certificate does not say what the key is for")
	}
	if !said.FlagSign {
		return misused("the certificate does not give the key leave to sign data")
	}
	return nil
}

// errBackSignature is that of a subkey that does not say that it belongs to the
// certificate (RFC 9580, section 5.2.1.9): anybody can claim another's subkey.
var errBackSignature = errors.New("the subkey has not signed that it belongs to the certificate")

// errWeakDigest is that of a binding by a digest that says nothing.
var errWeakDigest = errors.New("a weak digest")

// bound returns the signature of the certificate that says at the given time what
// the key is for: on the primary key, or on the subkey if that is the key, which
// then is bound by both sides. The digests of such signatures that say nothing
// are the caller's.
func (c candidate) bound(when time.Time, weak func(crypto.Hash) bool) (*packet.Signature, error) {
	e, err := c.whole.entity()
	if err != nil {
		return nil, err
	}
	config := &packet.Config{Time: func() time.Time { return when }, RejectHashAlgorithms: map[crypto.Hash]bool{}}
	for _, h := range []crypto.Hash{crypto.MD5, crypto.RIPEMD160, crypto.SHA1, crypto.SHA224} {
		config.RejectHashAlgorithms[h] = weak(h)
	}
	said, err := e.VerifyPrimaryKey(when, config)
	if err != nil {
		return nil, err
	}
	sub := c.subkey(e)
	if sub == nil {
		if direct, err := e.LatestValidDirectSignature(when, config); err == nil && direct.FlagsValid && !direct.FlagSign {
			return direct, nil
		}
		return said, nil
	}
	said, err = sub.Verify(when, config)
	if err != nil {
		return nil, err
	}
	if !said.FlagSign {
		return said, nil
	}
	back := said.EmbeddedSignature
	switch {
	case back == nil:
		return nil, errBackSignature
	case weak(back.Hash):
		return nil, errWeakDigest
	}
	return said, nil
}

// subkey finds the key among the subkeys; nil if it is the primary key.
func (c candidate) subkey(e *openpgp.Entity) *openpgp.Subkey {
	for i := range e.Subkeys {
		if bytes.Equal(e.Subkeys[i].PublicKey.Fingerprint, c.key.Fingerprint) {
			return &e.Subkeys[i]
		}
	}
	return nil
}

// explain says why the certificate did not bind the key at the given time, by
// asking again with less.
func (c candidate) explain(created int64, err error) *finding.Finding {
	none := func(crypto.Hash) bool { return false }
	_, withWeak := c.bound(time.Unix(created, 0), none)
	_, ever := c.bound(time.Time{}, none) // at any time, says the library
	switch {
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return against(finding.Not(finding.Revoked, refusal.SigRevoked, "the key has been revoked"))
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return against(finding.Not(finding.Expired, refusal.SigExpired, "the key had expired when the signature says that it was made, %s", day(created)))
	case withWeak == nil:
		return against(finding.Not(finding.Weak, refusal.SigWeak, "the certificate binds the key by SHA-1 alone, expected SHA-256 or better: ask its owner to renew it"))
	case !c.signsBack():
		return against(finding.Not(finding.Weak, refusal.SigKeyUse, "%v", errBackSignature))
	case ever == nil || errors.Is(ever, pgperrors.ErrKeyExpired) || errors.Is(ever, pgperrors.ErrKeyRevoked):
		return against(finding.Not(finding.Expired, refusal.SigExpired, "the certificate says nothing of its key that was written by %s, when the signature says that it was made: get one with its older self-signatures", day(created)))
	}
	return against(finding.Not(finding.Weak, refusal.SigKeyUse, "the certificate does not bind the key: no signature of its own on it holds"))
}

// signsBack reports whether the key, if it is a subkey bound for signatures, has
// signed that it belongs to the certificate.
func (c candidate) signsBack() bool {
	e, err := c.whole.entity()
	if err != nil {
		return false
	}
	sub := c.subkey(e)
	if sub == nil {
		return true
	}
	for _, b := range sub.Bindings {
		if b.Packet.FlagSign && e.PrimaryKey.VerifyKeySignature(sub.PublicKey, b.Packet) != nil {
			plain := *b.Packet
			plain.FlagSign = false // the library then looks at the binding alone
			if e.PrimaryKey.VerifyKeySignature(sub.PublicKey, &plain) == nil {
				return false
			}
		}
	}
	return true
}
