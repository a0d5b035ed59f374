// Package statement is what one party says of one release: an in-toto Statement,
// version 1 (github.com/in-toto/attestation, spec/v1/statement.md). Whoever
// builds says what they got, as SLSA provenance, version 1; reviews, releases and
// withdrawals have predicates of our own. A statement is signed in an envelope
// of package dsse. What its signer may say is not written in it: the policy
// decides that, by the key.
//
// docs/spec/statements.md is the format; the sections cited here are that page's.
package statement

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// Kind is what a statement says. The zero value is none.
type Kind uint8

// The kinds (section 3).
const (
	KindBuild      Kind = iota + 1 // what one machine got by building the release
	KindReview                     // which of the generated files a person has seen and accepts
	KindRelease                    // this is the release, and these are the statements that were seen
	KindWithdrawal                 // the release was found bad
)

// String returns the kind's name, as in "build".
func (k Kind) String() string {
	switch k {
	case KindBuild:
		return "build"
	case KindReview:
		return "review"
	case KindRelease:
		return "release"
	case KindWithdrawal:
		return "withdrawal"
	}
	return "none"
}

// Statement is one statement. The part of its Kind is set, the others are nil.
type Statement struct {
	Kind     Kind
	Issued   int64 // Unix seconds, UTC: a claim, on which nothing depends
	Identity Identity
	Outcome  Outcome
	Archives []Archive // the files to publish, by name; at least one

	Build      *Build
	Review     *Review
	Release    *Release
	Withdrawal *Withdrawal
}

// Identity is what was released, and of what it is made (section 4.1). All of it
// is required but the Tag of a lightweight tag.
type Identity struct {
	Project string        // URL, the recipe's project.url
	Version string        // as recipe.ParseVersion accepts it
	TagRef  string        // full name of the source tag's ref, as gitobject.CheckRefName accepts it
	Tag     Object        // the tag object, zero for a lightweight tag
	Commit  Object        // the source commit
	Tree    Tree          // the source commit's
	Recipe  digest.SHA256 // of the recipe's bytes
}

// Outcome is what came of building it (section 4.2). Two builds agree when
// identity and outcome are equal.
type Outcome struct {
	Top         string        // name of the directory at the top of the archives
	Commit      Object        // the built commit without a signature
	BuiltTree   Tree          // the built commit's
	ArchiveTree Tree          // what the archives hold below Top
	Tar         digest.SHA256 // of the uncompressed tar; zero if all archives are zips
	Filtered    []Filtered    // by path: all in which BuiltTree and ArchiveTree differ
}

// Object names a commit or a tag object.
type Object struct {
	ID     digest.ObjectID // in the repository's format
	SHA256 digest.SHA256   // of the object's content, without git's header
}

// IsZero reports whether o names nothing.
func (o Object) IsZero() bool { return o == Object{} }

// Tree names a tree.
type Tree struct {
	ID     digest.ObjectID // in the repository's format
	SHA256 digest.ObjectID // in git's SHA-256 format, submodules left out (section 4.1); equal to ID in a SHA-256 repository
}

// Blob names the content of a file, or the target of a symbolic link.
type Blob struct {
	ID     digest.ObjectID // in the repository's format
	SHA256 digest.ObjectID // in git's SHA-256 format; equal to ID in a SHA-256 repository
}

// Filtered is a file that the archives have as git's own filters make it of the
// built commit's.
type Filtered struct {
	Path    tree.Path
	Mode    string   // git's, six octal digits: "100644" or "100755", the same on both sides
	By      []string // which filters, in git's order: "ident", "eol", "export-subst"
	Built   Blob
	Archive Blob
}

// Archive is one file to publish. All but zips hold the one tar of Outcome.Tar.
type Archive struct {
	Name   string        // without a directory
	SHA256 digest.SHA256 // of the file
}

// Build is what else a builder says (section 5): measured by the machine, or
// claimed by whoever runs it.
type Build struct {
	BuilderID       string // URI: a claim, which the policy does not read
	HostingDomain   string // who runs the machine, "" if it does not say: a claim
	ToolchainOrigin string // who made the tools, "" if it does not say: a claim
	Countermark     string // version of this program
	Environment     Environment
	Tools           []Tool   // in the record's order
	Record          Record   // the build record
	Rebuild         *Rebuild // of a rebuild, else nil
}

// Environment is where the steps of a build ran: see buildrecord.Environment.
type Environment struct {
	Kind    string        // "host", "rootfs" or "image"
	ID      digest.SHA256 // of the root filesystem, zero for the host
	System  string        // PRETTY_NAME of os-release(5)
	Machine string        // uname -m
	Sandbox string        // what kept the steps from everything else, or "none"
}

// Tool is a program that a build used.
type Tool struct {
	Name    string
	SHA256  digest.SHA256 // of the program's file
	Version string        // the first line that it prints for --version, "" for none
	Package string        // NAME=VERSION of the package that it belongs to, "" if nothing says
	Source  string        // of one that was built for this, see buildrecord.Tool; else ""
}

// Record names the build record that the statement was made of.
type Record struct {
	Name   string // of the file
	SHA256 digest.SHA256
}

// Rebuild is what a rebuild was compared with, and how that came out.
type Rebuild struct {
	Commit     digest.ObjectID // the candidate without a signature; zero if it was an archive
	Archive    digest.SHA256   // the candidate's file; zero if it was a commit
	Reproduced bool            // every path is the same, and so is the commit if it was one
	Differs    int64           // how many paths are not the same
}

// Review is what a person has looked at (section 6).
type Review struct {
	Files    []Reviewed // by path
	Complete bool       // these are all generated files of the release
	Comment  string     // on the whole, "" for none
}

// Reviewed is one file that was seen and accepted.
type Reviewed struct {
	Path    tree.Path
	Mode    string // git's, six octal digits: "100644", "100755", "120000" for a link
	Blob    Blob
	Comment string // "" for none
}

// Release is what a release manager says (section 7).
type Release struct {
	PolicyVersion int64
	Policy        digest.SHA256 // of the policy's bytes
	Previous      digest.SHA256 // release digest of the release before, zero for the first
	Seen          []Seen        // all statements that were seen on this release, by Statement
}

// Seen is a statement that the release manager has seen.
type Seen struct {
	Statement digest.SHA256 // Digest of its payload
	Verdict   Verdict
	Cause     Cause  // why the release goes on, of one that dissents; else none
	Text      string // the same in words, required of one that dissents; else ""
}

// Verdict is what a statement that was seen says of the release. The zero value
// is none.
type Verdict uint8

// The verdicts.
const (
	Agrees   Verdict = iota + 1 // identity and outcome are those of the release
	Dissents                    // they are not
)

// Cause is why a dissent does not stop a release. The zero value is none.
type Cause uint8

// The causes (section 7): a closed list.
const (
	NotReproducible Cause = iota + 1 // the files that differ are known not to reproduce, and were reviewed
	OtherTools                       // the builder had other tools or another environment than the recipe asks for
	BuilderFault                     // the builder was found to be broken or compromised
	Superseded                       // the builder has built again since, and agrees
	OtherCause                       // as the text says
)

// Withdrawal is why a release was found bad (section 8). Which one is said by
// identity and outcome.
type Withdrawal struct {
	Why string
}
