package release

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/refusal"
)

// openChain verifies the policies, and holds them to what is trusted and to what
// is remembered.
func (j *judging) openChain(v *Verdict) error {
	if len(j.e.Chain) == 0 {
		v.Open = append(v.Open, "there is no policy: nothing says who has to vouch for this release")
		return nil
	}
	root := j.e.Root
	if root.IsZero() {
		var err error
		if root, err = oldest(j.e.Chain); err != nil {
			return err
		}
	}
	v.Root = root
	chain, err := policychain.Verify(j.e.Chain, root, j.e.Now)
	if err == nil {
		err = j.checkRoot(chain)
	}
	if refused, ok := errors.AsType[*refusal.Refusal](err); ok && refused.Rule.Exit() == Refuted.Exit() {
		v.fail(refused.Rule, escape.Sentence(refused.Detail))
		return nil
	}
	if err != nil {
		return err
	}
	v.Trusted = !j.e.Root.IsZero()
	j.chain = chain
	v.Newest, v.Chain = chain.Newest().Policy.Version, chain.Versions
	if r := j.e.Remembered; r.Version > 0 && j.policyOf(r.Version) != r.Policy {
		v.fail(refusal.PolRollback, fmt.Sprintf("version %d of the policy, %v, was seen before, and these policies lack it", r.Version, r.Policy))
	}
	if !v.Trusted {
		v.Open = append(v.Open, fmt.Sprintf("no root is trusted for this project; these policies begin with %v", v.Root))
	}
	return nil
}

// checkRoot verifies the signatures over the versions that are trusted by their
// digests alone. None is needed, but none may be bad, so that no bit of the
// evidence can be changed.
func (j *judging) checkRoot(chain *policychain.Chain) error {
	for _, version := range chain.Versions {
		for _, link := range j.e.Chain {
			if version.Before != nil || !bytes.Equal(link.Policy, version.Raw) {
				continue
			}
			if _, err := policychain.Signed(link.Policy, link.Signatures, version.Policy, j.e.Now); err != nil {
				return err
			}
		}
	}
	return nil
}

// oldest returns the digest of the oldest version, which claims to be the root.
func oldest(links []policychain.Link) (digest.SHA256, error) {
	var root digest.SHA256
	first := 0
	for i, link := range links {
		p, err := policyfile.Parse(fmt.Sprintf("policy %d of the evidence", i+1), link.Policy)
		if err != nil {
			return root, err
		}
		if i == 0 || p.Version < first {
			first, root = p.Version, sha256.Sum256(link.Policy)
		}
	}
	return root, nil
}

// policyOf returns the digest of a version of the policy, zero if the chain lacks it.
func (j *judging) policyOf(number int) digest.SHA256 {
	version, _ := j.chain.At(number)
	return version.Digest
}
