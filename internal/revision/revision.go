// Package revision decides which commit an archive claims to be: from the
// object id that git archive embeds, from the archive's file name, and from the
// names of the repository's tags. It only finds the claim; whether the claim
// holds is what the comparison with that commit shows. It looks at names and
// ids alone and never guesses: where two claims lead to different commits, or
// none leads anywhere, no commit is chosen and the reason is given.
package revision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
)

// Tag is a tag of the repository and the commit that it peels to.
type Tag struct {
	Ref    string          // full name, refs/tags/…
	Commit digest.ObjectID // zero if not known, or if the tag leads to no commit
}

// Claim is what is known about an archive before it is compared.
type Claim struct {
	Embedded digest.ObjectID // commit id that the archive itself names, zero if none
	FileName string          // base name of the archive, "" if not known
	Pattern  string          // tag pattern of the lock file, "" if none; with one, the file name leads only to tags of that pattern
	Tags     []Tag           // all tags of the repository
}

// Decision is the commit that the archive claims to be, or why there is none.
type Decision struct {
	Ref        string          // full name of the tag chosen, "" if none was
	Commit     digest.ObjectID // what it peels to; zero if none was chosen, or not known
	Why        string          // one sentence without full stop, safe to print
	Candidates []string        // full names of all tags that some part of the claim leads to, sorted
	Conflict   bool            // embedded id and file name lead to different commits: no verdict can be given
}

// Decide finds the commit. The embedded id counts only if a tag of the
// repository peels to it, since a hosting site serves the commits of
// strangers' forks by their id too. The file name counts if it leads to one
// commit only, under however many tags. If both count, they must agree.
func Decide(c Claim) Decision {
	byName, nameSays := c.namedTags()
	embedded := c.embeddedTags()
	d := Decision{Candidates: refs(append(slices.Clone(byName), embedded...))}
	if c.Embedded.IsZero() {
		d.takeName(byName, nameSays)
		return d
	}
	id := c.Embedded.String()
	if len(embedded) == 0 {
		d.takeName(byName, nameSays)
		d.Why = fmt.Sprintf("the archive names commit %s, which no tag of the repository leads to; %s", id, d.Why)
		return d
	}
	both := slices.DeleteFunc(slices.Clone(byName), func(t Tag) bool { return t.Commit != c.Embedded })
	switch {
	case len(both) > 0:
		d.choose(both, fmt.Sprintf("the archive names commit %s, and so does %s", id, nameSays))
	case len(byName) > 0:
		d.Conflict = true
		d.Why = fmt.Sprintf("the archive names commit %s, which is %s, but %s, which does not lead there", id, list(embedded), nameSays)
	case nameSays != "":
		d.choose(embedded, fmt.Sprintf("the archive names commit %s, which is %s; %s", id, list(embedded), nameSays))
	default:
		d.choose(embedded, fmt.Sprintf("the archive names commit %s, which is %s", id, list(embedded)))
	}
	return d
}

// takeName chooses what the file name leads to, if that is one commit.
func (d *Decision) takeName(tags []Tag, nameSays string) {
	d.Why = nameSays
	switch {
	case nameSays == "":
		d.Why = "neither a file name nor a commit id in the archive says which commit it is"
	case len(tags) == 1:
		d.choose(tags, nameSays)
	case len(tags) > 1 && !tags[0].Commit.IsZero() && !slices.ContainsFunc(tags, func(t Tag) bool { return t.Commit != tags[0].Commit }):
		d.choose(tags, nameSays+", all of one commit")
	case len(tags) > 1:
		d.Why += ", of different commits"
	}
}

// choose takes the first of several tags of one commit.
func (d *Decision) choose(tags []Tag, why string) {
	first := slices.MinFunc(tags, func(a, b Tag) int { return strings.Compare(a.Ref, b.Ref) })
	d.Ref, d.Commit, d.Why = first.Ref, first.Commit, why
}

// embeddedTags returns the tags that peel to the embedded id.
func (c *Claim) embeddedTags() []Tag {
	var tags []Tag
	for _, t := range c.Tags {
		if !c.Embedded.IsZero() && t.Commit == c.Embedded {
			tags = append(tags, t)
		}
	}
	return tags
}

// namedTags returns the tags that the file name leads to, and says how, or why
// there are none: "" if there is no file name.
func (c *Claim) namedTags() (tags []Tag, says string) {
	if c.FileName == "" {
		return nil, ""
	}
	project, version, ok := VersionOfName(c.FileName)
	if !ok {
		return nil, fmt.Sprintf("the file name %s holds no version", escape.Quote(c.FileName))
	}
	names := make([]string, len(c.Tags))
	for i, t := range c.Tags {
		names[i] = t.Ref
	}
	from := "the file name's version " + escape.Quote(version)
	if c.Pattern != "" {
		names = matching(c.Pattern, version, names)
		from += " under the tag pattern " + escape.Quote(c.Pattern)
	} else {
		names = Candidates(project, version, names)
	}
	if len(names) == 0 {
		return nil, from + " fits no tag"
	}
	for _, t := range c.Tags {
		if _, found := slices.BinarySearch(names, t.Ref); found {
			tags = append(tags, t)
		}
	}
	return tags, from + " fits " + list(tags)
}

// refs returns the names of the tags, sorted, each once.
func refs(tags []Tag) []string {
	var names []string
	for _, t := range tags {
		names = append(names, t.Ref)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// list names a few tags for a sentence.
func list(tags []Tag) string {
	const most = 5
	names := refs(tags)
	for i, name := range names {
		names[i] = escape.Quote(strings.TrimPrefix(name, tagPrefix))
	}
	if len(names) > most {
		return fmt.Sprintf("the tags %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	if len(names) == 1 {
		return "the tag " + names[0]
	}
	return "the tags " + strings.Join(names, ", ")
}
