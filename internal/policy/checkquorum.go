package policy

import (
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature/finding"
)

// quorum checks a quorum of a role, whose keys stand in the table at a place.
func (c *checker) quorum(place []string, r Role, q Quorum) {
	able := 0
	for i, name := range q.Of {
		item := slices.Concat(place, at("of", index(i)))
		party := c.Party(name)
		switch {
		case party == nil:
			c.wrong(item, "list people and machines of this policy", "%s is no party of the policy", document.Excerpt(name))
			continue
		case party.Kind == Machine && r.ByPeople():
			c.wrong(item, "list people; machines build and rebuild", "the machine %s cannot be %s", document.Excerpt(name), r)
		case slices.Contains(q.Of[:i], name):
			c.wrong(item, "leave one of them out: everybody counts once", "%s is listed twice", document.Excerpt(name))
			continue
		}
		if c.live(party) {
			able++
		}
	}
	switch {
	case len(q.Of) == 0:
		c.wrong(place, "list who may do this: of = [\"...\"]", "nobody is listed as %s", r)
	case q.Need < 1 || q.Need > MaxNeed:
		c.wrong(slices.Concat(place, at("need")), "need at least one; a role that is not asked for is said by waive", "%d are needed as %s, expected 1 to %d", q.Need, r, MaxNeed)
	case q.Need > able:
		c.wrong(slices.Concat(place, at("need")), "need fewer, or list more", "%d are needed as %s, and only %d are listed that have a key which is not revoked", q.Need, r, able)
	}
}

func (c *checker) quorums() {
	c.quorum(at("owners"), Owner, c.Owners)
	if c.Withdrawers.Need != 0 || c.Withdrawers.Of != nil {
		c.quorum(at("quorum", Withdrawer.String()), Withdrawer, c.Withdrawers)
	}
	var roles []Role
	for _, r := range c.Requirements {
		roles = append(roles, r.Role)
	}
	if !slices.Equal(roles, Roles()) {
		for _, r := range Roles() {
			if !slices.Contains(roles, r) {
				c.wrong(at("quorum"), "add the table quorum."+r.String()+", or say waive = [\""+r.String()+"\"]", "the policy does not say who is needed as %s", r)
			}
		}
		c.wrong(at("quorum"), "name each role once", "the roles are not all there, each once and in order")
		return
	}
	for _, r := range c.Requirements {
		c.requirement(nil, r)
	}
}

// requirement checks what is asked of one role, below a place.
func (c *checker) requirement(place []string, r Requirement) {
	switch {
	case r.Waived && r.Role == ReleaseManager:
		c.wrong(slices.Concat(place, at("waive")), "somebody has to make the release", "the role %s cannot be waived", r.Role)
	case r.Waived && (r.Need != 0 || r.Of != nil):
		c.wrong(slices.Concat(place, at("waive")), "leave out one of the two", "the role %s is waived, and has a quorum", r.Role)
	case !r.Waived:
		c.quorum(slices.Concat(place, at("quorum", r.Role.String())), r.Role, r.Quorum)
	}
}

func (c *checker) exceptions() {
	seen := map[Pattern]bool{}
	if n := len(c.Exceptions); n > MaxCases {
		c.wrong(at("for"), "name more versions by one pattern", "the policy has %d exceptions, at most %d are accepted", n, MaxCases)
	}
	for i, e := range c.Exceptions {
		place := at("for", index(i))
		if n := len(e.Versions); n == 0 || n > MaxCases {
			c.wrong(slices.Concat(place, at("versions")), "write versions = [\"*RC*\"]", "the exception names %d version patterns, expected 1 to %d", n, MaxCases)
		}
		for k, v := range e.Versions {
			if seen[v] || v == (Pattern{}) {
				c.wrong(slices.Concat(place, at("versions", index(k))), "name each once: the first exception that names a version holds", "the version pattern %s is there twice, or empty", document.Excerpt(v.String()))
			}
			seen[v] = true
		}
		if len(e.Requirements) == 0 {
			c.wrong(place, "say what is needed for these versions", "the exception changes nothing")
		}
		for k, r := range e.Requirements {
			if r.Role < Source || r.Role > ReleaseManager || k > 0 && e.Requirements[k-1].Role >= r.Role {
				c.wrong(place, "name each role once", "the roles of the exception are not each there once and in order")
				return
			}
			c.requirement(place, r)
		}
	}
}

func (c *checker) combine() {
	for i, pair := range c.Combine {
		place := at("may-combine", index(i))
		swapped := Pair{pair[1], pair[0]}
		switch first, second := min(pair[0], pair[1]), max(pair[0], pair[1]); {
		case first < Source || second > ReleaseManager || first == second:
			c.wrong(place, "write two different roles of a release, as in [\"source\", \"release-manager\"]", "%s and %s cannot be combined", pair[0], pair[1])
		case first == Builder && second == Rebuilder:
			c.wrong(place, "list somebody else as rebuilder", "whoever built a release cannot rebuild it as well")
		case slices.Contains(c.Combine[:i], pair) || slices.Contains(c.Combine[:i], swapped):
			c.wrong(place, "leave one of them out", "%s and %s are combined twice", pair[0], pair[1])
		}
	}
}

func (c *checker) conditions() {
	bounds := []struct {
		key          string
		n, least, to int
	}{
		{"hosting-domains", c.Conditions.HostingDomains, 1, MaxParties},
		{"toolchain-origins", c.Conditions.ToolchainOrigins, 1, MaxParties},
		{"rsa-bits", c.Conditions.RSABits, finding.MinRSABits, publickey.MaxBits},
	}
	for _, b := range bounds {
		if b.n != 0 && (b.n < b.least || b.n > b.to) {
			c.wrong(at("conditions", b.key), "leave the line out if nothing is asked", "%s is %d, expected %d to %d", b.key, b.n, b.least, b.to)
		}
	}
	if !c.Conditions.Unreproduced {
		return
	}
	for _, r := range c.Requirements {
		if r.Role == Reviewer && r.Waived {
			c.wrong(at("conditions", "review"), "add the table quorum.reviewer", "review is asked for, and reviewers are waived")
		}
	}
}

// lists checks the lists of digests and what stands beside them.
func (c *checker) lists() {
	c.digests(at("recipes"), c.Recipes)
	if len(c.Recipes) == 0 {
		c.wrong(at("recipes"), "write recipes = [\"...\"], the SHA-256 of the recipe in hex", "no recipe is approved, so nothing can be released")
	}
	seen := map[publickey.Key]bool{}
	for i, r := range c.Revocations {
		place := at("revoked", index(i))
		switch {
		case c.holder(r.Key) == nobody:
			c.wrong(slices.Concat(place, at("key")), "keep it among its party's keys, so that what stays valid has a name", "the revoked key %s is no key of the policy's", r.Key)
		case seen[r.Key]:
			c.wrong(slices.Concat(place, at("key")), "list all that stays valid in one place", "the key %s is revoked twice", r.Key)
		}
		seen[r.Key] = true
		c.digests(slices.Concat(place, at("keeps")), r.Keeps)
	}
	for i, k := range c.Kept {
		place := at("kept", index(i))
		if k.Policy < 1 || k.Policy >= c.Version {
			c.wrong(slices.Concat(place, at("policy")), "name the version that judged it", "a kept release is judged by version %d, and this is version %d", k.Policy, c.Version)
		}
		if k.Release.IsZero() || slices.ContainsFunc(c.Kept[:i], func(earlier Kept) bool { return earlier.Release == k.Release }) {
			c.wrong(slices.Concat(place, at("release")), "leave one of them out", "the release %s is kept twice, or zero", k.Release)
		}
	}
	if n := max(len(c.Revocations), len(c.Kept)); n > MaxEntries {
		c.wrong(at("revoked"), "leave out what is old", "a list has %d entries, at most %d are accepted", n, MaxEntries)
	}
}

// possible checks that all parties together could meet the policy.
func (c *checker) possible() {
	var everybody []Signed
	for i := range c.Parties {
		if k, ok := c.LiveKey(&c.Parties[i]); ok {
			for _, act := range []Act{SignTag, Build, Review, Release} {
				everybody = append(everybody, Signed{Key: k, Act: act, Relation: Agrees})
			}
		}
	}
	for i, t := range c.AllTerms() {
		place := at("quorum")
		if i > 0 {
			place = at("for", index(i-1))
		}
		needed := 0
		for _, r := range t.Requirements {
			needed += r.Need
		}
		if needed > MaxSlots {
			c.wrong(place, "need fewer", "%d parties are needed in all roles, at most %d are accepted", needed, MaxSlots)
			continue
		}
		j := judge(c.Policy, t, everybody, Facts{Recipe: c.Recipes[0], PortableNames: Holds})
		if !j.Met() {
			var why []string
			for _, f := range j.Failures {
				why = append(why, f.Text)
			}
			c.wrong(place, "list more parties, or say with may-combine in which roles one person may count at once",
				"the policy cannot be met, not even if everybody signs: %s", strings.Join(why, "; "))
		}
	}
}
