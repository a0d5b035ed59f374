package endorsement_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/endorsement"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// world holds two certificates: the first with a subkey, the second of one key.
type world struct {
	primary, subkey, other publickey.Key
	holders                []signature.Holder
}

func newWorld(t *testing.T) *world {
	w := &world{}
	for _, k := range []*publickey.Key{&w.primary, &w.subkey, &w.other} {
		holders, err := signature.ParseHolders([]byte(signer.NewSSH(t, "ssh-ed25519").Line() + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		*k = holders[0].Keys[0]
	}
	w.holders = []signature.Holder{
		{Form: signature.OpenPGP, Keys: []publickey.Key{w.primary, w.subkey}, Fingerprint: "aaaa", Name: "A"},
		{Form: signature.OpenPGP, Keys: []publickey.Key{w.other}, Fingerprint: "bbbb", Name: "B"},
	}
	return w
}

// by returns an object with a signature in the state, by the key of the holder.
func by(o endorsement.Object, s signature.State, k publickey.Key, holder int) endorsement.Signature {
	f := signature.Finding{State: s, Form: signature.OpenPGP, Key: k, Holder: holder, Fingerprint: "k"}
	switch s {
	case signature.Good, signature.GoodExpired:
	case signature.NoKey, signature.Bad:
		f = finding.Not(s, refusal.SigBad, "why")
		if s == signature.NoKey {
			f.Rule = refusal.SigNoKey
		}
	default:
		f.Rule, f.Why = refusal.SigWeak, "why"
	}
	return endorsement.Signature{Object: o, Name: "n", Finding: f}
}

func none(o endorsement.Object) endorsement.Signature {
	return endorsement.Signature{Object: o, Name: "n", Unsigned: "why"}
}

// Each state, of each object, beside a tag or an archive that is signed well or not.
func TestStates(t *testing.T) {
	w := newWorld(t)
	for s := signature.Unchecked; s <= signature.Bad; s++ {
		fine := s == signature.Good || s == signature.GoodExpired
		for _, c := range []struct {
			name  string
			with  []endorsement.Signature
			holds bool
			want  endorsement.Assurance
		}{
			{"tag alone", []endorsement.Signature{by(endorsement.Tag, s, w.primary, 0), none(endorsement.Archive)}, fine, endorsement.SignedTag},
			{"archive alone", []endorsement.Signature{none(endorsement.Tag), by(endorsement.Archive, s, w.primary, 0)}, fine, endorsement.SignedArchive},
			{"tar alone", []endorsement.Signature{none(endorsement.Tag), by(endorsement.Tar, s, w.primary, 0)}, fine, endorsement.SignedArchive},
			{"tag beside a good archive", []endorsement.Signature{by(endorsement.Tag, s, w.primary, 0), by(endorsement.Archive, signature.Good, w.primary, 0)}, fine, endorsement.SignedBoth},
			{"archive beside a good tag", []endorsement.Signature{by(endorsement.Tag, signature.Good, w.primary, 0), by(endorsement.Archive, s, w.primary, 0)}, fine, endorsement.SignedBoth},
			{"second signature of an archive", []endorsement.Signature{none(endorsement.Tag), by(endorsement.Archive, signature.Good, w.primary, 0), by(endorsement.Archive, s, w.primary, 0)}, fine, endorsement.SignedArchive},
			{"commit alone", []endorsement.Signature{none(endorsement.Tag), by(endorsement.Commit, s, w.primary, 0), none(endorsement.Archive)}, false, endorsement.CommitAlone},
			{"commit beside a good archive", []endorsement.Signature{none(endorsement.Tag), by(endorsement.Commit, s, w.primary, 0), by(endorsement.Archive, signature.Good, w.primary, 0)},
				fine || s == signature.NoKey, endorsement.SignedArchive},
		} {
			v := endorsement.Judge(&endorsement.Release{Signatures: c.with, Holders: w.holders})
			if v.Holds() != c.holds || c.holds && v.Assurance != c.want || v.Holds() != (len(v.Failures) == 0) {
				t.Errorf("%s, %v: %+v, expected %v, %v", c.name, s, v, c.holds, c.want)
			}
		}
	}
	for name, signatures := range map[string][]endorsement.Signature{"nothing": nil, "nothing signed": {none(endorsement.Tag), none(endorsement.Archive)}} {
		v := endorsement.Judge(&endorsement.Release{Signatures: signatures})
		if v.Holds() || len(v.Failures) != 1 || v.Failures[0].Rule != refusal.SigUnsigned {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if (&endorsement.Verdict{}).Holds() {
		t.Error("no verdict holds")
	}
}

func TestAgreement(t *testing.T) {
	w := newWorld(t)
	good := func(o endorsement.Object, k publickey.Key, holder int) endorsement.Signature {
		return by(o, signature.Good, k, holder)
	}
	tag := good(endorsement.Tag, w.primary, 0)
	for _, c := range []struct {
		name string
		with []endorsement.Signature
		want endorsement.Agreement
	}{
		{"one key", []endorsement.Signature{tag, good(endorsement.Archive, w.primary, 0)}, endorsement.SameKey},
		{"a subkey", []endorsement.Signature{tag, good(endorsement.Archive, w.subkey, 0)}, endorsement.SameKey},
		{"one key, held in two forms", []endorsement.Signature{good(endorsement.Tag, w.subkey, finding.NoHolder), good(endorsement.Archive, w.subkey, 0)}, endorsement.SameKey},
		{"another key", []endorsement.Signature{tag, good(endorsement.Archive, w.other, 1)}, endorsement.AnotherKey},
		{"another and the same", []endorsement.Signature{tag, good(endorsement.Archive, w.other, 1), good(endorsement.Tar, w.primary, 0)}, endorsement.SameKey},
		{"the tag alone", []endorsement.Signature{tag, none(endorsement.Archive)}, endorsement.Unknown},
		{"a bad tag", []endorsement.Signature{by(endorsement.Tag, signature.Bad, w.primary, 0), good(endorsement.Archive, w.primary, 0)}, endorsement.Unknown},
		{"a weak archive", []endorsement.Signature{tag, by(endorsement.Archive, signature.Weak, w.primary, 0)}, endorsement.Unknown},
		{"the commit", []endorsement.Signature{none(endorsement.Tag), good(endorsement.Commit, w.primary, 0), good(endorsement.Archive, w.primary, 0)}, endorsement.Unknown},
	} {
		v := endorsement.Judge(&endorsement.Release{Signatures: c.with, Holders: w.holders})
		if v.Agreement != c.want || len(v.Agreements) != len(c.with) || v.Agreements[0] != endorsement.Unknown {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

func TestPins(t *testing.T) {
	w := newWorld(t)
	pin := func(keys ...publickey.Key) (pins []lockfile.Key) {
		for _, k := range keys {
			pins = append(pins, lockfile.Key{Text: k.String(), Fingerprint: "pinned"})
		}
		return pins
	}
	tag, archive := by(endorsement.Tag, signature.Good, w.subkey, 0), by(endorsement.Archive, signature.GoodExpired, w.other, 1)
	for _, c := range []struct {
		name         string
		with         []endorsement.Signature
		tag, archive []lockfile.Key
		want         []refusal.Rule
	}{
		{"none", []endorsement.Signature{tag, archive}, nil, nil, nil},
		{"both", []endorsement.Signature{tag, archive}, pin(w.primary), pin(w.other), nil},
		{"the subkey itself", []endorsement.Signature{tag, archive}, pin(w.subkey), nil, nil},
		{"one of several", []endorsement.Signature{tag, archive}, pin(w.other, w.primary), nil, nil},
		{"another for the tag", []endorsement.Signature{tag, archive}, pin(w.other), nil, []refusal.Rule{refusal.SigOtherKey}},
		{"another for the archive", []endorsement.Signature{tag, archive}, nil, pin(w.primary, w.subkey), []refusal.Rule{refusal.SigOtherKey}},
		{"swapped", []endorsement.Signature{tag, archive}, pin(w.other), pin(w.primary), []refusal.Rule{refusal.SigOtherKey, refusal.SigOtherKey}},
		{"another beside the right one", []endorsement.Signature{tag, archive, by(endorsement.Tar, signature.Good, w.subkey, 0)}, nil, pin(w.other), []refusal.Rule{refusal.SigOtherKey}},
		{"the tag no more", []endorsement.Signature{none(endorsement.Tag), archive}, pin(w.primary), nil, []refusal.Rule{refusal.SigUnsigned}},
		{"the commit alone", []endorsement.Signature{none(endorsement.Tag), by(endorsement.Commit, signature.Good, w.primary, 0), archive}, pin(w.primary), nil, []refusal.Rule{refusal.SigUnsigned}},
		{"the archive no more", []endorsement.Signature{tag, none(endorsement.Archive)}, nil, pin(w.other), []refusal.Rule{refusal.SigUnsigned}},
		{"one archive of two", []endorsement.Signature{tag, none(endorsement.Archive), archive}, nil, pin(w.other), nil},
		{"revoked", []endorsement.Signature{by(endorsement.Tag, signature.Revoked, w.primary, 0), archive}, pin(w.primary), nil, []refusal.Rule{refusal.SigWeak, refusal.SigUnsigned}},
	} {
		v := endorsement.Judge(&endorsement.Release{Signatures: c.with, Holders: w.holders, TagKeys: c.tag, ArchiveKeys: c.archive, LockFile: "a\x1bb.lock"})
		var rules []refusal.Rule
		for _, f := range v.Failures {
			rules = append(rules, f.Rule)
			if strings.ContainsAny(f.Detail, "\x1b\n") || f.Detail == "" {
				t.Errorf("%s: the sentence %q", c.name, f.Detail)
			}
		}
		if !slices.Equal(rules, c.want) || v.Holds() != (len(c.want) == 0) {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}

// What is recorded is what passes the next time, and nothing that failed.
func TestRecorded(t *testing.T) {
	w := newWorld(t)
	r := &endorsement.Release{Holders: w.holders, Signatures: []endorsement.Signature{
		by(endorsement.Tag, signature.Good, w.subkey, 0), by(endorsement.Archive, signature.Good, w.other, 1), by(endorsement.Tar, signature.GoodExpired, w.other, 1),
		by(endorsement.Archive, signature.Weak, w.primary, 0), by(endorsement.Commit, signature.Good, w.primary, 0),
	}}
	tag, archive := r.Pins()
	if !slices.Equal(tag, []lockfile.Key{{Text: w.primary.String(), Fingerprint: "aaaa"}}) || !slices.Equal(archive, []lockfile.Key{{Text: w.other.String(), Fingerprint: "bbbb"}}) {
		t.Errorf("%v, %v", tag, archive)
	}
	r.TagKeys, r.ArchiveKeys = tag, archive
	if again, and := r.Pins(); !slices.Equal(again, tag) || !slices.Equal(and, archive) {
		t.Errorf("then %v, %v", again, and)
	}
	r.Signatures = r.Signatures[:3]
	if v := endorsement.Judge(r); !v.Holds() {
		t.Errorf("%+v", v)
	}
}

func TestWords(t *testing.T) {
	seen := map[string]bool{}
	for _, words := range []string{endorsement.Tag.String(), endorsement.Commit.String(), endorsement.Archive.String(), endorsement.Tar.String(),
		endorsement.SameKey.String(), endorsement.AnotherKey.String(), endorsement.SignedTag.String(), endorsement.SignedArchive.String(), endorsement.SignedBoth.String()} {
		if words == "" || seen[words] {
			t.Errorf("%q is empty or there twice", words)
		}
		seen[words] = true
	}
	if endorsement.Object(0).String() != "" || endorsement.Unknown.String() != "" || (endorsement.SignedBoth+1).String() != endorsement.CommitAlone.String() {
		t.Error("what is nothing has a name")
	}
	if s := (&endorsement.Signature{Unsigned: "x"}); s.State() != endorsement.NotSigned {
		t.Error(s.State())
	}
}
