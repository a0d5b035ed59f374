package blessing

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/release"
)

// Text says what became of it, for people.
func (r *Result) Text() string {
	t := &strings.Builder{}
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	if r.Rebuilt != nil {
		t.WriteString(r.Rebuilt.Text())
	}
	if r.Rebuilt != nil && r.Rebuilt.Exit() != 0 {
		line("NOT BLESSED: this machine's own build does not agree with the candidate. Nothing was written.")
		line("  A file that cannot be reproduced passes only if a review names its very digest; reviews are not made by this version.")
		return t.String()
	}
	for _, f := range r.Reasons {
		line("  %s: %s", f.Rule, f.Text)
	}
	if len(r.Reasons) > 0 {
		if slices.ContainsFunc(r.Reasons, func(f release.Failure) bool { return strings.HasPrefix(f.Text, policy.Reviewer.String()+":") }) {
			line("  The policy asks for a review. Reviews are not made by this version; until then it cannot be met.")
		}
		line("NOT BLESSED: %s. Nothing was written.", r.Reasons[0].Text)
		return t.String()
	}
	line("  built branch:  %s now holds %v", escape.Text(r.Branch), r.Commit)
	line("  to publish:    %s", escape.Text(r.Folder))
	for _, n := range r.Notes {
		line("  note: %s", n)
	}
	for _, w := range r.Waiting {
		line("  still missing: %s; until then, nobody's verify passes", w)
	}
	line("BLESSED: %s", strings.Join(r.Verdict.Parties(), ", "))
	return t.String()
}
