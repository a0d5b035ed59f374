package building

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/reproduction"
)

// maxShown is how many paths of a class, and how many causes of one, are shown.
const (
	maxShown  = 50
	maxCauses = 3
)

// Text returns the rebuild for people: the verdict first.
func (r *Rebuilt) Text() string {
	var t strings.Builder
	if r.Found.Failed() {
		(&Result{Found: r.Found}).failed(&t)
		return t.String()
	}
	fmt.Fprintf(&t, "%s  %s  against  %s\n", r.headline(), escape.Text(r.Record.Source.Ref), escape.Text(r.Candidate.Name))
	for _, class := range reproduction.Classes() {
		if all, generated := r.Comparison.Count(class); all > 0 {
			fmt.Fprintf(&t, "  %6d %s, %d of them generated\n", all, class, generated)
		}
	}
	r.paths(&t)
	r.identities(&t)
	for _, n := range r.Notes {
		fmt.Fprintf(&t, "  note: %s\n", escape.Sentence(n))
	}
	return t.String()
}

// headline is the verdict in capitals.
func (r *Rebuilt) headline() string {
	if r.Comparison.Verdict() == reproduction.NotSame {
		return "NOT REPRODUCED"
	}
	return "REPRODUCED"
}

// paths names what is not reproduced, with its causes.
func (r *Rebuilt) paths(t *strings.Builder) {
	shown := make(map[reproduction.Class]int)
	for result := range r.Comparison.Results() {
		if result.Class == reproduction.Reproduced {
			continue
		}
		if shown[result.Class]++; shown[result.Class] > maxShown {
			continue
		}
		fmt.Fprintf(t, "  %-10s %s", result.Class, escape.Text(string(result.Path)))
		d := result.Difference
		if d == nil {
			t.WriteString(describeKinds(result) + "\n")
			continue
		}
		switch {
		case d.Opaque != "":
			fmt.Fprintf(t, "  (%s)\n", escape.Sentence(d.Opaque))
		case d.Added == 0 && d.Removed == 0:
			t.WriteString(describeKinds(result) + "\n")
		default:
			fmt.Fprintf(t, "  +%d -%d lines, from line %d\n", d.Added, d.Removed, d.FirstLine)
		}
		for _, c := range d.Causes[:min(len(d.Causes), maxCauses)] {
			fmt.Fprintf(t, "             %s%s\n", escape.Sentence(c.Sentence), remaining(&c))
		}
		if d.Left > 0 && len(d.Causes) > 0 && d.Causes[0].Kind != cause.Unknown {
			fmt.Fprintf(t, "             %d lines are not explained\n", d.Left)
		}
	}
	for _, class := range reproduction.Classes() {
		if more := shown[class] - maxShown; more > 0 {
			fmt.Fprintf(t, "  … and %d more %s\n", more, class)
		}
	}
}

func remaining(c *cause.Cause) string {
	if c.ExplainsAll() {
		return " (explains all of it)"
	}
	return ""
}

// describeKinds says what differs where contents do not say it.
func describeKinds(r *reproduction.Result) string {
	if r.Ours == nil || r.Theirs == nil {
		return ""
	}
	if r.Ours.Kind != r.Theirs.Kind {
		return fmt.Sprintf("  a %v here, a %v there", r.Ours.Kind, r.Theirs.Kind)
	}
	if r.Ours.IDs.Agree(r.Theirs.IDs) {
		return "  the executable bit"
	}
	return "  its content was not looked into"
}

// identities says how far the rest agrees.
func (r *Rebuilt) identities(t *strings.Builder) {
	if r.Candidate.IsArchive() {
		switch {
		case r.SameFile:
			t.WriteString("  the same file, byte for byte\n")
		case r.SameTar:
			t.WriteString("  the same tar, byte for byte; compressed otherwise (countermark envelope looks for how)\n")
		case r.Comparison.Verdict() != reproduction.NotSame:
			t.WriteString("  the same files; the archives differ in times, order or other metadata\n")
		}
	} else if r.Comparison.Verdict() != reproduction.NotSame {
		switch {
		case r.SameCommit:
			fmt.Fprintf(t, "  the same built commit, without a signature: %s\n", r.Record.Built.Commit)
		case r.Candidate.Built == nil:
			t.WriteString("  the candidate is no built commit: only its tree was compared\n")
		default:
			fmt.Fprintf(t, "  the tree is the same, the commit is not: %s here, %s there (another parent, recipe, author or version)\n", r.Record.Built.Commit, r.Candidate.Unsigned)
		}
	}
	fmt.Fprintf(t, "  tree %s\n", r.Record.Built.Tree)
	if r.Folder != "" {
		fmt.Fprintf(t, "  all of it is in %s\n", escape.Text(r.Folder))
	}
}
