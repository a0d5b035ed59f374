package standing

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
)

// Text says how the version stands, for people.
func (s *Status) Text() string {
	t := &strings.Builder{}
	for _, v := range s.Releases {
		s.writeRelease(t, v)
	}
	for _, n := range s.Notes {
		fmt.Fprintf(t, "  note: %s\n", n)
	}
	fmt.Fprintf(t, "%s\n", s.answer())
	return t.String()
}

// answer is the last line.
func (s *Status) answer() string {
	version := escape.Text(s.Version)
	switch s.Exit() {
	case report.Verified.Exit():
		return version + ": ALL ARE THERE whom the policy asks for; countermark verify holds an archive to it"
	case report.NotComplete.Exit():
		return version + ": NOT COMPLETE: nothing speaks against it, and something is missing"
	}
	return version + ": SOMETHING SPEAKS AGAINST IT"
}

func (s *Status) writeRelease(t *strings.Builder, v *release.Verdict) {
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	if st := v.Statement; st != nil {
		line("%s version %s: tag %s, built commit %v, release digest %v", escape.Text(st.Identity.Project), escape.Text(st.Identity.Version), escape.Text(st.Identity.TagRef), st.Outcome.Commit.ID, v.Digest)
	}
	if v.Policy != nil {
		line("policy: version %d, sha256:%v", v.Policy.Version, v.PolicySum)
	}
	writeMatrix(t, matrix(v))
	for _, l := range lacks(v) {
		line("  missing: %s", l)
	}
	for _, f := range v.Failures {
		if f.Rule != refusal.PolQuorum {
			line("  %s: %s", f.Rule, f.Text)
		}
	}
	for _, vote := range v.Votes {
		if vote.Fate == policy.Dissent {
			line("  dissent: %s: %s: statement %v", vote.Party, vote.Text, vote.Digest)
		} else if vote.Party == "" && vote.Fingerprint != "" {
			line("  ignored: the %v %v, signed with %v %s, which the policy does not know", vote.Act, vote.Digest, vote.Form, escape.Text(vote.Fingerprint))
		}
	}
	for _, open := range v.Open {
		line("  open: %s", open)
	}
	for _, n := range v.Notes {
		line("  note: %s", n)
	}
}

// writeMatrix writes parties and what they have contributed, in columns.
func writeMatrix(t *strings.Builder, rows []row) {
	if len(rows) == 0 {
		return
	}
	table := [][]string{{"party"}}
	for _, act := range columns() {
		table[0] = append(table[0], heading(act))
	}
	for _, r := range rows {
		table = append(table, append([]string{escape.Text(r.party.Name)}, r.cells...))
	}
	widths := make([]int, len(table[0]))
	for _, cells := range table {
		for i, c := range cells {
			widths[i] = max(widths[i], len(c))
		}
	}
	for _, cells := range table {
		var b strings.Builder
		for i, c := range cells {
			fmt.Fprintf(&b, "  %-*s", widths[i], c)
		}
		fmt.Fprintln(t, strings.TrimRight(b.String(), " "))
	}
}
