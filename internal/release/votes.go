package release

import (
	"bytes"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
)

// paper is one statement with its envelope, read once.
type paper struct {
	envelope  *dsse.Envelope
	statement *statement.Statement
	digest    digest.SHA256 // of the payload
	release   digest.SHA256 // the release digest
}

// read reads the statements. The error is a *refusal.Refusal: a bundle with a
// statement that cannot be read is not looked at further.
func read(envelopes []dsse.Envelope) ([]paper, error) {
	papers := make([]paper, 0, len(envelopes))
	signatures := 0
	for i := range envelopes {
		e := &envelopes[i]
		if e.PayloadType != dsse.StatementType {
			return nil, refusal.New(refusal.DSSEFormat, "an envelope among the statements holds %s, not %s", escape.Quote(e.PayloadType), dsse.StatementType)
		}
		if signatures += len(e.Signatures); len(envelopes) > MaxStatements || signatures > MaxSignatures {
			return nil, refusal.New(refusal.RelLimit, "there are %d statements with more than %d signatures, at most %d with %d are accepted", len(envelopes), signatures-1, MaxStatements, MaxSignatures)
		}
		s, err := statement.Parse(e.Payload)
		if err != nil {
			return nil, err
		}
		papers = append(papers, paper{e, s, statement.Digest(e.Payload), s.ReleaseDigest()})
	}
	return papers, nil
}

// acts are the acts of the kinds of statement.
func actOf(k statement.Kind) policy.Act {
	switch k {
	case statement.KindBuild:
		return policy.Build
	case statement.KindReview:
		return policy.Review
	case statement.KindRelease:
		return policy.Release
	case statement.KindWithdrawal:
		return policy.Withdraw
	}
	return 0
}

// ballot is one verified signature: what is shown of it, and what the judge gets.
type ballot struct {
	vote Vote
	key  publickey.Key // zero unless it is good
}

// ballots verifies every signature over a statement. The error is a
// *refusal.Refusal.
func ballots(p *paper, holders []signature.Holder, now int64) ([]ballot, error) {
	message := dsse.PAE(p.envelope.PayloadType, p.envelope.Payload)
	all := make([]ballot, 0, len(p.envelope.Signatures))
	for _, s := range p.envelope.Signatures {
		found, err := signature.Verify(signature.StatementNamespace, s.Sig, bytes.NewReader(message), holders, now)
		if err != nil {
			return nil, err
		}
		if s.KeyID != found.Fingerprint {
			return nil, refusal.New(refusal.SigFormat, "the envelope of statement %v says that the key is %s, and the signature %s", p.digest, escape.Quote(s.KeyID), escape.Quote(found.Fingerprint))
		}
		b := ballotOf(found)
		b.vote.Act, b.vote.Kind, b.vote.Digest, b.vote.Statement = actOf(p.statement.Kind), p.statement.Kind, p.digest, p.statement
		all = append(all, b)
	}
	return all, nil
}

// ballotOf keeps what was found of a signature. A key that has expired since it
// signed still counts: policies say when a key is no longer its party's alone.
func ballotOf(found signature.Finding) ballot {
	b := ballot{vote: Vote{Form: found.Form, Fingerprint: found.Fingerprint, State: found.State, Why: found.Why, Note: found.Note}}
	if found.State == signature.Good || found.State == signature.GoodExpired {
		b.key = found.Key
	}
	return b
}

// suspicious reports whether a signature names a key of the policy and is none of
// its: somebody changed it, or what it is over.
func (b *ballot) suspicious() bool {
	return b.key.IsZero() && b.vote.State != signature.NoKey
}
