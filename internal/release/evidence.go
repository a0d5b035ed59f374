// Package release judges one release: do the archives, the git objects, the
// statements and the policy that somebody hands over show that the people and
// machines who had to vouch for it did? Evidence in, Verdict out; everything it
// uses was read strictly, and every signature is verified here.
//
// docs/spec/release.md specifies what is asked, and in which order.
package release

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policychain"
)

// MaxCandidates is how many releases one bundle may speak of that could be the
// one in question: a bundle is of one release, and merged ones of a few.
const MaxCandidates = 16

// Evidence is all that a verdict rests on. What is missing is never taken for
// something that holds.
type Evidence struct {
	Files      []lineage.File     // the archives, as they were read; none: the release is judged without
	Version    string             // that was asked for, "" if the archives' names say which
	Chain      []policychain.Link // the policy, signed, version after version
	Root       digest.SHA256      // of the policy that whoever verifies trusts; zero: none
	Remembered Remembered
	Statements []dsse.Envelope
	Objects    *lineage.Objects
	Recipes    [][]byte
	Now        int64 // Unix seconds, for words like "has expired since"; no verdict depends on it
}

// Remembered is the newest policy that whoever verifies has seen of the project.
// The zero value is none.
type Remembered struct {
	Version int
	Policy  digest.SHA256
}
