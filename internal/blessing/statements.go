package blessing

import (
	"context"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/trust"
	"github.com/countermark/countermark/internal/vouching"
)

// makeStatements makes and signs what this machine and its release manager say:
// what was built here, and that this is the release. What is in the ledger already
// is not made again.
func (b *blessing) makeStatements(ctx context.Context) error {
	ours, err := statement.Parse(b.r.Rebuilt.Statement)
	if err != nil {
		return err
	}
	chain, err := b.chain()
	if err != nil {
		return err
	}
	build := b.mine(statement.KindBuild, ours.ReleaseDigest())
	if build == nil {
		if build, err = b.sign(ctx, b.r.Rebuilt.Statement); err != nil {
			return err
		}
	}
	b.envelopes = []dsse.Envelope{*build}
	if err := b.gather(ctx); err != nil {
		return err
	}
	released := b.mine(statement.KindRelease, ours.ReleaseDigest())
	if released == nil {
		payload, err := b.releaseStatement(ctx, ours, chain)
		if err != nil {
			return err
		}
		if released, err = b.sign(ctx, payload); err != nil {
			return err
		}
	}
	b.envelopes = append(b.envelopes, *released)
	b.released = statement.Digest(released.Payload)
	return b.gather(ctx)
}

func (b *blessing) sign(ctx context.Context, payload []byte) (*dsse.Envelope, error) {
	b.o.Building.Progress.Clear() // the key may ask for something
	e, _, err := signing.Envelope(ctx, b.signer, payload)
	return &e, err
}

// chain verifies the policies.
func (b *blessing) chain() (*policychain.Chain, error) {
	e, err := b.evidence()
	if err != nil {
		return nil, err
	}
	return policychain.Verify(e.Chain, b.root, b.now())
}

// releaseStatement returns what the release manager says.
func (b *blessing) releaseStatement(ctx context.Context, ours *statement.Statement, chain *policychain.Chain) ([]byte, error) {
	passing, err := parsePassing(b.o.Passing)
	if err != nil {
		return nil, err
	}
	newest := chain.Newest()
	s := &statement.Statement{Kind: statement.KindRelease, Issued: b.now(), Identity: ours.Identity, Outcome: ours.Outcome, Archives: ours.Archives,
		Release: &statement.Release{PolicyVersion: int64(newest.Policy.Version), Policy: newest.Digest}}
	if s.Release.Previous, err = b.previous(ctx); err != nil {
		return nil, err
	}
	for _, e := range b.gathered.Bundle.Statements {
		other, err := statement.Parse(e.Payload)
		if err != nil {
			return nil, err
		}
		if other.Kind == statement.KindWithdrawal || other.Identity.Project != s.Identity.Project {
			continue
		}
		seen := statement.Seen{Statement: statement.Digest(e.Payload), Verdict: statement.Agrees}
		if other.ReleaseDigest() != s.ReleaseDigest() {
			given, ok := passing[seen.Statement]
			if !ok {
				return nil, &report.Failure{Code: report.Failed, Detail: fmt.Sprintf("the %v statement %v dissents: it is on another identity or outcome", other.Kind, seen.Statement),
					Hint: "find out why; if it is to be passed over, say so: --pass-over DIGEST=CAUSE:WHY, with a cause of " + causeNames()}
			}
			given.Statement = seen.Statement
			seen = given
			delete(passing, seen.Statement)
		}
		s.Release.Seen = append(s.Release.Seen, seen)
	}
	for d := range passing {
		return nil, report.UsageFailure("countermark status lists the statements", "--pass-over names %v, which is no dissent here", d)
	}
	return s.Encode()
}

// causes are the causes that a dissent may be passed over for.
var causes = []statement.Cause{statement.NotReproducible, statement.OtherTools, statement.BuilderFault, statement.Superseded, statement.OtherCause}

func causeNames() string {
	names := make([]string, len(causes))
	for i, c := range causes {
		names[i] = c.String()
	}
	return strings.Join(names, ", ")
}

// parsePassing reads DIGEST=CAUSE:TEXT.
func parsePassing(given []string) (map[digest.SHA256]statement.Seen, error) {
	found := make(map[digest.SHA256]statement.Seen)
	for _, g := range given {
		name, rest, _ := strings.Cut(g, "=")
		cause, text, _ := strings.Cut(rest, ":")
		d, err := digest.ParseSHA256(name)
		seen := statement.Seen{Verdict: statement.Dissents, Text: text}
		for _, c := range causes {
			if c.String() == cause {
				seen.Cause = c
			}
		}
		if err != nil || seen.Cause == 0 || text == "" {
			return nil, report.UsageFailure("DIGEST=CAUSE:WHY, with a cause of "+causeNames(), "--pass-over %s cannot be read", escape.Quote(g))
		}
		found[d] = seen
	}
	return found, nil
}

// previous returns the release digest of the release before: the one whose blessing
// the candidate follows; zero if it follows none that is in the ledger.
func (b *blessing) previous(ctx context.Context) (digest.SHA256, error) {
	named, err := b.blessedBy(ctx, b.candidate.built.Previous)
	if err != nil || named.IsZero() {
		return digest.SHA256{}, err
	}
	contents, err := ledger.Read(ctx, b.repo, "")
	if err != nil {
		return digest.SHA256{}, err
	}
	for _, e := range contents.Entries {
		if statement.Digest(e.Envelope.Payload) == named {
			return e.Statement.ReleaseDigest(), nil
		}
	}
	return digest.SHA256{}, nil
}

// evidence returns what was gathered, for the judge.
func (b *blessing) evidence() (release.Evidence, error) {
	e, err := vouching.Evidence(b.gathered.Bundle)
	e.Root, e.Version, e.Now = b.root, b.o.Version, b.now()
	return e, err
}

// judge asks whether the release may go out: everything that does not wait for
// others must hold.
func (b *blessing) judge(ctx context.Context) error {
	e, err := b.evidence()
	if err != nil {
		return err
	}
	seen, err := b.memory.Seen(e.Chain)
	if err != nil {
		return err
	}
	e.Remembered = trust.Remembered(seen)
	if e.Files, err = b.readArchives(ctx); err != nil {
		return err
	}
	v, err := release.Judge(e)
	if err != nil {
		return err
	}
	b.r.Verdict = v
	if b.r.Reasons, b.r.Incomplete = b.reasons(v, false); v.Judgement == nil {
		return nil
	}
	for _, t := range v.Judgement.Tallies {
		if t.Missing() > 0 && (t.Role == policy.Rebuilder || t.Role == policy.ReleaseManager) {
			b.r.Waiting = append(b.r.Waiting, fmt.Sprintf("%v: %d of %d", t.Role, len(t.Counted), t.Need))
		}
	}
	for _, vote := range v.Votes {
		if vote.Digest == b.released && vote.Counts() {
			return nil
		}
	}
	b.r.Incomplete = false
	b.r.Reasons = append(b.r.Reasons, b.noManager())
	return nil
}

// readArchives reads the archives that were made here.
func (b *blessing) readArchives(ctx context.Context) ([]lineage.File, error) {
	o := vouching.Options{}
	for _, a := range b.r.Rebuilt.Record.Archives {
		o.Archives = append(o.Archives, b.made(a.Name))
	}
	o.Read.Decoder = "auto"
	return vouching.ReadArchives(ctx, o)
}
