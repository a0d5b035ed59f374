// Package exchanging wires up `countermark fetch`, `push` and `add`: what a
// repository and a server give each other, so that whoever takes part in a
// release has what they need: statements and policies, the candidates, the source
// tags and built branches that they speak of.
//
// Statements go first, the refs that rest on them afterwards. Everything is done
// once: the same command, run again after it was interrupted anywhere, finds what
// is there and does the rest.
package exchanging

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/trust"
)

// Options say what to exchange, and with whom.
type Options struct {
	Repository string   // local; "": the one we stand in
	Remote     string   // name of a remote, URL or path
	Version    string   // whose statements and branches; "" for all
	Recipe     string   // file of the recipe, where the source has none; "" for none
	Files      []string // of envelopes, to be added to the ledger first
	Progress   func(line string)
}

// exchange is one run.
type exchange struct {
	Options
	ledger *governing.Ledger
	repo   *gitrepo.Repository
	server refs.Server
	recipe *recipe.Recipe
}

// open opens the repository, and finds out where the server is.
func open(ctx context.Context, o Options, address func(context.Context, *gitrepo.Repository, string) (string, error)) (*exchange, error) {
	x := &exchange{Options: o}
	if o.Version != "" {
		if _, err := recipe.ParseVersion(o.Version); err != nil {
			return nil, report.UsageFailure("a version is what stands in the name of the archive, as in 1.0", "--version %s: %v", escape.Quote(o.Version), err)
		}
	}
	if err := x.readRecipe(); err != nil {
		return nil, err
	}
	l, err := governing.OpenLedger(ctx, o.Repository)
	if err != nil {
		return nil, err
	}
	x.ledger, x.repo = l, l.Repo
	found, err := address(ctx, x.repo, o.Remote)
	if err == nil {
		x.server.Address, x.server.Progress = cmp.Or(found, o.Remote), o.Progress
		if !gitrepo.IsRemote(x.server.Address) {
			x.server.Address, err = x.folder()
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return x, nil
}

// folder returns the absolute path of a repository on this machine.
func (x *exchange) folder() (string, error) {
	path, err := filepath.Abs(x.server.Address)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", report.UsageFailure("git remote -v lists the remotes; a URL begins with https:// or ssh://", "%s is no remote of this repository, no URL, and no folder", escape.Quote(x.Remote))
	}
	return path, nil
}

func (x *exchange) readRecipe() error {
	if x.Options.Recipe == "" {
		return nil
	}
	data, err := trust.ReadFile(x.Options.Recipe, bundle.MaxRecipeBytes)
	if err != nil {
		return err
	}
	x.recipe, err = recipe.Parse(data)
	return err
}

// explain turns an error into a failure.
func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &report.Failure{Code: report.Internal, Detail: "interrupted; the same command does what is left to be done"}
	}
	f := report.FailureOf(err, report.Internal)
	if transport, ok := errors.AsType[*gitrepo.TransportError](err); ok {
		return &report.Failure{Code: report.NotComplete, Detail: transport.Error(), Hint: "run the same command again when the server can be reached"}
	}
	if f.Refusal != nil {
		f.Hint = cmp.Or(f.Hint, report.HintFor(f.Refusal.Rule))
	}
	return f
}

// ReadEnvelopes reads files of signed statements, one envelope a line.
func ReadEnvelopes(files []string) ([]entry.Entry, error) {
	var entries []entry.Entry
	for _, path := range files {
		data, err := trust.ReadFile(path, ledger.MaxTotalBytes)
		if err != nil {
			return nil, report.UsageFailure("countermark sign writes KIND-DIGEST.intoto.jsonl", "reading the statements: %v", err)
		}
		if len(data) == 0 {
			return nil, &report.Failure{Code: report.Rejected, File: path, Detail: escape.Text(path) + " is empty"}
		}
		for line := range strings.Lines(string(data)) {
			e, err := readEnvelope(line)
			if err != nil {
				f := report.FailureOf(err, report.Rejected)
				f.File, f.Detail = path, escape.Text(path)+": "+f.Detail
				f.Hint = cmp.Or(f.Hint, "countermark sign writes such files: one signed statement a line; nothing was added")
				return nil, f
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// readEnvelope reads one line, and writes it anew as entries are written.
func readEnvelope(line string) (entry.Entry, error) {
	e, err := dsse.Parse([]byte(strings.TrimSuffix(line, "\n")))
	if err != nil {
		return entry.Entry{}, err
	}
	if err := signing.CheckForm(e); err != nil {
		return entry.Entry{}, err
	}
	return entry.Of(e)
}
