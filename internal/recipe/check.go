package recipe

import (
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/pattern"
)

// claim is one statement of a recipe that something creates certain paths.
type claim struct {
	place   string // of the pattern or path
	by      int    // index of what creates them among all downloads, writes and steps
	owner   string // the same for messages
	pattern pattern.Pattern
}

// contradicts reports whether two things may create one path, or one of them a
// file where the other needs a directory.
func (a claim) contradicts(b claim) bool {
	return a.by != b.by && (a.pattern.Overlaps(b.pattern) || a.pattern.Holds(b.pattern) || b.pattern.Holds(a.pattern))
}

// check notes what contradicts something else in the recipe (section 4).
func check(t *document.Table, r *Recipe) {
	checkNames(t, r)
	claims := claimsOf(r)
	for i, a := range claims {
		if j := slices.IndexFunc(claims[:i], a.contradicts); j >= 0 { // one of them is enough: there may be millions
			b := claims[j]
			t.Fail(later(t, a.place, b.place), document.Wrong("write patterns that no path can match in both",
				"%s and %s may both create what %s and %s mean", b.owner, a.owner, document.Excerpt(b.pattern.String()), document.Excerpt(a.pattern.String())))
		}
	}
	for i, s := range r.Steps {
		for j, discard := range s.Discard {
			checkDiscard(t, document.ItemPlace(stepPlace(i, "discard"), j), discard, claims)
		}
	}
}

func later(t *document.Table, a, b string) string {
	if t.Line(a) < t.Line(b) {
		return b
	}
	return a
}

// stepPlace returns the place of a key of the step with the given index.
func stepPlace(i int, key string) string {
	return document.KeyPlace(document.ItemPlace(document.KeyPlace("", "step"), i), key)
}

func claimsOf(r *Recipe) []claim {
	var claims []claim
	by := 0
	add := func(place, owner, path string) {
		p, _ := pattern.Parse(path) // it is one already
		claims = append(claims, claim{place, by, owner, p})
	}
	for i, d := range r.Downloads {
		add(document.KeyPlace(document.ItemPlace(document.KeyPlace("", "download"), i), "path"), fmt.Sprintf("download %d", i+1), string(d.Path))
		by++
	}
	for _, w := range r.Writes {
		add(document.KeyPlace(document.KeyPlace("", "write"), string(w.Path)), "write of "+document.Excerpt(string(w.Path)), string(w.Path))
		by++
	}
	for i, s := range r.Steps {
		for j, p := range s.Outputs {
			add(document.ItemPlace(stepPlace(i, "outputs"), j), "step "+document.Excerpt(s.Name), p.String())
		}
		by++
	}
	return claims
}

// checkDiscard notes a pattern of scratch that is said to be none. Where
// patterns only overlap, the output wins (section 4).
func checkDiscard(t *document.Table, place string, discard pattern.Pattern, claims []claim) {
	if i := slices.IndexFunc(claims, func(c claim) bool { return discard.String() == c.pattern.String() }); i >= 0 {
		t.Fail(place, document.Wrong("leave it out of discard if it belongs into the release, out of the other if it does not",
			"%s is scratch, but %s creates it for the release", document.Excerpt(discard.String()), claims[i].owner))
	}
}

// checkNames notes steps and tools of one name.
func checkNames(t *document.Table, r *Recipe) {
	steps := map[string]bool{}
	for i, s := range r.Steps {
		if steps[s.Name] {
			t.Fail(stepPlace(i, "name"), document.Wrong("messages and the record name steps: give each its own", "two steps are named %s", document.Excerpt(s.Name)))
		}
		steps[s.Name] = true
	}
	tools := map[Name]bool{}
	for i, tool := range r.Environment.Tools {
		if tools[tool.Name] {
			t.Fail(document.KeyPlace(document.ItemPlace(document.KeyPlace(document.KeyPlace("", "environment"), "tool"), i), "name"),
				document.Wrong("build each tool once", "two tools are named %s", document.Excerpt(string(tool.Name))))
		}
		tools[tool.Name] = true
	}
}
