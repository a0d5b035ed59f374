package vouching

import (
	"cmp"
	"encoding/json"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
)

// document is the JSON document (docs/spec/release.md, "The document").
type document struct {
	Format    int              `json:"format"`
	Verdict   string           `json:"verdict"`
	Exit      int              `json:"exit"`
	Code      report.Code      `json:"code"`
	Assurance string           `json:"assurance"`
	Archives  []report.Archive `json:"archives"`
	Release   *releaseJSON     `json:"release"`
	Policy    *policyJSON      `json:"policy"`
	Checks    []checkJSON      `json:"checks"`
	Roles     []roleJSON       `json:"roles"`
	Votes     []voteJSON       `json:"votes"`
	Failures  []failureJSON    `json:"failures"`
	Open      []string         `json:"open"`
	Notes     []string         `json:"notes"`
}

type releaseJSON struct {
	Project string `json:"project"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	Commit  string `json:"commit"`
	Tag     string `json:"tag"`
}

type policyJSON struct {
	Version int    `json:"version"`
	SHA256  string `json:"sha256"`
	Root    string `json:"root"`
	Trusted bool   `json:"trusted"`
	Newest  int    `json:"newest"`
}

type checkJSON struct {
	Question string `json:"question"`
	State    string `json:"state"`
	Rule     string `json:"rule,omitempty"`
	Text     string `json:"text"`
}

type roleJSON struct {
	Role      string   `json:"role"`
	Need      int      `json:"need"`
	Waived    bool     `json:"waived"`
	Idle      bool     `json:"idle"`
	Counted   []string `json:"counted"`
	Spare     []string `json:"spare"`
	Elsewhere []string `json:"elsewhere"`
	Absent    []string `json:"absent"`
}

type voteJSON struct {
	Act       string `json:"act"`
	Statement string `json:"statement"`
	Form      string `json:"form"`
	Key       string `json:"key"`
	State     string `json:"state"`
	Party     string `json:"party"`
	Role      string `json:"role"`
	Fate      string `json:"fate"`
	Text      string `json:"text"`
}

type failureJSON struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

// JSON returns the verdict as one document.
func (r *Result) JSON() []byte {
	v := r.Verdict
	outcome := v.Outcome()
	d := document{Format: report.FormatVersion, Verdict: outcome.String(), Exit: outcome.Exit(), Code: report.CodeOf(outcome.Exit()), Assurance: "quorum",
		Archives: r.Archives, Open: some(v.Open), Notes: append(some(v.Notes), r.Notes...),
		Checks: []checkJSON{}, Roles: []roleJSON{}, Votes: []voteJSON{}, Failures: []failureJSON{}}
	if s := v.Statement; s != nil {
		d.Release = &releaseJSON{s.Identity.Project, s.Identity.Version, v.Digest.String(), s.Outcome.Commit.ID.String(), s.Identity.TagRef}
	}
	if p := v.Policy; p != nil {
		d.Policy = &policyJSON{p.Version, v.PolicySum.String(), v.Root.String(), v.Trusted, v.Newest}
	}
	if v.Lineage != nil {
		for q, a := range v.Lineage.Answers {
			d.Checks = append(d.Checks, checkJSON{lineage.Question(q).String(), a.State.String(), string(a.Rule), a.Text})
		}
	}
	if v.Judgement != nil {
		for _, t := range v.Judgement.Tallies {
			d.Roles = append(d.Roles, roleJSON{t.Role.String(), t.Need, t.Waived, t.Idle, some(t.Counted), some(t.Spare), some(t.Elsewhere), some(t.Absent)})
		}
	}
	for i := range v.Votes {
		d.Votes = append(d.Votes, voteOf(&v.Votes[i]))
	}
	for _, f := range v.Failures {
		d.Failures = append(d.Failures, failureJSON{string(f.Rule), f.Text})
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic(err) // the document holds nothing that JSON cannot
	}
	return append(escape.JSON(data), '\n')
}

// some returns the list, and one that is empty for none: a document has no null
// where a list belongs.
func some(list []string) []string { return append([]string{}, list...) }

func voteOf(v *release.Vote) voteJSON {
	j := voteJSON{Act: v.Act.String(), Statement: v.Digest.String(), Form: v.Form.String(), Key: v.Fingerprint, State: v.State.String(), Party: v.Party, Text: cmp.Or(v.Text, v.Why)}
	if v.Role != 0 {
		j.Role = v.Role.String()
	}
	if v.Fate != 0 {
		j.Fate = fateText(v.Fate)
	}
	return j
}

// fateText returns the fate as documents have it.
func fateText(f policy.Fate) string {
	switch f {
	case policy.Counted:
		return "counted"
	case policy.OwnBuild:
		return "own build"
	case policy.Spare:
		return "spare"
	case policy.Repeated:
		return "repeated"
	case policy.Dissent:
		return "dissent"
	case policy.Insufficient:
		return "insufficient"
	case policy.OtherMatter:
		return "other matter"
	case policy.NoRole:
		return "no role"
	case policy.Dead:
		return "dead"
	}
	return "stranger"
}
