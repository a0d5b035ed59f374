package governing

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/coalition"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/report"
)

// Text shows a policy in words.
func (d *Document) Text() string {
	t := &strings.Builder{}
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	p := d.Policy
	line("policy of %s, version %d", escape.Text(p.Project), p.Version)
	line("  sha256:%v", d.Digest)
	for i := range p.Parties {
		t.WriteString(partyText(&p.Parties[i]))
	}
	line("  owners: %s", quorumText(p.Owners))
	line("  withdrawals: %s", quorumText(p.WithdrawalQuorum()))
	for _, terms := range p.AllTerms() {
		line("  %s:", versionsText(terms.Versions))
		for _, r := range terms.Requirements {
			if r.Waived {
				line("    %-16s nobody", r.Role)
				continue
			}
			line("    %-16s %s", r.Role, quorumText(r.Quorum))
		}
	}
	for _, pair := range p.Combine {
		line("  one person may count as %v and as %v", pair[0], pair[1])
	}
	c := p.Conditions
	for _, condition := range []struct {
		asked bool
		text  string
	}{
		{c.HostingDomains > 0, fmt.Sprintf("at least %d hosting domains", c.HostingDomains)},
		{c.ToolchainOrigins > 0, fmt.Sprintf("at least %d toolchain origins", c.ToolchainOrigins)},
		{c.Unreproduced, "a review covers every generated file that was not reproduced"},
		{c.PortableNames, "names that mean the same on every system"},
		{c.RSABits > 0, fmt.Sprintf("keys of RSA with at least %d bits", c.RSABits)},
	} {
		if condition.asked {
			line("  condition: %s", condition.text)
		}
	}
	for _, r := range p.Recipes {
		line("  recipe sha256:%v", r)
	}
	for _, r := range p.Revocations {
		line("  revoked: %v, but for %d statements", r.Key, len(r.Keeps))
	}
	for _, k := range p.Kept {
		line("  kept: release %v, by version %d", k.Release, k.Policy)
	}
	return t.String()
}

func partyText(p *policy.Party) string {
	s := fmt.Sprintf("  %v %s", p.Kind, p.Name)
	for _, part := range []struct{ name, value string }{{"hosted by", p.Domain}, {"toolchain of", p.Toolchain}, {"operated by", strings.Join(p.Operators, ", ")}} {
		if part.value != "" {
			s += ", " + part.name + " " + part.value
		}
	}
	s += "\n"
	for _, h := range p.Holders {
		var raw publickey.Key
		if len(h.Keys) > 0 {
			raw = h.Keys[0]
		}
		s += fmt.Sprintf("    %v %s (%v)\n", h.Form, escape.Text(h.Fingerprint), raw)
	}
	return s
}

func quorumText(q policy.Quorum) string {
	return fmt.Sprintf("%d of %s", q.Need, strings.Join(q.Of, ", "))
}

func versionsText(patterns []policy.Pattern) string {
	if patterns == nil {
		return "releases"
	}
	names := make([]string, len(patterns))
	for i, p := range patterns {
		names[i] = p.String()
	}
	return "releases " + strings.Join(names, ", ")
}

// Worth is what a policy is worth.
type Worth struct {
	Document *Document
	Reports  []coalition.Report // for all versions, and for each exception
}

// Worth asks what the policy is worth.
func (d *Document) Worth() *Worth {
	w := &Worth{Document: d}
	for _, terms := range d.Policy.AllTerms() {
		w.Reports = append(w.Reports, coalition.Analyse(d.Policy, terms))
	}
	return w
}

// Exit returns the exit status: 1 if one alone can release something else than the
// source makes, or replace the policy. That whoever may sign the source's tag alone
// answers for the source is said, and no fault.
func (w *Worth) Exit() int {
	for i := range w.Reports {
		for _, a := range w.Reports[i].Answers {
			if (a.Question == coalition.Tamper || a.Question == coalition.Rewrite) && a.Size() == 1 {
				return report.Failed.Exit()
			}
		}
	}
	return report.Verified.Exit()
}

// Text says what the policy is worth, in words.
func (w *Worth) Text() string {
	t := &strings.Builder{}
	d := w.Document
	fmt.Fprintf(t, "policy of %s, version %d, sha256:%v: sound\n", escape.Text(d.Policy.Project), d.Policy.Version, d.Digest)
	for i := range w.Reports {
		r := &w.Reports[i]
		for _, sentence := range r.Text() {
			fmt.Fprintf(t, "  %s\n", sentence)
		}
	}
	if w.Exit() != 0 {
		t.WriteString("ONE ALONE can release something else than the source makes.\n")
	} else {
		t.WriteString("Nobody alone can release something else than the source makes.\n")
	}
	return t.String()
}
