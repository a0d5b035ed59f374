package policy

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
)

// Act is what a signature is over. The zero value is nothing.
type Act uint8

// The acts.
const (
	SignTag    Act = iota + 1 // the tag of the source
	Build                     // a build statement
	Review                    // a review statement
	Release                   // a release statement
	Withdraw                  // a withdrawal statement
	SignPolicy                // a policy
)

// String returns the act in words, as in "build statement".
func (a Act) String() string {
	switch a {
	case SignTag:
		return "source tag"
	case Build:
		return "build statement"
	case Review:
		return "review statement"
	case Release:
		return "release statement"
	case Withdraw:
		return "withdrawal"
	case SignPolicy:
		return "policy"
	}
	return "nothing"
}

// Relation is how what was signed stands to what is judged. The zero value is
// one that counts for nothing.
type Relation uint8

// The relations.
const (
	Unrelated Relation = iota // it speaks of another project, version, tag, source or recipe
	Agrees                    // identity and outcome are those that are judged
	AllBut                    // of a build: the identity is, and the outcome but for the generated files that Signed.Files lists
	Differs                   // the identity is, and the outcome is not
)

// File is one generated file of the release that is judged.
type File struct {
	Path   string        // hostile: shown only through package escape
	Mode   string        // git's, six octal digits
	Digest digest.SHA256 // its git object's id in the SHA-256 format
}

// Signed is one good signature. Whoever makes it has verified it, over exactly
// the bytes of which Digest is the SHA-256; who the key belongs to is not asked.
type Signed struct {
	Key      publickey.Key
	Act      Act
	Digest   digest.SHA256 // of the statement, the raw tag object or the policy's bytes
	Relation Relation
	Files    []File          // Build, AllBut: what was not reproduced, as it is in the release; Review: what was seen and accepted
	Answers  []digest.SHA256 // Release: the statements that it names as dissents, with a reason
}

// Check is what is known of something that a policy may ask for. The zero value
// is nothing, which is not enough.
type Check uint8

// The answers.
const (
	NotChecked Check = iota
	Holds
	Fails
)

// Facts are what has been found out about the release that is judged.
type Facts struct {
	Recipe        digest.SHA256 // by which it was built
	PortableNames Check
}

// Judgement is what a policy says of one release. The zero value is not met.
type Judgement struct {
	Project    string
	Policy     int       // the policy's version
	Version    string    // of the release
	Exception  []Pattern // of the exception that holds for the version, nil for none
	Combine    []Pair    // the roles in which one person may count at once: said in every verdict
	Tallies    []Tally   // one for each of Roles, in order; for a withdrawal or a policy one alone
	Conditions []Condition
	Results    []Result  // what became of each signature, in the order in which they were given
	Failures   []Failure // why the judgement is not met, the gravest first
	judged     bool
}

// Met reports whether the policy is satisfied.
func (j *Judgement) Met() bool { return j.judged && len(j.Failures) == 0 }

// Tally is how one role's quorum stands.
type Tally struct {
	Role      Role
	Waived    bool // the policy needs nobody here
	Idle      bool // nobody is needed for this release: reviewers, where everything was reproduced
	Need      int
	Of        []string // whom the policy lists; each is in one of the four lists below
	Counted   []string // who counts, at most Need
	Spare     []string // who would count if more were needed
	Elsewhere []string // who counts in another role
	Absent    []string // of whom there is nothing that counts here
}

// Missing returns how many parties are missing.
func (t *Tally) Missing() int {
	if t.Waived || t.Idle {
		return 0
	}
	return t.Need - len(t.Counted)
}

// Condition is how one condition of the policy stands.
type Condition struct {
	Name string // as in the policy
	Text string // what is asked and what was found, one sentence without full stop
	Met  bool
}

// Failure is one reason why a judgement is not met.
type Failure struct {
	Rule refusal.Rule // POL_INVALID, POL_QUORUM, POL_OPERATOR, POL_MIXED, POL_CONDITION
	Text string       // one sentence without full stop, foreign text in it escaped
}

// Fate is what became of one signature in a judgement. The zero value does not
// occur.
type Fate uint8

// The fates, from those that count to those that do not.
const (
	Counted      Fate = iota + 1 // in the role that the result names
	OwnBuild                     // a build statement that lets its release manager count
	Spare                        // it would count if its role needed more, or its party had no other
	Repeated                     // its party has signed the same already
	Dissent                      // a listed party got something else
	Insufficient                 // it lacks what would let it count: see the text
	OtherMatter                  // it speaks of something else, or is no part of this judgement
	NoRole                       // its party has no role in which it could count
	Dead                         // its key has been revoked, and it is none of what stays valid
	Stranger                     // its key is none of the policy's
)

// Result is what became of one signature.
type Result struct {
	Party string // "" for Stranger
	Fate  Fate
	Role  Role   // for Counted and Spare
	Text  string // why, one sentence without full stop, foreign text in it escaped
}
