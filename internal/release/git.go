package release

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
)

// checkGitSignatures looks at what git's own users look at: the signatures of the
// built commit and of its blessings. They never count, for they do not fix a
// commit's id; but one that is there must be good, by a key of the policy.
func (j *judging) checkGitSignatures(v *Verdict) {
	if v.Lineage.Built == nil {
		return
	}
	j.checkGitSignature(v, v.Lineage.Built, "built commit")
	for i := range v.Lineage.Twins {
		if v.Lineage.Twins[i].Signature != "" {
			j.checkGitSignature(v, &v.Lineage.Twins[i], "built commit")
		}
	}
	for _, stray := range v.Lineage.Strays {
		if slices.ContainsFunc(v.Votes, func(vote Vote) bool { return vote.Digest == stray.Statement && vote.releases(v.Digest) }) {
			v.fail(refusal.RelBuilt, fmt.Sprintf("the blessing %v names the statement %v, which is on this release, and is no child of its built commit", stray.ID, stray.Statement))
		}
	}
	for i := range v.Lineage.Blessings {
		b := &v.Lineage.Blessings[i]
		j.checkGitSignature(v, b, "blessing")
		if !slices.ContainsFunc(v.Votes, func(vote Vote) bool {
			return vote.Digest == b.Statement && vote.releases(v.Digest) && vote.Counts()
		}) {
			v.fail(refusal.RelBuilt, fmt.Sprintf("the blessing %v names the statement %v, which is no release statement that counts here", b.ID, b.Statement))
		}
	}
}

// Counts reports whether the vote counts, or would if more were needed.
func (v *Vote) Counts() bool {
	return v.Fate == policy.Counted || v.Fate == policy.Spare || v.Fate == policy.Repeated
}

// releases reports whether the vote is a release statement on the release.
func (v *Vote) releases(release digest.SHA256) bool {
	return v.Kind == statement.KindRelease && v.Statement.ReleaseDigest() == release
}

// tell notes what became of the vote.
func (v *Vote) tell(r policy.Result) {
	v.Party, v.Fate, v.Role, v.Text = r.Party, r.Fate, r.Role, r.Text
}

func (j *judging) checkGitSignature(v *Verdict, s *lineage.Signed, what string) {
	if s.Signature == "" {
		v.Notes = append(v.Notes, fmt.Sprintf("the %s %v carries no signature of git's own; nothing depends on it", what, s.ID))
		return
	}
	found, err := signature.Verify(signature.GitNamespace, []byte(s.Signature), bytes.NewReader(s.Payload), v.Policy.Holders(), j.e.Now)
	if err != nil {
		v.fail(refusal.RelBuilt, fmt.Sprintf("the %s %v: %s", what, s.ID, escape.Sentence(err.Error())))
		return
	}
	b := ballotOf(found)
	if b.key.IsZero() {
		v.fail(refusal.RelBuilt, fmt.Sprintf("the signature in the %s %v is not good: %s", what, s.ID, found.Why))
		return
	}
	v.Notes = append(v.Notes, fmt.Sprintf("the %s %v is signed by %s (%s), which does not count by itself", what, s.ID, v.partyOf(b), escape.Text(found.Fingerprint)))
}

// partyOf returns the name of the party that holds the key of a ballot.
func (v *Verdict) partyOf(b ballot) string {
	for _, p := range v.Policy.Parties {
		if slices.Contains(p.Keys(), b.key) {
			return p.Name
		}
	}
	return "nobody"
}

// withdrawn judges the withdrawals of the release, by the newest policy: who may
// withdraw does not depend on who released.
func (j *judging) withdrawn(v *Verdict) error {
	newest := j.chain.Newest()
	all, err := j.ballotsBy(newest)
	if err != nil {
		return err
	}
	var signed []policy.Signed
	var votes []Vote
	var of []int // index in votes of each of signed
	for i := range all {
		b := &all[i]
		if b.vote.Act != policy.Withdraw || !j.concerns(v, b.vote.Statement) {
			continue
		}
		relation := policy.Unrelated
		if b.vote.Statement.ReleaseDigest() == v.Digest {
			relation = policy.Agrees
		}
		if newest.Digest != v.PolicySum { // else it was said before
			v.suspect(b)
		}
		votes = append(votes, b.vote)
		if !b.key.IsZero() {
			signed, of = append(signed, policy.Signed{Key: b.key, Act: policy.Withdraw, Digest: b.vote.Digest, Relation: relation}), append(of, len(votes)-1)
		}
	}
	if len(votes) == 0 {
		return nil
	}
	judgement := policy.JudgeWithdrawal(newest.Policy, signed)
	v.Withdrawal = judgement
	why := ""
	for i, r := range judgement.Results {
		vote := &votes[of[i]]
		vote.tell(r)
		if r.Fate == policy.Counted && why == "" {
			why = vote.Statement.Withdrawal.Why
		}
	}
	v.Votes = append(v.Votes, votes...)
	v.Others -= len(votes)
	if judgement.Met() {
		v.fail(refusal.RelDrawn, "the release was withdrawn: "+escape.Sentence(why))
		return nil
	}
	for _, f := range judgement.Failures {
		v.Notes = append(v.Notes, "somebody withdraws this release, and that is not enough: "+f.Text)
	}
	return nil
}
