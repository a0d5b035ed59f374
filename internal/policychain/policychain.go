// Package policychain verifies that one version of a policy follows from
// another: the versions that a project has ever had, from a root that whoever
// verifies was given (docs/spec/policy.md, "The chain").
//
// A version is trusted if its digest is the root's; if it follows a trusted
// version, and enough owners of that one and enough of its own signed it; or if a
// trusted version names it, by digest, as the one before. Numbers go up by one.
package policychain

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
)

// Limits of a chain.
const (
	MaxVersions   = 1024
	MaxSignatures = 64 // of one version
)

// Link is one version of a policy with signatures over its envelope, not
// verified.
type Link struct {
	Policy     []byte // as the owners signed it
	Signatures []dsse.Signature
}

// Version is one trusted version of a policy.
type Version struct {
	Policy *policy.Policy
	Raw    []byte            // its bytes
	Digest digest.SHA256     // of them
	Before *policy.Judgement // what the owners of the version before say of it; nil for the root and what came before
	Own    *policy.Judgement // what its own owners say of it; likewise
}

// Chain is a chain of trusted versions, from the oldest to the newest. Verify
// makes it.
type Chain struct {
	Versions []Version
	Root     digest.SHA256 // one of them
}

// Newest returns the newest version, which judges releases.
func (c *Chain) Newest() Version { return c.Versions[len(c.Versions)-1] }

// At returns the version of a number, false if the chain does not hold it.
func (c *Chain) At(number int) (Version, bool) {
	i := number - c.Versions[0].Policy.Version
	if i < 0 || i >= len(c.Versions) {
		return Version{}, false
	}
	return c.Versions[i], true
}

// Judge returns the version that judges a release: the newest, or, if that keeps
// the release, the one that it names. False means that the chain does not hold
// this one.
func (c *Chain) Judge(release digest.SHA256) (Version, bool) {
	newest := c.Newest()
	if number, kept := newest.Policy.Keeps(release); kept {
		return c.At(number)
	}
	return newest, true
}

// Verify returns the chain of the links, in any order, of which one has the
// root's digest. Links that hold the same policy are taken for one. The lives of
// keys are held to now, in Unix seconds.
//
// The error is a *refusal.Refusal: POL_CHAIN if the links are no chain from the
// root, that is if a number is missing or there twice, if too few owners signed,
// or if the root is not among them; POL_INVALID and POL_KEYREUSE of a policy that
// cannot be read; SIG_BAD of a signature that an owner's key did not make; and
// those of signatures that are no signatures. Whether a newer version has been
// seen before is for whoever remembers.
func Verify(links []Link, root digest.SHA256, now int64) (*Chain, error) {
	versions, signatures, err := read(links)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(versions, func(v Version) bool { return v.Digest == root })
	if at < 0 {
		return nil, refusal.New(refusal.PolChain, "none of the %d versions of the policy is the root %s", len(versions), root)
	}
	for i := 1; i < len(versions); i++ {
		if err := follows(versions[i-1], versions[i]); err != nil {
			return nil, err
		}
	}
	for i := at + 1; i < len(versions); i++ {
		if err := judge(&versions[i-1], &versions[i], signatures[versions[i].Digest], now); err != nil {
			return nil, err
		}
	}
	return &Chain{versions, root}, nil
}

// read returns the versions of the links, each once, in the order of their
// numbers, and the signatures of each.
func read(links []Link) ([]Version, map[digest.SHA256][]dsse.Signature, error) {
	signatures := map[digest.SHA256][]dsse.Signature{}
	var versions []Version
	for _, link := range links {
		d := digest.SHA256(sha256.Sum256(link.Policy))
		if _, known := signatures[d]; !known {
			p, err := policyfile.Parse("policy "+d.String()[:12], link.Policy)
			if err != nil {
				return nil, nil, err //nolint:wrapcheck // it names the policy and the line
			}
			versions = append(versions, Version{Policy: p, Raw: link.Policy, Digest: d})
			signatures[d] = nil
		}
		for _, s := range link.Signatures {
			same := func(other dsse.Signature) bool { return other.KeyID == s.KeyID && bytes.Equal(other.Sig, s.Sig) }
			if !slices.ContainsFunc(signatures[d], same) {
				signatures[d] = append(signatures[d], s)
			}
		}
		if n := len(signatures[d]); n > MaxSignatures || len(versions) > MaxVersions {
			return nil, nil, refusal.New(refusal.PolChain, "the chain has %d versions, and one of them %d signatures, at most %d and %d are accepted", len(versions), n, MaxVersions, MaxSignatures)
		}
	}
	slices.SortFunc(versions, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Policy.Version, b.Policy.Version), bytes.Compare(a.Digest[:], b.Digest[:]))
	})
	return versions, signatures, nil
}

// follows checks that a version is the next after another, as far as their
// bytes say.
func follows(before, after Version) error {
	switch number := after.Policy.Version; {
	case number == before.Policy.Version:
		return refusal.New(refusal.PolChain, "version %d of the policy is there twice, as %s and as %s", number, before.Digest, after.Digest)
	case number != before.Policy.Version+1:
		return refusal.New(refusal.PolChain, "between version %d of the policy and version %d there is none", before.Policy.Version, number)
	case after.Policy.Previous != before.Digest:
		return refusal.New(refusal.PolChain, "version %d of the policy follows %s, and the version before is %s", number, after.Policy.Previous, before.Digest)
	case after.Policy.Project != before.Policy.Project:
		return refusal.New(refusal.PolChain, "version %d of the policy is another project's: %s", number, escape.Quote(after.Policy.Project))
	}
	return nil
}

// judge has the owners of both versions say whether one follows the other.
func judge(before, after *Version, signatures []dsse.Signature, now int64) error {
	for _, judged := range []struct {
		by *policy.Policy
		to **policy.Judgement
	}{{before.Policy, &after.Before}, {after.Policy, &after.Own}} {
		signed, err := Signed(after.Raw, signatures, judged.by, now)
		if err != nil {
			return err
		}
		*judged.to = policy.JudgePolicy(judged.by, signed)
	}
	for _, j := range []*policy.Judgement{after.Before, after.Own} {
		if !j.Met() {
			return refusal.New(refusal.PolChain, "version %d of the policy is not signed by enough owners of version %d: %s", after.Policy.Version, j.Policy, j.Failures[0].Text)
		}
	}
	return nil
}

// Signed returns the good signatures over a policy's bytes by keys of another
// policy, or of itself, for policy.JudgePolicy. A key that has expired since it
// signed still counts: whose key does not count any more is said by policies. A
// signature by no key of the policy is left out, as is one that its own form
// holds to be weak, revoked or made at the wrong time. The error is a
// *refusal.Refusal: SIG_BAD of a signature that the key it names did not make,
// and those of signatures that are none.
func Signed(raw []byte, signatures []dsse.Signature, by *policy.Policy, now int64) ([]policy.Signed, error) {
	message, holders := dsse.PAE(dsse.PolicyType, raw), by.Holders()
	var signed []policy.Signed
	for _, s := range signatures {
		named, err := signature.KeyID(s.Sig)
		if err != nil {
			return nil, err //nolint:wrapcheck // a refusal that says all
		}
		if named != s.KeyID {
			return nil, refusal.New(refusal.SigFormat, "the envelope says that the signature is by %s, and the signature says %s", escape.Quote(s.KeyID), escape.Quote(named))
		}
		f, err := signature.Verify(signature.PolicyNamespace, s.Sig, bytes.NewReader(message), holders, now)
		if err != nil {
			return nil, err //nolint:wrapcheck // likewise
		}
		switch f.State {
		case signature.Good, signature.GoodExpired:
			signed = append(signed, policy.Signed{Key: f.Key, Act: policy.SignPolicy, Digest: sha256.Sum256(raw), Relation: policy.Agrees})
		case signature.Bad:
			return nil, refusal.New(refusal.SigBad, "a signature of the policy is bad: %s", f.Why)
		case signature.Unchecked, signature.NoKey, signature.Weak, signature.Expired, signature.Revoked:
		}
	}
	return signed, nil
}
