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

// Limits of the evidence. They bound the time that a verdict takes.
const (
	MaxCandidates   = 16     // releases that may be the one in question: a bundle is of one, and merged ones of a few
	MaxStatements   = 4096   // on all releases
	MaxSignatures   = 4096   // over all of them
	MaxTrees        = 64     // of builds that differ from the release: how many are looked into
	MaxUnreproduced = 10_000 // generated files in which one of them may differ
)

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
