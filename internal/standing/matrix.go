package standing

import (
	"slices"

	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/release"
)

// columns are what a party can contribute to a release.
func columns() []policy.Act {
	return []policy.Act{policy.SignTag, policy.Build, policy.Review, policy.Release}
}

// heading returns the name of a column.
func heading(act policy.Act) string {
	switch act {
	case policy.SignTag:
		return "source tag"
	case policy.Build:
		return "build"
	case policy.Review:
		return "review"
	case policy.Release:
		return "release"
	}
	return act.String()
}

// row is what one party of the policy has contributed.
type row struct {
	party *policy.Party
	cells []string // one for each of columns
}

// The cells that no signature makes.
const (
	missing = "missing" // without it the policy is not met
	nothing = "-"
)

// matrix returns a row for each party of the policy.
func matrix(v *release.Verdict) []row {
	if v.Policy == nil || v.Judgement == nil {
		return nil
	}
	rows := make([]row, len(v.Policy.Parties))
	for i := range v.Policy.Parties {
		rows[i].party = &v.Policy.Parties[i]
		for _, act := range columns() {
			rows[i].cells = append(rows[i].cells, cell(v, rows[i].party.Name, act))
		}
	}
	return rows
}

// cell says what became of a party's signatures of one act: the best of them, and
// a dissent before all.
func cell(v *release.Verdict, party string, act policy.Act) string {
	var best *release.Vote
	for i := range v.Votes {
		vote := &v.Votes[i]
		if vote.Party != party || vote.Act != act || vote.Fate == 0 {
			continue
		}
		if best == nil || vote.Fate == policy.Dissent || best.Fate != policy.Dissent && vote.Fate < best.Fate {
			best = vote
		}
	}
	if best != nil {
		return fateText(best)
	}
	for _, t := range v.Judgement.Tallies {
		if t.Missing() > 0 && slices.Contains(t.Absent, party) && actOf(t.Role) == act {
			return missing
		}
	}
	return nothing
}

// actOf returns what a role contributes.
func actOf(r policy.Role) policy.Act {
	switch r {
	case policy.Source:
		return policy.SignTag
	case policy.Builder, policy.Rebuilder:
		return policy.Build
	case policy.Reviewer:
		return policy.Review
	case policy.ReleaseManager:
		return policy.Release
	}
	return 0
}

// fateText says in a word or two what became of a signature.
func fateText(v *release.Vote) string {
	switch v.Fate {
	case policy.Counted:
		return v.Role.String()
	case policy.OwnBuild:
		return "own build"
	case policy.Spare, policy.Repeated:
		return "agrees"
	case policy.Dissent:
		return "DISSENTS"
	case policy.Insufficient:
		return "insufficient"
	case policy.OtherMatter:
		return "other matter"
	case policy.NoRole:
		return "no role"
	case policy.Dead:
		return "key revoked"
	}
	return "unknown key"
}

// lacks says who is missing, role by role.
func lacks(v *release.Verdict) []string {
	var all []string
	if v.Judgement == nil {
		return nil
	}
	for _, t := range v.Judgement.Tallies {
		if t.Missing() > 0 {
			all = append(all, t.Lacks())
		}
	}
	return all
}
