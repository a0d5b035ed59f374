// Package withdrawing wires up `countermark withdraw`: a statement that a release
// was found bad, signed and put into the ledger; and who must still say so.
package withdrawing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gathering"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/trust"
	"github.com/countermark/countermark/internal/vouching"
)

// Options say what to withdraw, and as whom.
type Options struct {
	Repository string // local, whose ledger holds the release; "": the one we stand in
	Version    string
	Release    string // release digest, where the version has several; "": the one that counts
	Why        string
	Key        string // as keys.Open takes it
	Root       string // as trust.ReadRoot takes it; "": the one remembered
	Memory     string // folder of what is remembered; "": the user's own
	User       keys.User
}

// Result is what became of it.
type Result struct {
	Statement   *statement.Statement // the withdrawal
	Digest      digest.SHA256        // of its payload
	Fingerprint string               // of the key
	Already     bool                 // the ledger had a withdrawal of this release by this key
	InForce     bool                 // enough have withdrawn it
	Missing     []string             // who must still sign, each one sentence
}

// Exit returns the exit status.
func (r *Result) Exit() int {
	if r.InForce {
		return report.Verified.Exit()
	}
	return report.NotComplete.Exit()
}

// withdrawal is one run.
type withdrawal struct {
	o      Options
	ledger *governing.Ledger
	signer *keys.Signer
	r      *Result
}

// Run withdraws. The error is a *report.Failure.
func Run(ctx context.Context, o Options) (*Result, error) {
	if strings.TrimSpace(o.Why) == "" {
		return nil, report.UsageFailure("--why TEXT says why, to everybody who verifies the release", "nothing says why the release is withdrawn")
	}
	w := &withdrawal{o: o, r: &Result{}}
	var err error
	if w.ledger, err = governing.OpenLedger(ctx, o.Repository); err == nil {
		err = errors.Join(w.run(ctx), w.ledger.Close())
	}
	switch {
	case err == nil:
		return w.r, nil
	case ctx.Err() != nil:
		return nil, report.Interrupted()
	}
	f := report.FailureOf(err, report.Internal)
	if f.Refusal != nil {
		f.Hint = cmp.Or(f.Hint, report.HintFor(f.Refusal.Rule))
	}
	return nil, f
}

func (w *withdrawal) run(ctx context.Context) error {
	verdicts, envelopes, err := w.survey(ctx)
	if err != nil {
		return err
	}
	of, err := w.choose(verdicts)
	if err != nil {
		return err
	}
	if w.signer, err = signing.Open(ctx, w.o.Key, w.o.User); err != nil {
		return err
	}
	if w.already(envelopes, of.Digest) {
		w.conclude(of)
		return nil
	}
	made, err := w.sign(ctx, of.Statement)
	if err != nil {
		return err
	}
	// Who may not withdraw anything should not leave the impression.
	if verdicts, _, err = w.survey(ctx, made.Envelope); err != nil {
		return err
	}
	of = w.find(verdicts, of.Digest)
	if of == nil || !w.counts(of) {
		return &report.Failure{Code: report.Failed, Detail: "the key " + escape.Text(w.signer.Holder().Fingerprint) + " is none by which the policy lets anybody withdraw a release", Hint: "countermark policy show says who may; nothing was written"}
	}
	if _, err := ledger.Append(ctx, w.ledger.Repo, made); err != nil {
		return err
	}
	w.conclude(of)
	return nil
}

func (w *withdrawal) now() int64 {
	if w.o.User.Now != nil {
		return w.o.User.Now()
	}
	return time.Now().Unix()
}

// survey judges the releases of the version, with further statements.
func (w *withdrawal) survey(ctx context.Context, extra ...dsse.Envelope) ([]*release.Verdict, []dsse.Envelope, error) {
	gathered, err := gathering.Gather(ctx, gathering.Options{Repo: w.ledger.Repo, Version: w.o.Version, Extra: extra})
	if err != nil {
		return nil, nil, err
	}
	e, err := vouching.Evidence(gathered.Bundle)
	if err != nil {
		return nil, nil, err
	}
	if len(e.Chain) == 0 {
		return nil, nil, &report.Failure{Code: report.NotComplete, Detail: "this repository holds no policy: nothing says who may withdraw a release", Hint: "countermark fetch REMOTE gets it"}
	}
	e.Version, e.Now = w.o.Version, w.now()
	if e.Root, e.Remembered, err = trust.Establish(w.o.Root, w.o.Memory, e.Chain); err != nil {
		return nil, nil, err
	}
	verdicts, err := release.Survey(e)
	return verdicts, gathered.Bundle.Statements, err
}

// choose returns the release that is meant: the one that is named, or the only one
// that there is, or that a release manager has released whom the policy names.
func (w *withdrawal) choose(verdicts []*release.Verdict) (*release.Verdict, error) {
	released := slices.DeleteFunc(verdicts, func(v *release.Verdict) bool { return v.Statement == nil || v.Statement.Kind != statement.KindRelease })
	if len(released) == 0 {
		return nil, &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("the ledger holds no release of version %s", escape.Text(w.o.Version)), Hint: "countermark fetch REMOTE gets it; what was never released need not be withdrawn"}
	}
	if w.o.Release != "" {
		d, err := digest.ParseSHA256(w.o.Release)
		v := w.find(released, d)
		if err != nil || v == nil {
			return nil, report.UsageFailure("countermark status "+w.o.Version+" shows them", "--release %s is no release digest of this version", escape.Quote(w.o.Release))
		}
		return v, nil
	}
	if len(released) == 1 {
		return released[0], nil
	}
	by := slices.DeleteFunc(slices.Clone(released), func(v *release.Verdict) bool {
		return !slices.ContainsFunc(v.Votes, func(x release.Vote) bool { return x.Act == policy.Release && x.Counts() })
	})
	if len(by) == 1 {
		return by[0], nil
	}
	return nil, report.UsageFailure("name its release digest with --release; countermark status "+w.o.Version+" shows them", "version %s was released %d times", escape.Text(w.o.Version), len(released))
}

func (w *withdrawal) find(verdicts []*release.Verdict, d digest.SHA256) *release.Verdict {
	for _, v := range verdicts {
		if v.Digest == d && !d.IsZero() {
			return v
		}
	}
	return nil
}

// already reports whether the ledger has a withdrawal of the release by our key.
func (w *withdrawal) already(envelopes []dsse.Envelope, of digest.SHA256) bool {
	for _, e := range envelopes {
		s, err := statement.Parse(e.Payload)
		if err != nil || s.Kind != statement.KindWithdrawal || s.ReleaseDigest() != of {
			continue
		}
		for _, sig := range e.Signatures {
			one := dsse.Envelope{PayloadType: e.PayloadType, Payload: e.Payload, Signatures: []dsse.Signature{sig}}
			if signing.SignedBy(one, w.signer.Holder(), w.now()) {
				w.r.Statement, w.r.Digest, w.r.Fingerprint, w.r.Already = s, statement.Digest(e.Payload), sig.KeyID, true
				return true
			}
		}
	}
	return false
}

// sign makes the statement, and signs it.
func (w *withdrawal) sign(ctx context.Context, of *statement.Statement) (entry.Entry, error) {
	s := &statement.Statement{Kind: statement.KindWithdrawal, Issued: w.now(), Identity: of.Identity, Outcome: of.Outcome, Archives: of.Archives,
		Withdrawal: &statement.Withdrawal{Why: w.o.Why}}
	payload, err := s.Encode()
	if err != nil {
		return entry.Entry{}, report.UsageFailure("--why TEXT takes a few sentences", "the withdrawal cannot be written: %v", err)
	}
	envelope, made, err := signing.Envelope(ctx, w.signer, payload)
	if err != nil {
		return entry.Entry{}, err
	}
	w.r.Statement, w.r.Digest, w.r.Fingerprint = s, statement.Digest(payload), made.Fingerprint
	return entry.Of(envelope)
}

// counts reports whether our withdrawal is one that the policy counts, now or when
// others join.
func (w *withdrawal) counts(v *release.Verdict) bool {
	return slices.ContainsFunc(v.Votes, func(x release.Vote) bool {
		return x.Act == policy.Withdraw && x.Digest == w.r.Digest && (x.Fate == policy.Counted || x.Fate == policy.Spare || x.Fate == policy.Repeated)
	})
}

// conclude says who must still sign.
func (w *withdrawal) conclude(v *release.Verdict) {
	if v.Withdrawal == nil {
		return
	}
	w.r.InForce = v.Withdrawal.Met()
	for _, f := range v.Withdrawal.Failures {
		w.r.Missing = append(w.r.Missing, f.Text)
	}
}

// Text says what became of it, for people.
func (r *Result) Text() string {
	t, s := &strings.Builder{}, r.Statement
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	line("withdrawal of %s version %s, release digest %v", escape.Text(s.Identity.Project), escape.Text(s.Identity.Version), s.ReleaseDigest())
	line("  why:       %s", escape.Text(s.Withdrawal.Why))
	line("  statement: sha256:%v", r.Digest)
	line("  key:       %s", escape.Text(r.Fingerprint))
	if r.Already {
		line("  This key had withdrawn it already; nothing was written.")
	}
	for _, m := range r.Missing {
		line("  missing:   %s", m)
	}
	if r.InForce {
		line("WITHDRAWN: with what is in this ledger, nobody's verify passes; countermark push REMOTE and a new bundle tell everybody")
	} else {
		line("NOT WITHDRAWN YET: in this ledger; countermark push REMOTE hands it to those who are missing")
	}
	return t.String()
}
