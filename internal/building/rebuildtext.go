package building

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/building/difference"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/reproduction"
)

// maxShown is how many paths of a class are shown.
const maxShown = 50

// Text returns the rebuild for people: the verdict first.
func (r *Rebuilt) Text() string {
	var t strings.Builder
	if r.Found.Failed() {
		return (&Result{Found: r.Found, Notes: r.Notes}).Text()
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
	if r.isOther() {
		return "SAME TREE, ANOTHER COMMIT"
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
		difference.Write(t, result)
	}
	for _, class := range reproduction.Classes() {
		if more := shown[class] - maxShown; more > 0 {
			fmt.Fprintf(t, "  … and %d more %s\n", more, class)
		}
	}
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
