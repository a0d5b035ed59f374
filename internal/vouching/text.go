package vouching

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
)

// notProved is what no verdict says, however good.
const notProved = "Not proved: that the source of that commit is honest; that those who vouch are not one attacker."

// Text returns the verdict for people: the answer first, then who vouches in
// which role, what was held together, and what speaks against it.
func (r *Result) Text() string {
	t := &strings.Builder{}
	v := r.Verdict
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	line("%s", r.headline())
	for _, f := range v.Failures {
		line("  %s: %s", f.Rule, f.Text)
	}
	for _, o := range v.Open {
		line("  open: %s", o)
	}
	if v.Judgement != nil {
		for _, tally := range v.Judgement.Tallies {
			line("  %-16s %s", tally.Role.String()+":", tallyText(&tally, v.Votes))
		}
		for _, vote := range v.Votes {
			if s := asideText(&vote); s != "" {
				line("  %s", s)
			}
		}
		for _, pair := range v.Judgement.Combine {
			line("  note: this policy lets one person count as %v and as %v", pair[0], pair[1])
		}
		if v.Judgement.Exception != nil {
			line("  note: this policy makes an exception for such versions")
		}
	}
	if v.Lineage != nil {
		for q, a := range v.Lineage.Answers {
			if a.State == lineage.Holds {
				line("  %-16s %s", lineage.Question(q).String()+":", a.Text)
			}
		}
	}
	if v.Policy != nil {
		line("  %-16s version %d, sha256:%v; root sha256:%v", "policy:", v.Policy.Version, v.PolicySum, v.Root)
	}
	for _, n := range append(v.Notes, r.Notes...) {
		line("  note: %s", n)
	}
	if v.Others > 0 {
		line("  note: %d signatures are on other releases", v.Others)
	}
	line("%s", r.verdictLine())
	line("%s", notProved)
	return t.String()
}

// headline says what was asked about what.
func (r *Result) headline() string {
	names := make([]string, len(r.Archives))
	for i, a := range r.Archives {
		names[i] = escape.Text(filepath.Base(a.Name))
	}
	s := strings.Join(names, ", ")
	if v := r.Verdict; v.Statement != nil {
		return fmt.Sprintf("%s  as  %s version %s", s, escape.Text(v.Statement.Identity.Project), escape.Text(v.Statement.Identity.Version))
	}
	return s
}

// verdictLine is the answer.
func (r *Result) verdictLine() string {
	v := r.Verdict
	switch v.Outcome() {
	case release.Vouched:
		return fmt.Sprintf("VOUCHED FOR: by %s, as version %d of the policy demands  (assurance: quorum)", strings.Join(v.Parties(), ", "), v.Policy.Version)
	case release.Refuted:
		return fmt.Sprintf("NOT VOUCHED FOR: %s: %s", v.Failures[0].Rule, v.Failures[0].Text)
	}
	if v.Root.IsZero() || v.Trusted {
		return "INCOMPLETE: nothing speaks against it, and something could not be looked at"
	}
	return fmt.Sprintf("INCOMPLETE: who vouched is known only by policies that nobody here trusts; if sha256:%v is the project's root, say so with --root", v.Root)
}

// tallyText says how one role's quorum stands.
func tallyText(t *policy.Tally, votes []release.Vote) string {
	switch {
	case t.Waived:
		return "the policy asks for nobody"
	case t.Idle:
		return "nobody is needed: every generated file was reproduced"
	}
	s := fmt.Sprintf("%d of %d", len(t.Counted), t.Need)
	for i, name := range t.Counted {
		s += map[bool]string{true: ": ", false: "; "}[i == 0] + escape.Text(name) + keyText(name, t.Role, votes)
	}
	if t.Missing() > 0 && len(t.Absent) > 0 {
		s += "; missing " + strings.Join(t.Absent, ", ")
	}
	if t.Missing() > 0 && len(t.Elsewhere) > 0 {
		s += "; counted in another role " + strings.Join(t.Elsewhere, ", ")
	}
	if len(t.Spare) > 0 {
		s += "; also " + strings.Join(t.Spare, ", ")
	}
	return s
}

// keyText names the key by which a party counts.
func keyText(party string, role policy.Role, votes []release.Vote) string {
	for _, v := range votes {
		if v.Party == party && v.Role == role && v.Fate == policy.Counted {
			s := fmt.Sprintf(" (%v %s: %v", v.Form, escape.Text(v.Fingerprint), v.State)
			if v.Note != "" {
				s += ", " + v.Note
			}
			return s + ")"
		}
	}
	return ""
}

// asideText is the line of a signature that does not count, "" for one that does.
func asideText(v *release.Vote) string {
	key := fmt.Sprintf("%v %s", v.Form, escape.Text(v.Fingerprint))
	switch {
	case v.State == signature.NoKey && v.Form == 0:
		return "note: " + v.Why
	case v.State != signature.Good && v.State != signature.GoodExpired:
		return fmt.Sprintf("ignored: a %v signed with %s: %v", v.Act, key, v.State)
	case v.Fate == policy.Dissent:
		return fmt.Sprintf("dissent: %s: %s", v.Party, v.Text)
	case v.Fate == policy.Dead || v.Fate == policy.Stranger || v.Fate == policy.NoRole || v.Fate == policy.OtherMatter || v.Fate == policy.Insufficient:
		return fmt.Sprintf("ignored: a %v signed with %s: %s", v.Act, key, v.Text)
	}
	return ""
}
