package blessing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/trust"
)

// prepare refuses what could only fail once something is written: nobody signs
// off, a key that cannot sign what is to be signed, something else in the place of
// the release.
func (b *blessing) prepare(context.Context) error {
	if _, err := b.person(); err != nil {
		return err
	}
	if form := b.signer.Holder().Form; form != signature.SSH && form != signature.OpenPGP {
		return report.UsageFailure("bless with a key of ssh's or gpg's; --file-key may be one of minisign's", "git knows no signatures of the form %v, and the blessing would carry one", form)
	}
	if b.o.Output == "" {
		b.o.Output = b.candidate.built.Name + "-" + b.o.Version + ".blessed"
	}
	var err error
	if b.o.Output, err = filepath.Abs(b.o.Output); err != nil {
		return err
	}
	if _, err := os.Lstat(b.o.Output); err != nil {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(b.o.Output, sumsName)); err != nil {
		return b.inTheWay()
	}
	return nil
}

// weigh asks all that can be asked before anything of the candidate runs on this
// machine: a source that the wrong person tagged is not built, and a builder who
// has said nothing is not waited for.
func (b *blessing) weigh(ctx context.Context) error {
	for _, part := range []func(context.Context) ([]release.Failure, error){b.weighChain, b.weighBranch, b.weighStatements, b.weighKey} {
		reasons, err := part(ctx)
		if b.r.Reasons = reasons; err != nil || len(reasons) > 0 {
			return err
		}
	}
	return nil
}

// weighChain asks whether the policies follow from the root.
func (b *blessing) weighChain(context.Context) ([]release.Failure, error) {
	_, err := b.chain()
	if refused, ok := errors.AsType[*refusal.Refusal](err); ok && refused.Rule.Exit() == report.Failed.Exit() {
		return []release.Failure{{Rule: refused.Rule, Text: escape.Sentence(refused.Detail)}}, nil
	}
	return nil, err
}

// builtBranch returns the built branch that the candidate's recipe names, "" if
// that is not at hand.
func (b *blessing) builtBranch() (string, error) {
	for _, data := range b.gathered.Bundle.Recipes {
		if sha256.Sum256(data) != b.candidate.built.Recipe {
			continue
		}
		r, err := recipe.Parse(data)
		if err != nil {
			return "", err
		}
		return r.BranchOf(b.candidate.built.Version)
	}
	return "", nil
}

// weighBranch asks whether the built branch can be forwarded to the candidate.
func (b *blessing) weighBranch(ctx context.Context) ([]release.Failure, error) {
	branch, err := b.builtBranch()
	if err != nil || branch == "" {
		return nil, err
	}
	head, err := refs.Read(ctx, b.repo, branch)
	if err != nil {
		return nil, err
	}
	at, err := b.standing(ctx, head)
	if err != nil {
		return nil, err
	}
	if at != within && !head.IsZero() { // changes nothing, and asks whether anything may be changed
		if _, err := refs.Update(ctx, b.repo, refs.Change{Ref: branch, Old: head, New: head}); err != nil {
			return nil, err
		}
	}
	if at != apart {
		return nil, nil
	}
	held := "does not exist here: countermark fetch REMOTE gets it from the server"
	if !head.IsZero() {
		held = fmt.Sprintf("holds %v: the release has to be built again", head)
	}
	return []release.Failure{{Rule: refusal.GitParent, Text: fmt.Sprintf("the candidate was built upon %v, and %s %s", b.candidate.built.Previous, escape.Text(branch), held)}}, nil
}

// weighStatements asks what the policy says of the statements on the candidate.
func (b *blessing) weighStatements(context.Context) ([]release.Failure, error) {
	var reasons []release.Failure
	found := 0
	seen := make(map[digest.SHA256]bool)
	for _, e := range b.gathered.Bundle.Statements {
		s, err := statement.Parse(e.Payload)
		if err != nil {
			return nil, err
		}
		if s.Kind != statement.KindBuild || s.Outcome.Commit.ID != b.candidate.unsigned || seen[s.ReleaseDigest()] {
			continue
		}
		seen[s.ReleaseDigest()] = true
		found++
		more, open, err := b.preview(s)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			b.r.Incomplete = open
			return nil, nil
		}
		if reasons == nil {
			reasons, b.r.Incomplete = more, open
		}
	}
	if found > 0 || b.needsNobody(policy.Builder) {
		return reasons, nil
	}
	return []release.Failure{{Rule: refusal.PolQuorum, Text: fmt.Sprintf("nobody has signed that they built the candidate %v: of the %d statements on this version in the ledger, none is of a build of it", b.candidate.unsigned, len(b.gathered.Bundle.Statements))}}, nil
}

// needsNobody reports whether the newest policy waives a role for this version.
func (b *blessing) needsNobody(role policy.Role) bool {
	chain, err := b.chain()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(chain.Newest().Policy.Terms(b.o.Version).Requirements, func(r policy.Requirement) bool { return r.Role == role && r.Waived })
}

// weighKey asks whether the key is that of somebody who may release the version.
func (b *blessing) weighKey(context.Context) ([]release.Failure, error) {
	chain, err := b.chain()
	if err != nil {
		return nil, err
	}
	p, keys := chain.Newest().Policy, b.signer.Holder().Keys
	for _, r := range p.Terms(b.o.Version).Requirements {
		for _, party := range p.Parties {
			if r.Role == policy.ReleaseManager && slices.Contains(r.Of, party.Name) && slices.ContainsFunc(party.Keys(), func(k publickey.Key) bool { return slices.Contains(keys, k) }) {
				return nil, nil
			}
		}
	}
	return []release.Failure{b.noManager()}, nil
}

// noManager says that the key is that of nobody who may release.
func (b *blessing) noManager() release.Failure {
	return release.Failure{Rule: refusal.PolQuorum, Text: "the key " + escape.Text(b.signer.Holder().Fingerprint) + " is none by which the policy lets anybody release this"}
}

// preview judges what is there, as if somebody had released what a build statement
// is on, and returns why that can never be. Open tells that nothing speaks against
// it, and something is not at hand.
func (b *blessing) preview(s *statement.Statement) (reasons []release.Failure, open bool, err error) {
	asked := &statement.Statement{Kind: statement.KindRelease, Identity: s.Identity, Outcome: s.Outcome, Archives: s.Archives,
		Release: &statement.Release{PolicyVersion: 1, Policy: digest.SHA256{1}}}
	payload, err := asked.Encode()
	if err != nil {
		return nil, false, err
	}
	e, err := b.evidence()
	if err != nil {
		return nil, false, err
	}
	e.Statements = slices.DeleteFunc(slices.Clone(e.Statements), func(other dsse.Envelope) bool {
		o, err := statement.Parse(other.Payload)
		return err != nil || o.Kind == statement.KindRelease && o.ReleaseDigest() != s.ReleaseDigest()
	})
	e.Statements = append(e.Statements, dsse.Envelope{PayloadType: dsse.StatementType, Payload: payload})
	remembered, err := b.memory.Seen(e.Chain)
	if err != nil {
		return nil, false, err
	}
	e.Remembered = trust.Remembered(remembered)
	v, err := release.Judge(e)
	if err != nil {
		return nil, false, err
	}
	reasons, open = b.reasons(v, true)
	return reasons, open, nil
}

// reasons returns why a verdict stands in the way of the release, beside what
// others may still mend: rebuilders and release managers who come later. Early
// leaves out what this machine and its release manager have not said yet. Open
// tells that all of the reasons are things that are not at hand.
func (b *blessing) reasons(v *release.Verdict, early bool) (reasons []release.Failure, open bool) {
	waiting := make(map[string]bool)
	if v.Judgement != nil {
		for _, t := range v.Judgement.Tallies {
			waiting[t.Role.String()] = t.Missing() > 0 && (t.Role == policy.Rebuilder || t.Role == policy.ReleaseManager)
		}
	}
	later := early || waiting[policy.Rebuilder.String()] || waiting[policy.ReleaseManager.String()]
	for _, f := range v.Failures {
		about, _, _ := strings.Cut(f.Text, ":")
		switch {
		case f.Rule == refusal.PolQuorum && waiting[about]:
		case early && f.Rule == refusal.PolMixed: // the release statement may answer it
		case early && f.Rule == refusal.PolCondition && about != "recipes": // the archives are not there yet
		case later && (f.Rule == refusal.PolOperator || f.Rule == refusal.PolCondition && placeConditions[about]):
		default:
			reasons = append(reasons, f)
		}
	}
	failed := len(reasons)
	for _, o := range v.Open {
		about, _, _ := strings.Cut(o, ":")
		if !early || about != lineage.IsArchive.String() && about != lineage.HoldsTree.String() && about != lineage.IsDeclared.String() {
			reasons = append(reasons, release.Failure{Rule: refusal.RelNone, Text: o})
		}
	}
	return reasons, failed == 0 && len(reasons) > 0
}

// placeConditions are the conditions that more parties may come to satisfy.
var placeConditions = map[string]bool{"hosting-domains": true, "toolchain-origins": true}

// position is where the candidate stands to the built branch.
type position uint8

const (
	apart  position = iota // the branch holds something that it was not built upon
	next                   // the branch holds what it was built upon, or nothing
	atHead                 // it is the head
	within                 // the branch holds it, blessed or followed by other releases
)

// maxFollowing is how many commits may have followed the candidate on the built
// branch: ten years of a release and its blessing a week.
const maxFollowing = 1000

// standing says where the candidate stands to a branch that holds head.
func (b *blessing) standing(ctx context.Context, head digest.ObjectID) (position, error) {
	_, root, err := builtcommit.Root(b.repo.Format())
	switch {
	case err != nil:
		return apart, err
	case head == b.candidate.id:
		return atHead, nil
	case head == b.candidate.built.Previous, head.IsZero() && b.candidate.built.Previous == root:
		return next, nil
	case head.IsZero():
		return apart, nil
	}
	at := head
	for range maxFollowing {
		parent, err := b.firstParent(ctx, at)
		if err != nil || parent.IsZero() {
			return apart, err
		}
		if at = parent; at == b.candidate.id {
			return within, nil
		}
	}
	return apart, nil
}

// sameBytes reports whether a file holds exactly these bytes.
func sameBytes(path string, want []byte) bool {
	got, err := trust.ReadFile(path, int64(len(want)))
	return err == nil && bytes.Equal(got, want)
}
