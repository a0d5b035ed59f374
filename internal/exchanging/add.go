package exchanging

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/collection"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/report"
)

// AddOptions say what to add, and to what.
type AddOptions struct {
	Files      []string // of envelopes
	Repository string   // local, to whose ledger they are added; "": the one we stand in
	Collection string   // folder to which they are added instead; "" for none
	Party      string   // whose folder of the collection
}

// Added is what was added.
type Added struct {
	Given, New int
	Where      []string // in a collection: paths of the files
}

// Add adds signed statements to the ledger of a repository, or to a plain folder.
// The error is a *report.Failure.
func Add(ctx context.Context, o AddOptions) (*Added, error) {
	entries, err := ReadEnvelopes(o.Files)
	if err != nil {
		return nil, err
	}
	a := &Added{Given: len(entries)}
	if o.Collection != "" {
		return a, a.collect(o, entries)
	}
	l, err := governing.OpenLedger(ctx, o.Repository)
	if err != nil {
		return nil, explain(ctx, err)
	}
	a.New, err = ledger.Append(ctx, l.Repo, entries...)
	return a, explain(ctx, errors.Join(err, l.Close()))
}

// collect adds them to a plain folder.
func (a *Added) collect(o AddOptions, entries []entry.Entry) error {
	if err := entry.CheckParty(o.Party); err != nil {
		return report.UsageFailure("--party NAME says into whose folder they go", "--party: %v", err)
	}
	for _, e := range entries {
		where, added, err := collection.Add(collection.Adding{Dir: o.Collection, Party: o.Party, Entry: e, Write: durable.WriteFile})
		if err != nil {
			return &report.Failure{Code: report.Failed, Detail: err.Error(), Hint: "what was added before stays; look at that file"}
		}
		if added {
			a.New++
		}
		a.Where = append(a.Where, where)
	}
	return nil
}

// Text says what was added, for people.
func (a *Added) Text() string {
	t := &strings.Builder{}
	for _, where := range a.Where {
		fmt.Fprintf(t, "  %s\n", escape.Text(where))
	}
	fmt.Fprintf(t, "Added: %s; %d had been there.\n", counted(a.New, "statement", "statements"), a.Given-a.New)
	return t.String()
}
