package finding

import (
	"cmp"
	"errors"

	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
)

// Explain turns an error of a build into a failure that says what to do.
func Explain(err error) *report.Failure {
	f := report.FailureOf(err, report.Internal)
	if transport, ok := errors.AsType[*gitrepo.TransportError](err); ok {
		f = &report.Failure{Code: report.NotComplete, Detail: transport.Error(), Hint: "run the same command again when the server can be reached"}
	} else if f.Refusal != nil && f.Refusal.Rule == refusal.GitMissing {
		f.Hint = cmp.Or(f.Hint, "git fetch gets what the repository lacks: --unshallow the history, --refetch --no-filter what a partial clone left out, a ref by its full name")
	} else if f.Refusal != nil {
		f.Hint = cmp.Or(f.Hint, report.HintFor(f.Refusal.Rule))
	}
	return f
}
