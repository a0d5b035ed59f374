// Package finding holds what one signature was found to be: which key made it,
// and whether that key still counts. The packages of the forms (sshsig,
// minisign, pgp) return findings, and package signature hands them on under
// names of its own. What a finding never says is who the key belongs to, what
// it may sign, or what follows.
package finding

import (
	"fmt"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
)

// Form is the format of a signature or a key. The zero value is none.
type Form uint8

// The forms.
const (
	SSH      Form = iota + 1 // OpenSSH's PROTOCOL.sshsig
	OpenPGP                  // RFC 9580
	Minisign                 // jedisct1.github.io/minisign
	Signify                  // OpenBSD's signify(1)
)

// String returns the form's name, as in "ssh".
func (f Form) String() string {
	switch f {
	case SSH:
		return "ssh"
	case OpenPGP:
		return "openpgp"
	case Minisign:
		return "minisign"
	case Signify:
		return "signify"
	}
	return "none"
}

// State is what a signature was found to be. Only Good is good; whoever accepts
// GoodExpired says so.
type State uint8

// The states. All but Unchecked, NoKey and Bad mean that the bytes are signed by
// the key that the finding names.
const (
	Unchecked   State = iota // nothing was looked at
	Good                     // by the key, which is valid
	GoodExpired              // by the key, which was valid at the time that the signature names and has expired since
	Expired                  // by the key, which was not valid when the signature was made, or nobody can tell
	Revoked                  // by the key, which has been revoked in a way that counts for this signature
	Weak                     // by the key, which or whose digest is too weak to say anything
	NoKey                    // by none of the keys that were given; the bytes were not looked at
	Bad                      // the key that the signature names did not sign these bytes
)

// String returns the state in words, as in "good, but the key has expired since".
func (s State) String() string {
	switch s {
	case Unchecked:
		return "not checked"
	case Good:
		return "good"
	case GoodExpired:
		return "good, but the key has expired since"
	case Expired:
		return "made while the key was not valid"
	case Revoked:
		return "revoked"
	case Weak:
		return "weak"
	case NoKey:
		return "no key"
	case Bad:
		return "bad"
	}
	return "not checked"
}

// Names reports whether a finding in this state names the key that made the
// signature.
func (s State) Names() bool {
	switch s {
	case Good, GoodExpired, Expired, Revoked, Weak:
		return true
	}
	return false
}

// NoHolder is the Holder of a finding that concerns none of the keys given.
const NoHolder = -1

// Finding is what one signature was found to be. The zero value is a signature
// that was not checked.
type Finding struct {
	State       State
	Form        Form
	Key         publickey.Key // that made it; zero unless State.Names()
	Holder      int           // index of the key among those that were given, or NoHolder
	Fingerprint string        // of the key that the signature names, as the form writes it; for NoKey and Bad a claim
	Signed      int64         // when, in Unix seconds, by the signature's own claim; 0 if it has none, as with ssh
	Rule        refusal.Rule  // why it is not Good: SIG_BAD, SIG_NOKEY, SIG_WEAK, SIG_EXPIRED, SIG_REVOKED, SIG_KEYUSE; "" if Good
	Why         string        // the same in one sentence without full stop, foreign text in it escaped
	Note        string        // what is worth saying of a key that counts: "RSA 2048"; else ""
}

// Not returns the finding of a signature that is not Good, with the reason. For
// states that do not name a key, Key stays zero; the caller fills in the rest.
func Not(state State, rule refusal.Rule, format string, args ...any) Finding {
	return Finding{State: state, Holder: NoHolder, Rule: rule, Why: fmt.Sprintf(format, args...)}
}

// MinRSABits and NotedRSABits are the lengths of RSA moduli below which a
// signature is weak, and below which the length is noted: NIST SP 800-131A
// disallows less than 2048 bits, and SP 800-57 part 1 gives 3072 to 128 bits of
// strength.
const (
	MinRSABits   = 2048
	NotedRSABits = 3072
)

// Strength returns the note on a key that counts ("RSA 2048"), and whether it is
// too weak to.
func Strength(k publickey.Key) (note string, weak bool) {
	switch k.Algorithm() {
	case publickey.RSA:
		if k.Bits() < NotedRSABits {
			note = fmt.Sprintf("RSA %d", k.Bits())
		}
		return note, k.Bits() < MinRSABits
	case publickey.DSA:
		return fmt.Sprintf("DSA %d", k.Bits()), true
	case publickey.Ed25519, publickey.Ed448, publickey.ECDSAP256, publickey.ECDSAP384, publickey.ECDSAP521:
		return "", false
	}
	return "no key", true
}
