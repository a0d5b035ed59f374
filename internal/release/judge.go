package release

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
)

// judging is one call of Judge.
type judging struct {
	e      Evidence
	chain  *policychain.Chain
	papers []paper
	known  map[digest.SHA256][]ballot // the signatures over papers, by the policy whose keys they were verified with
	stands standing                   // of the release that is judged
}

// Judge judges the release that the archives, or the version asked for, are of.
// The error, a *refusal.Refusal, means that the evidence cannot be read.
func Judge(e Evidence) (*Verdict, error) {
	j := &judging{e: e, known: make(map[digest.SHA256][]ballot)}
	var err error
	if j.papers, err = read(e.Statements); err != nil {
		return nil, err
	}
	v := &Verdict{}
	if err := j.openChain(v); err != nil {
		return nil, err
	}
	if j.chain == nil {
		return v, nil
	}
	return j.best(v)
}

// best judges each release that may be meant, and returns the verdict on the one
// that is vouched for, or the one that comes nearest to it.
func (j *judging) best(base *Verdict) (*Verdict, error) {
	var best *Verdict
	candidates := j.candidates()
	if len(candidates) > MaxCandidates {
		return nil, refusal.New(refusal.RelLimit, "the statements are on more than %d releases that may be meant", MaxCandidates)
	}
	for _, p := range candidates {
		v := *base
		v.Failures, v.Open = slices.Clone(base.Failures), slices.Clone(base.Open)
		if err := j.judge(&v, p); err != nil {
			return nil, err
		}
		if best == nil || v.rank() < best.rank() {
			best = &v
		}
	}
	if best == nil {
		base.fail(refusal.RelNone, j.whyNone())
		return base, nil
	}
	return best, nil
}

// rank orders verdicts: the better is the smaller.
func (v *Verdict) rank() int {
	switch v.Outcome() {
	case Vouched:
		return 0
	case Incomplete:
		return 1 + len(v.Open)
	}
	return 1_000 + len(v.Failures)
}

// candidates returns a release statement of each release that may be meant: those
// that name the archives, else those that name their names or the version.
func (j *judging) candidates() []*paper {
	for _, fits := range []func(*statement.Statement) bool{j.holdsFiles, j.namesFiles} {
		var found []*paper
		seen := make(map[digest.SHA256]bool)
		for i := range j.papers {
			p := &j.papers[i]
			if p.statement.Kind == statement.KindRelease && j.isVersion(p.statement) && fits(p.statement) && !seen[p.release] {
				seen[p.release] = true
				found = append(found, p)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func (j *judging) isVersion(s *statement.Statement) bool {
	return j.e.Version == "" || s.Identity.Version == j.e.Version
}

// holdsFiles reports whether every archive is one of the statement's, or holds
// its tar.
func (j *judging) holdsFiles(s *statement.Statement) bool {
	for _, f := range j.e.Files {
		c := f.Contents
		same := slices.ContainsFunc(s.Archives, func(a statement.Archive) bool { return a.SHA256 == c.SHA256 })
		if !same && (c.TarSHA256.IsZero() || c.TarSHA256 != s.Outcome.Tar) {
			return false
		}
	}
	return true
}

// namesFiles reports whether the statement has an archive of the name of each.
func (j *judging) namesFiles(s *statement.Statement) bool {
	for _, f := range j.e.Files {
		if !slices.ContainsFunc(s.Archives, func(a statement.Archive) bool { return f.Name == "" || a.Name == f.Name }) {
			return false
		}
	}
	return true
}

// whyNone says why no release statement fits.
func (j *judging) whyNone() string {
	releases := 0
	for i := range j.papers {
		if s := j.papers[i].statement; s.Kind == statement.KindRelease {
			if releases++; releases == 1 && j.e.Version != "" && s.Identity.Version != j.e.Version {
				return fmt.Sprintf("the release statement is on version %s, not %s", escape.Text(s.Identity.Version), escape.Text(j.e.Version))
			}
		}
	}
	if releases == 0 {
		return "no release manager has released this: there is no release statement"
	}
	return fmt.Sprintf("none of the %d release statements names an archive of this name or content", releases)
}

// judge judges one release, by the statement p on it.
func (j *judging) judge(v *Verdict, p *paper) error {
	v.Statement, v.Digest = p.statement, p.release
	j.stands = standing{}
	judging, ok := j.chain.Judge(p.release)
	if !ok {
		v.fail(refusal.PolChain, "the policy keeps this release by a version that is not among these policies")
		return nil
	}
	v.Policy, v.PolicySum = judging.Policy, judging.Digest
	v.Lineage = lineage.Trace(p.statement, lineage.Evidence{Files: j.e.Files, Objects: j.e.Objects, Recipes: j.e.Recipes})
	for q, a := range v.Lineage.Answers {
		switch a.State {
		case lineage.Fails:
			v.fail(a.Rule, lineage.Question(q).String()+": "+a.Text)
		case lineage.NotLooked:
			v.Open = append(v.Open, lineage.Question(q).String()+": "+a.Text)
		}
	}
	v.Notes = append(v.Notes, v.Lineage.Notes...)
	if v.Policy.Project != p.statement.Identity.Project {
		v.fail(refusal.RelBinding, fmt.Sprintf("the policy is of the project %s, and the release of %s", escape.Text(v.Policy.Project), escape.Text(p.statement.Identity.Project)))
	}
	all, err := j.verify(v, judging)
	if err != nil {
		return err
	}
	j.count(v, all)
	j.checkNamed(v)
	j.checkGitSignatures(v)
	if err := j.withdrawn(v); err != nil {
		return err
	}
	v.judged = true
	return nil
}

// verify verifies the source tag's signature and those of every statement, and
// notes those that name a key of the policy and are not good.
func (j *judging) verify(v *Verdict, by policychain.Version) ([]ballot, error) {
	holders := by.Policy.Holders()
	var all []ballot
	if tag := v.Lineage.Tag; tag != nil {
		b := ballot{vote: Vote{State: signature.NoKey, Why: "the tag carries no signature"}}
		if tag.Signature != "" {
			found, err := signature.Verify(signature.GitNamespace, []byte(tag.Signature), bytes.NewReader(tag.Payload), holders, j.e.Now)
			if err != nil {
				return nil, err
			}
			b = ballotOf(found)
		}
		b.vote.Act, b.vote.Digest = policy.SignTag, tag.SHA256
		all = append(all, b)
	}
	some, err := j.ballotsBy(by)
	if err != nil {
		return nil, err
	}
	all = append(all, some...)
	for i := range all {
		v.suspect(&all[i])
	}
	return all, nil
}

// ballotsBy returns the signatures over all statements, verified with the keys of
// a version of the policy.
func (j *judging) ballotsBy(by policychain.Version) ([]ballot, error) {
	if all, known := j.known[by.Digest]; known {
		return all, nil
	}
	all := []ballot{}
	holders := by.Policy.Holders()
	for i := range j.papers {
		some, err := ballots(&j.papers[i], holders, j.e.Now)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	j.known[by.Digest] = all
	return all, nil
}

// suspect notes a signature that names a key of the policy and is none of its.
func (v *Verdict) suspect(b *ballot) {
	if b.suspicious() {
		v.fail(ruleOf(b.vote.State), fmt.Sprintf("a signature over the %v %v by the key %s: %s", b.vote.Act, b.vote.Digest, escape.Text(b.vote.Fingerprint), b.vote.Why))
	}
}

// checkNamed holds the archives to the release statements that count: the one by
// which they were found may be anybody's, and archives are no part of what the
// others agree on.
func (j *judging) checkNamed(v *Verdict) {
	if !v.Judgement.Met() {
		return
	}
	for _, f := range j.e.Files {
		if !slices.ContainsFunc(v.Votes, func(vote Vote) bool {
			if !vote.releases(v.Digest) || !vote.Counts() {
				return false
			}
			same, repacked := lineage.Named(vote.Statement, f)
			return same || repacked
		}) {
			v.fail(refusal.RelArchive, fmt.Sprintf("no release statement that counts names an archive with the SHA-256 %v", f.Contents.SHA256))
		}
	}
}

// ruleOf returns the rule by which a signature in the state does not count.
func ruleOf(s signature.State) refusal.Rule {
	switch s {
	case signature.Weak:
		return refusal.SigWeak
	case signature.Revoked:
		return refusal.SigRevoked
	case signature.Expired:
		return refusal.SigExpired
	}
	return refusal.SigBad
}

// count hands the good signatures to the policy's judge.
func (j *judging) count(v *Verdict, all []ballot) {
	var signed []policy.Signed
	var of []int // index in v.Votes of each
	for i := range all {
		b := &all[i]
		if b.vote.Statement != nil && !j.concerns(v, b.vote.Statement) || b.vote.Act == policy.Withdraw {
			v.Others++
			continue
		}
		v.Votes = append(v.Votes, b.vote)
		if !b.key.IsZero() {
			signed, of = append(signed, j.signed(v, b)), append(of, len(v.Votes)-1)
		}
	}
	facts := policy.Facts{Recipe: v.Statement.Identity.Recipe, PortableNames: policy.Fails}
	switch {
	case v.Lineage.Portable:
		facts.PortableNames = policy.Holds
	case len(j.e.Files) == 0:
		facts.PortableNames = policy.NotChecked
	}
	v.Judgement = policy.Judge(v.Policy, v.Statement.Identity.Version, signed, facts)
	for i, r := range v.Judgement.Results {
		v.Votes[of[i]].tell(r)
	}
	unseen := v.Lineage.Tag == nil && v.Lineage.Answers[lineage.IsSource].State == lineage.NotLooked && lacksSource(v.Judgement)
	for _, f := range v.Judgement.Failures {
		if unseen && f.Rule == refusal.PolQuorum { // the first is on the first role that lacks somebody
			unseen = false
			v.Open = append(v.Open, "who signed the source tag: the tag object is not at hand")
			continue
		}
		v.fail(f.Rule, f.Text)
	}
}

// lacksSource reports whether nobody, or too few, signed the source tag.
func lacksSource(j *policy.Judgement) bool {
	return len(j.Tallies) > 0 && j.Tallies[0].Role == policy.Source && j.Tallies[0].Missing() > 0
}

// concerns reports whether a statement is on the version that is judged.
func (j *judging) concerns(v *Verdict, s *statement.Statement) bool {
	return s.Identity.Project == v.Statement.Identity.Project && s.Identity.Version == v.Statement.Identity.Version
}

// signed says what a good signature is over.
func (j *judging) signed(v *Verdict, b *ballot) policy.Signed {
	s := policy.Signed{Key: b.key, Act: b.vote.Act, Digest: b.vote.Digest, Relation: policy.Agrees}
	if b.vote.Statement == nil {
		return s // the tag, which Lineage has held to the statement
	}
	s.Relation, s.Files = j.relation(v, b.vote.Statement, b.vote.Digest)
	if r := b.vote.Statement.Release; r != nil {
		for _, seen := range r.Seen {
			if seen.Verdict == statement.Dissents {
				s.Answers = append(s.Answers, seen.Statement)
			}
		}
		if r.PolicyVersion > policy.MaxVersion || j.policyOf(int(r.PolicyVersion)) != r.Policy || r.Policy.IsZero() {
			v.Notes = append(v.Notes, fmt.Sprintf("the release statement %v was made under version %d of the policy, %v, which is none of these", b.vote.Digest, r.PolicyVersion, r.Policy))
			s.Relation = policy.Unrelated
		}
	}
	if r := b.vote.Statement.Review; r != nil {
		for _, f := range r.Files {
			s.Files = append(s.Files, policy.File{Path: string(f.Path), Mode: f.Mode, Digest: digest.SHA256(f.Blob.SHA256.Bytes())})
		}
	}
	return s
}
