package difference

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/reproduction"
)

// maxCauses is how many causes of one path are shown.
const maxCauses = 3

// Write ends the line of a path with the size of its difference, and adds a line
// for each of the causes.
func Write(t *strings.Builder, r *reproduction.Result) {
	d := r.Difference
	if d == nil {
		t.WriteString(describeKinds(r) + "\n")
		return
	}
	switch {
	case d.Opaque != "":
		fmt.Fprintf(t, "  (%s)\n", escape.Sentence(d.Opaque))
	case d.Added == 0 && d.Removed == 0:
		t.WriteString(describeKinds(r) + "\n")
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
