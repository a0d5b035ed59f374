package governing

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/signing"
)

// SignOptions say which policy to sign, as whom.
type SignOptions struct {
	File       string // of the policy
	Key        string // as keys.Open takes it; "": nobody signs, the signatures that are there are counted
	Repository string // local, whose ledger holds the chain; "": the one we stand in
	User       keys.User
}

// Signed is what became of it.
type Signed struct {
	Document    *Document
	Envelope    string // file of the signatures
	Fingerprint string // of the key that signed, "" if none did
	Missing     []string
	Added       bool // the policy is the newest of the ledger now, or was already
}

// Sign signs a policy, beside the signatures that are there, and adds it to the
// ledger as soon as enough owners of it and of the version before have signed.
func Sign(ctx context.Context, o SignOptions) (*Signed, error) {
	d, err := ReadFile(o.File)
	if err != nil {
		return nil, err
	}
	l, err := OpenLedger(ctx, o.Repository)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	s := &Signed{Document: d, Envelope: strings.TrimSuffix(o.File, filepath.Ext(o.File)) + ".dsse.json"}
	before, err := s.place(l)
	if err != nil {
		return nil, err
	}
	e, err := envelopeOf(s.Envelope, d.Raw)
	if err != nil {
		return nil, err
	}
	if o.Key != "" {
		if err := s.sign(ctx, o, &e); err != nil {
			return nil, err
		}
	}
	if s.Missing, err = missing(&e, d.Policy, before, o.now()); err != nil || len(s.Missing) > 0 || s.Added {
		return s, err
	}
	return s, s.add(ctx, l, e)
}

func (o *SignOptions) now() int64 {
	if o.User.Now != nil {
		return o.User.Now()
	}
	return time.Now().Unix()
}

// place finds the version before, and checks that the policy is the next.
func (s *Signed) place(l *Ledger) (before *policy.Policy, err error) {
	all, err := l.Documents()
	if err != nil {
		return nil, err
	}
	p := s.Document.Policy
	if n := p.Version; n >= 1 && n <= len(all) && all[n-1].Digest == s.Document.Digest {
		s.Added = true
		if n > 1 {
			before = all[n-2].Policy
		}
		return before, nil
	}
	if p.Version != len(all)+1 {
		return nil, report.UsageFailure("countermark policy change writes the next version", "this is version %d, and the ledger's newest is %d", p.Version, len(all))
	}
	if len(all) == 0 {
		return nil, nil
	}
	last := all[len(all)-1]
	if p.Previous != last.Digest {
		return nil, report.UsageFailure("countermark policy change writes the next version", "this version follows %v, and the ledger's newest is %v", p.Previous, last.Digest)
	}
	return last.Policy, nil
}

// sign adds one signature, unless it is there.
func (s *Signed) sign(ctx context.Context, o SignOptions, e *dsse.Envelope) error {
	signer, err := signing.Open(ctx, o.Key, o.User)
	if err != nil {
		return err
	}
	made, err := signer.Sign(ctx, signature.PolicyNamespace, dsse.PAE(dsse.PolicyType, e.Payload))
	if err != nil {
		return &report.Failure{Code: report.NotComplete, Detail: "signing: " + err.Error(), Hint: "nothing was written; run the same command again"}
	}
	s.Fingerprint = made.Fingerprint
	if !slices.ContainsFunc(e.Signatures, func(x dsse.Signature) bool { return x.KeyID == made.Fingerprint }) {
		e.Signatures = append(e.Signatures, dsse.Signature{KeyID: made.Fingerprint, Sig: made.Bytes})
		slices.SortFunc(e.Signatures, dsse.Signature.Compare)
	}
	return durable.WriteFile(s.Envelope, append(e.Encode(), '\n'))
}

// missing says who has not signed yet: of the version before, and of this one.
func missing(e *dsse.Envelope, p, before *policy.Policy, now int64) ([]string, error) {
	var lacks []string
	for _, by := range []*policy.Policy{before, p} {
		if by == nil {
			continue
		}
		signed, err := policychain.Signed(e.Payload, e.Signatures, by, now)
		if err != nil {
			return nil, err
		}
		for _, f := range policy.JudgePolicy(by, signed).Failures {
			lacks = append(lacks, fmt.Sprintf("owners by version %d: %s", by.Version, f.Text))
		}
	}
	return lacks, nil
}

// add makes the policy the newest of the ledger.
func (s *Signed) add(ctx context.Context, l *Ledger, e dsse.Envelope) error {
	answer, err := ledger.AppendPolicy(ctx, l.Repo, l.Chain, e)
	if err != nil {
		return err
	}
	if answer.Outcome == refs.Moved {
		return &report.Failure{Code: report.NotComplete, Detail: "the ledger's policy was changed meanwhile", Hint: "run the same command again"}
	}
	s.Added = true
	return nil
}

// Text says what became of it.
func (s *Signed) Text() string {
	t := &strings.Builder{}
	fmt.Fprintf(t, "policy of %s, version %d, sha256:%v\n", escape.Text(s.Document.Policy.Project), s.Document.Policy.Version, s.Document.Digest)
	if s.Fingerprint != "" {
		fmt.Fprintf(t, "  signed by %s: %s\n", escape.Text(s.Fingerprint), escape.Text(s.Envelope))
	}
	for _, m := range s.Missing {
		fmt.Fprintf(t, "  %s\n", m)
	}
	switch {
	case len(s.Missing) > 0:
		t.WriteString("Not in force: hand both files to those who are missing.\n")
	case s.Added:
		t.WriteString("In the ledger: countermark push REMOTE publishes it.\n")
		if s.Document.Policy.Version == 1 {
			fmt.Fprintf(t, "This is the root. Publish its digest where nobody but you can change it: --root %v\n", s.Document.Digest)
		}
	}
	return t.String()
}
