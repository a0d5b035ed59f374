// Package governing wires up `countermark policy`: policies are written, shown,
// checked, changed and signed, and kept as a chain in a repository's ledger.
package governing

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/trust"
)

// FileName is the name of a policy's file.
const FileName = "policy.toml"

// Document is one version of a policy, as it was read.
type Document struct {
	Policy *policy.Policy
	Raw    []byte
	Digest digest.SHA256
	Name   string // of the file or ref, for people
}

// ReadFile reads a policy's file.
func ReadFile(path string) (*Document, error) {
	raw, err := trust.ReadFile(path, policyfile.MaxFileBytes)
	if err != nil {
		return nil, err
	}
	return read(path, raw)
}

func read(name string, raw []byte) (*Document, error) {
	p, err := policyfile.Parse(name, raw)
	if fault, ok := errors.AsType[*policyfile.Error](err); ok {
		f := report.FailureOf(err, report.Rejected)
		f.File, f.Detail, f.Hint = name, fault.Error(), cmp.Or(fault.Hint, "docs/spec/policy.md has the grammar")
		return nil, f
	}
	if err != nil {
		return nil, err
	}
	return &Document{p, raw, sha256.Sum256(raw), name}, nil
}

// Ledger is the chain of policies in a repository.
type Ledger struct {
	Repo  *gitrepo.Repository
	Chain ledger.Chain
}

// OpenLedger opens a local repository, "" is the one we stand in, and reads its
// chain, which may be empty.
func OpenLedger(ctx context.Context, path string) (*Ledger, error) {
	git, err := gitrepo.Find(ctx)
	if err != nil {
		return nil, &report.Failure{Code: report.Usage, Detail: err.Error(), Hint: "install git 2.39 or newer"}
	}
	if path == "" {
		here, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("looking for a repository: %w", err)
		}
		if path, err = gitrepo.Discover(here); err != nil {
			return nil, report.UsageFailure("stand in a clone of the project, or name one with --repo", "there is no git repository here")
		}
	}
	l := &Ledger{}
	if l.Repo, err = git.OpenLocal(ctx, path); err != nil {
		return nil, err
	}
	if l.Chain, err = ledger.ReadPolicies(ctx, l.Repo); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Close ends the use of the repository.
func (l *Ledger) Close() error { return l.Repo.Close() }

// Documents reads every version, the oldest first.
func (l *Ledger) Documents() ([]*Document, error) {
	var all []*Document
	for i, link := range l.Chain.Links {
		d, err := read(fmt.Sprintf("version %d in the ledger", i+1), link.Payload)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// Newest returns the newest version.
func (l *Ledger) Newest() (*Document, error) {
	all, err := l.Documents()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &report.Failure{Code: report.NotComplete, Detail: "this repository holds no policy", Hint: "countermark fetch REMOTE gets it; countermark policy init makes the first"}
	}
	return all[len(all)-1], nil
}

// Choose returns the policy of a file, or the newest of the ledger where none is named.
func Choose(ctx context.Context, file, repo string) (*Document, error) {
	if file != "" {
		return ReadFile(file)
	}
	l, err := OpenLedger(ctx, repo)
	if err != nil {
		return nil, err
	}
	d, err := l.Newest()
	return d, errors.Join(err, l.Close())
}

// envelopeOf reads an envelope with signatures over a policy, empty if the file is
// not there.
func envelopeOf(path string, raw []byte) (dsse.Envelope, error) {
	e := dsse.Envelope{PayloadType: dsse.PolicyType, Payload: raw}
	data, err := trust.ReadFile(path, dsse.MaxBytes)
	if errors.Is(err, os.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	there, err := dsse.Parse(data)
	if err != nil {
		return e, err
	}
	if there.PayloadType != dsse.PolicyType || string(there.Payload) != string(raw) {
		return e, report.UsageFailure("move it away: it holds the signatures over other bytes", "%s is there and is not of this policy", escape.Quote(path))
	}
	return there, nil
}
