package release

import (
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
)

// Outcome is the answer in one word. The zero value is the one that is never
// taken for good.
type Outcome uint8

// The outcomes, with their exit statuses.
const (
	Incomplete Outcome = iota // 3: nothing speaks against it, and something could not be looked at
	Refuted                   // 1
	Vouched                   // 0
)

// Exit returns the exit status.
func (o Outcome) Exit() int {
	switch o {
	case Vouched:
		return 0
	case Refuted:
		return 1
	}
	return 3
}

// String returns the outcome in words.
func (o Outcome) String() string {
	switch o {
	case Vouched:
		return "vouched for"
	case Refuted:
		return "not vouched for"
	}
	return "incomplete"
}

// Failure is one reason why a release is not vouched for.
type Failure struct {
	Rule refusal.Rule
	Text string // one sentence without full stop, foreign text in it escaped
}

// Vote is one signature over a statement or the source tag.
type Vote struct {
	Act         policy.Act
	Kind        statement.Kind // 0 for the tag
	Digest      digest.SHA256  // of the statement's payload, or of the tag object
	Statement   *statement.Statement
	Form        signature.Form
	Fingerprint string          // of the key that the signature names
	State       signature.State // Good, or why it is not
	Why         string          // of one that is not good
	Note        string          // on the key: "RSA 2048"
	Party       string          // "" for a key that the policy does not know
	Fate        policy.Fate     // 0 where the judge was not asked
	Role        policy.Role     // in which it counts, or would
	Text        string          // what became of it
}

// Verdict is what the evidence shows of one release.
type Verdict struct {
	Statement  *statement.Statement  // the release's, which a release manager signed; nil if there is none
	Digest     digest.SHA256         // the release digest; zero if there is none
	Root       digest.SHA256         // of the policies' chain
	Trusted    bool                  // the root is the one that was given
	Policy     *policy.Policy        // that judged; nil if there is none
	PolicySum  digest.SHA256         // of its bytes
	Newest     int                   // version of the chain's newest policy
	Chain      []policychain.Version // every trusted version, the oldest first
	Lineage    *lineage.Lineage
	Judgement  *policy.Judgement
	Withdrawal *policy.Judgement // what the newest policy says of withdrawals; nil if there are none
	Votes      []Vote            // on this release, in the order of the evidence; the tag's first
	Others     int               // signatures on other releases
	Failures   []Failure         // why it is not vouched for, in the order in which they were found
	Open       []string          // what could not be looked at, each one sentence without full stop
	Notes      []string
	judged     bool
}

// Outcome returns the answer. This is the one place where a release is found to
// be vouched for.
func (v *Verdict) Outcome() Outcome {
	if len(v.Failures) > 0 {
		return Refuted
	}
	if v.judged && len(v.Open) == 0 && v.Trusted && v.Judgement.Met() && v.Lineage.Holds() {
		return Vouched
	}
	return Incomplete
}

func (v *Verdict) fail(rule refusal.Rule, text string) {
	v.Failures = append(v.Failures, Failure{rule, text})
}

// Parties returns the names of those who count, each once, in the order of their
// roles.
func (v *Verdict) Parties() []string {
	if v.Judgement == nil {
		return nil
	}
	var names []string
	for _, t := range v.Judgement.Tallies {
		for _, name := range t.Counted {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
