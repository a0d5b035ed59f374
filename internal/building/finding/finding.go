// Package finding is what a build finds against a release: the steps that did
// what they may not, and the logs of what they printed.
package finding

import (
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
)

// Rule names what a build did that ends it (docs/spec/build-record.md, section 3).
type Rule string

// The rules.
const (
	Dirty     Rule = "BLD_DIRTY"     // a step did what the recipe does not declare
	Network   Rule = "BLD_NETWORK"   // a step tried to use the network
	Limit     Rule = "BLD_LIMIT"     // a step hit a limit
	StepFails Rule = "BLD_STEP"      // a step did not succeed
	Archive   Rule = "BLD_ARCHIVE"   // an archive is not the built commit
	Candidate Rule = "BLD_CANDIDATE" // the candidate's branch holds another commit
	NonRepro  Rule = "BLD_NONREPRO"  // what is made depends on where, when or by whom
)

// Finding is one reason why a build failed.
type Finding struct {
	Rule   Rule
	Step   string    // name, "" if it is not about one
	Path   tree.Path // "" if it is not about one
	Detail string    // one sentence; may hold text from outside
	Hint   string    // what to do
}

// List is what was found, and the last lines that the program printed which it
// is about; those are foreign text.
type List struct {
	Findings []Finding
	Said     string
	Logs     string // folder in which all that was printed is kept, "" if nothing was
}

// Failed reports whether anything was found.
func (l *List) Failed() bool { return len(l.Findings) > 0 }

// Add notes a finding.
func (l *List) Add(f Finding) { l.Findings = append(l.Findings, f) }

// AddRefusal notes that what a program made is refused: f, and what the refusal
// says. Any other error is returned.
func (l *List) AddRefusal(f Finding, err error) error {
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok {
		return err
	}
	if r.Rule == refusal.GitLimit {
		f.Rule = Limit
	}
	f.Detail += ": " + r.Error()
	l.Add(f)
	return nil
}

// Judge notes what the end of a program says, and its last words if that is
// something.
func (l *List) Judge(name string, o sandbox.Outcome, log *Log) {
	before := len(l.Findings)
	if len(o.Network.Attempts) > 0 {
		var kinds []string
		for _, a := range o.Network.Attempts {
			kinds = append(kinds, fmt.Sprintf("%s: %d", a.Kind, a.Count))
		}
		l.Add(Finding{Rule: Network, Step: name, Detail: "the step tried to use the network (" + strings.Join(kinds, ", ") + "), and there is none",
			Hint: "declare what it needs as a [[download]], with its digest"})
	}
	switch {
	case o.Limit == sandbox.UnreadableOutput:
		l.Add(Finding{Rule: Limit, Step: name, Detail: "the step left files or folders that may not be read, so that they cannot be counted",
			Hint: "have it give the right to read back: chmod -R u+rwX"})
	case o.Limit == sandbox.DeepOutput:
		l.Add(Finding{Rule: Limit, Step: name, Detail: "the step left folders within folders, so many that the path of the innermost is too long for the system",
			Hint: "have it make fewer, or remove them before it ends"})
	case o.Limit != sandbox.NoLimit:
		l.Add(Finding{Rule: Limit, Step: name, Detail: fmt.Sprintf("the step hit the limit on %s", o.Limit),
			Hint: "the recipe's [limits] and the flags --max-time, --max-bytes and --max-files set them"})
	case o.Exit != 0:
		l.Add(Finding{Rule: StepFails, Step: name, Detail: fmt.Sprintf("the step ended with exit status %d", o.Exit), Hint: "its last lines stand below"})
	}
	if len(l.Findings) > before {
		l.Said = log.tail()
	}
}
