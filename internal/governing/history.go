package governing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/trust"
)

// History is the verified chain of a ledger.
type History struct {
	Chain *policychain.Chain
	Given bool // the root was given
}

// ReadHistory reads and verifies the chain of a ledger from a root, "" for the
// first version there is. The error is a refusal, POL_CHAIN, where one does not
// follow.
func ReadHistory(ctx context.Context, repo, root string) (*History, error) {
	l, err := OpenLedger(ctx, repo)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	all, err := l.Documents()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, &report.Failure{Code: report.NotComplete, Detail: "this repository holds no policy", Hint: "countermark fetch REMOTE gets it; countermark policy init makes the first"}
	}
	trusted, err := trust.ReadRoot(root)
	if err != nil {
		return nil, err
	}
	h := &History{Given: !trusted.IsZero()}
	if !h.Given {
		trusted = all[0].Digest
	}
	var links []policychain.Link
	for _, e := range l.Chain.Links {
		links = append(links, policychain.Link{Policy: e.Payload, Signatures: e.Signatures})
	}
	h.Chain, err = policychain.Verify(links, trusted, time.Now().Unix())
	return h, err
}

// Text lists the versions.
func (h *History) Text() string {
	t := &strings.Builder{}
	fmt.Fprintf(t, "policy of %s\n", escape.Text(h.Chain.Newest().Policy.Project))
	for _, v := range h.Chain.Versions {
		fmt.Fprintf(t, "  version %d  sha256:%v  %s\n", v.Policy.Version, v.Digest, h.why(&v))
	}
	if !h.Given {
		t.WriteString("The root is whatever this repository holds: --root says which one you trust.\n")
	}
	return t.String()
}

// why says why a version is trusted.
func (h *History) why(v *policychain.Version) string {
	switch {
	case v.Digest == h.Chain.Root:
		return "the root"
	case v.Before == nil:
		return "named by the version after it"
	}
	names := counted(v.Before)
	for _, n := range counted(v.Own) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return "signed by " + strings.Join(names, ", ")
}

func counted(j *policy.Judgement) []string {
	var names []string
	for _, t := range j.Tallies {
		names = append(append(names, t.Counted...), t.Spare...)
	}
	return names
}
