package bundling

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/statement"
)

// Shown is a bundle that is shown.
type Shown struct{ Bundle *bundle.Bundle }

// Show reads a bundle. The error is a *report.Failure.
func Show(path string) (*Shown, error) {
	b, err := Read(path)
	if err != nil {
		return nil, report.FailureOf(err, report.Usage)
	}
	return &Shown{b}, nil
}

// Text says what the bundle holds, for people. Nothing of it is judged.
func (s *Shown) Text() string {
	t := &strings.Builder{}
	describe(t, s.Bundle)
	t.WriteString("Nothing of this was judged: countermark verify ARCHIVE --root ROOT does that.\n")
	return t.String()
}

// describe lists what a bundle holds.
func describe(w io.Writer, b *bundle.Bundle) {
	for _, line := range append(policyLines(b), statementLines(b)...) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	for _, r := range b.Recipes {
		fmt.Fprintf(w, "  recipe sha256:%v\n", digest.SHA256(sha256.Sum256(r)))
	}
	counts := make(map[digest.ObjectType]int)
	for _, o := range b.Objects {
		counts[o.Type]++
	}
	fmt.Fprintf(w, "  git objects: commits %d, tags %d, trees %d\n", counts[digest.Commit], counts[digest.Tag], counts[digest.Tree])
}

// policyLines are those of the policies, in the order of their versions.
func policyLines(b *bundle.Bundle) []string {
	type numbered struct {
		version int
		line    string
	}
	var all []numbered
	for _, e := range b.Policies {
		n := numbered{line: fmt.Sprintf("a policy that cannot be read, sha256:%v", digest.SHA256(sha256.Sum256(e.Payload)))}
		if p, err := policyfile.Parse("the policy", e.Payload); err == nil {
			n = numbered{p.Version, fmt.Sprintf("policy of %s, version %d, sha256:%v, signatures: %d", escape.Text(p.Project), p.Version, digest.SHA256(sha256.Sum256(e.Payload)), len(e.Signatures))}
		}
		all = append(all, n)
	}
	slices.SortStableFunc(all, func(x, y numbered) int { return x.version - y.version })
	lines := make([]string, len(all))
	for i, n := range all {
		lines[i] = n.line
	}
	return lines
}

// statementLines are those of the statements.
func statementLines(b *bundle.Bundle) []string {
	var lines []string
	for _, e := range b.Statements {
		s, err := statement.Parse(e.Payload)
		if err != nil {
			lines = append(lines, fmt.Sprintf("a statement that cannot be read, sha256:%v", statement.Digest(e.Payload)))
			continue
		}
		lines = append(lines, fmt.Sprintf("%v statement on %s version %s, release digest %v, sha256:%v, signed with %s", s.Kind,
			escape.Text(s.Identity.Project), escape.Text(s.Identity.Version), s.ReleaseDigest(), statement.Digest(e.Payload), keysOf(e)))
	}
	slices.Sort(lines)
	return lines
}

func keysOf(e dsse.Envelope) string {
	ids := make([]string, len(e.Signatures))
	for i, s := range e.Signatures {
		ids[i] = escape.Text(s.KeyID)
	}
	return strings.Join(ids, ", ")
}
