// Package gitobject parses git's commit, tag and tree objects, strictly, from
// their raw bytes (git's Documentation/gitformat-*; docs/spec/git.md has the
// grammar that is accepted here), and writes commits and trees that it would
// accept itself. Every refusal is a *refusal.Refusal with a
// GIT_ rule. It never looks at anything but the bytes it is given: whether
// they hash to the id that was asked for is the caller's question.
package gitobject

import "github.com/countermark/countermark/internal/digest"

// Person is an author, committer or tagger line.
type Person struct {
	Name  string // raw bytes as the object has them, possibly empty
	Email string // without the angle brackets
	Unix  int64  // seconds since 1970-01-01 UTC: a claim
	Zone  string // as written, "+0200"
}

// Commit is a commit object. Text is raw bytes in the commit's Encoding.
type Commit struct {
	Tree      digest.ObjectID
	Parents   []digest.ObjectID
	Author    Person
	Committer Person
	Encoding  string // value of the encoding header, "" for UTF-8
	Signature string // value of the gpgsig header with its continuation lines unfolded, "" if unsigned; not verified
	Message   string
}

// Tag is an annotated tag object.
type Tag struct {
	Object    digest.ObjectID
	Type      digest.ObjectType
	Name      string
	Tagger    *Person // nil in tags made before git 0.99.9 or by other tools
	Message   string  // with the signature, if any, cut off
	Signature string  // the armoured signature at the end of the message, "" if none; not verified
}

// TreeEntry is one entry of a tree object.
type TreeEntry struct {
	Mode uint32 // one of 0o040000, 0o100644, 0o100755, 0o120000, 0o160000
	Name string // one path component
	ID   digest.ObjectID
}
