// Package buildrecord reads and writes NAME.build.json: what one machine did to
// make a release of its source, and what it got. A record says what was
// measured; it proves nothing by itself, and is not signed. The format is
// docs/spec/build-record.md; the sections cited here are that page's.
package buildrecord

import (
	"fmt"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// FormatVersion is the version of the format. It rises when a reader of the
// earlier version would misread the later.
const FormatVersion = 1

// Record is one build (section 2). What does not apply is empty, never absent:
// the keys are always the same.
type Record struct {
	Format      int         `json:"format"`
	Project     string      `json:"project"` // URL
	Version     string      `json:"version"`
	Recipe      Recipe      `json:"recipe"`
	Source      Source      `json:"source"`
	Environment Environment `json:"environment"`
	Inputs      []Input     `json:"inputs"` // downloads and written files, by path
	Steps       []Step      `json:"steps"`  // as they ran
	Built       Built       `json:"built"`
	Tar         Tar         `json:"tar"`
	Filtered    []Filtered  `json:"filtered"` // by path
	Archives    []Archive   `json:"archives"` // in the recipe's order
}

// Recipe is the recipe that was followed (section 2.1).
type Recipe struct {
	SHA256 digest.SHA256 `json:"sha256"`
	Origin string        `json:"origin"` // "source" or "file"
}

// The origins of a recipe.
const (
	RecipeOfSource = "source" // countermark.toml at the tag
	RecipeOfFile   = "file"   // named by whoever built
)

// Source is what was built (section 2.2).
type Source struct {
	Ref          string          `json:"ref"` // full name of the tag
	Tag          digest.ObjectID `json:"tag"` // of the tag object, "" for a lightweight tag
	TagSHA256    digest.SHA256   `json:"tag_sha256"`
	Commit       digest.ObjectID `json:"commit"`
	CommitSHA256 digest.SHA256   `json:"commit_sha256"`
	Tree         digest.ObjectID `json:"tree"`        // the commit's
	TreeSHA256   digest.ObjectID `json:"tree_sha256"` // without submodules, unless the repository has this format
	Time         int64           `json:"time"`        // of the committer, seconds since 1970: SOURCE_DATE_EPOCH
	Submodules   []Submodule     `json:"submodules"`  // by path
}

// Submodule is one submodule of the source, and what became of it.
type Submodule struct {
	Path   tree.Path       `json:"path"`
	Commit digest.ObjectID `json:"commit"`
	Laid   bool            `json:"laid"` // its files are among the source's; else it was left out
}

// Environment is where the steps ran (section 2.3).
type Environment struct {
	Kind      string        `json:"kind"`     // the recipe's word
	ID        digest.SHA256 `json:"id"`       // that names the root filesystem, "" for the host
	Packages  []string      `json:"packages"` // of "rootfs": NAME=VERSION_ARCHITECTURE SHA256
	Mirror    string        `json:"mirror"`   // URL that the packages were taken from instead of the recipe's mirror
	Unsigned  bool          `json:"unsigned"` // whoever built took the packages without a signature
	MadeBy    []Maker       `json:"made_by"`  // of "rootfs": what made it of the packages, by name
	Sandbox   Sandbox       `json:"sandbox"`
	System    string        `json:"system"` // PRETTY_NAME of os-release(5)
	Kernel    string        `json:"kernel"` // uname -sr
	Machine   string        `json:"machine"`
	HostName  string        `json:"host_name"` // inside
	User      string        `json:"user"`      // inside: uid:gid
	Umask     string        `json:"umask"`
	Path      string        `json:"path"`      // of the source inside
	Variables []string      `json:"variables"` // NAME=VALUE, all, sorted
	Tools     []Tool        `json:"tools"`     // by name, then path
	Shell     string        `json:"shell"`     // what /bin/sh is
	Processor Processor     `json:"processor"`
}

// Maker is a program of the machine that built, which made the root filesystem then
// or earlier.
type Maker struct {
	Name    string `json:"name"`
	Version string `json:"version"` // the first line that --version prints
}

// Processor is what a program may see of the machine's processors.
type Processor struct {
	Count int `json:"count"`
}

// Sandbox says what kept the steps from everything else (section 2.3).
type Sandbox struct {
	Name    string `json:"name"`    // "none" if nothing did
	Version string `json:"version"` // of the program
	Network string `json:"network"` // how attempts to use it were watched for, "not watched" if they were not
}

// Tool is a program whose version matters.
type Tool struct {
	Name    string        `json:"name"`
	Path    string        `json:"path"`    // inside, "" if it was not found
	SHA256  digest.SHA256 `json:"sha256"`  // of the program's file
	Package string        `json:"package"` // NAME=VERSION of what the file belongs to, "" if nothing says
	Version string        `json:"version"` // the first line that --version prints, "" if it prints none
	Source  string        `json:"source"`  // of one that was built for this: its archive's SHA-256 or its commit
}

// Input is a file that was there before the first step and is not the source's.
type Input struct {
	Path   tree.Path     `json:"path"`
	SHA256 digest.SHA256 `json:"sha256"` // of the content
	URL    string        `json:"url"`    // "" for one whose content the recipe holds
}

// Step is one program that ran (section 2.4).
type Step struct {
	Name         string        `json:"name"`
	Run          []string      `json:"run"`
	Git          string        `json:"git"`           // the recipe's word
	Repository   digest.SHA256 `json:"repository"`    // SHA-256 of the refs and ids that it saw, "" for none
	Milliseconds int64         `json:"milliseconds"`  //
	Exit         int           `json:"exit"`          // 0: what did not succeed ends a build
	LogSHA256    digest.SHA256 `json:"log_sha256"`    // of all that it printed
	LogBytes     int64         `json:"log_bytes"`     // of it
	Opened       []tree.Path   `json:"opened"`        // of those that were watched
	Outputs      []File        `json:"outputs"`       // created
	Changes      []File        `json:"changes"`       // changed
	Removed      []tree.Path   `json:"removed"`       //
	ScratchFiles int           `json:"scratch_files"` // created, and not in the release
}

// File is one file or link as a step left it.
type File struct {
	Path   tree.Path       `json:"path"`
	Mode   string          `json:"mode"`        // git's, six octal digits
	Blob   digest.ObjectID `json:"blob"`        // id in the repository's format
	SHA256 digest.ObjectID `json:"blob_sha256"` // id in git's SHA-256 format
}

// FileOf describes an entry that has ids in format f and in git's SHA-256 format.
func FileOf(e *tree.Entry, f digest.Format) File {
	return File{Path: e.Path, Mode: fmt.Sprintf("%06o", e.GitMode()), Blob: e.IDs.In(f), SHA256: e.IDs.In(digest.SHA256Format)}
}

// Built is the built commit (section 2.5).
type Built struct {
	Branch       string            `json:"branch"` // full name of the ref
	Commit       digest.ObjectID   `json:"commit"` // without a signature
	CommitSHA256 digest.SHA256     `json:"commit_sha256"`
	Parents      []digest.ObjectID `json:"parents"`
	Tree         digest.ObjectID   `json:"tree"`
	TreeSHA256   digest.ObjectID   `json:"tree_sha256"`
}

// Filtered is a file that the archives have as a checkout of the built commit has
// it: after git's own ident and eol (section 2.6).
type Filtered struct {
	Path    tree.Path `json:"path"`
	By      []string  `json:"by"`
	Built   File      `json:"built"`
	Archive File      `json:"archive"`
}

// Tar is what all archives hold (section 2.6); the first two are of the tar that
// all but a zip hold.
type Tar struct {
	SHA256     digest.SHA256   `json:"sha256"`
	Bytes      int64           `json:"bytes"`
	Top        string          `json:"top"`  // name of the directory at the top
	Tree       digest.ObjectID `json:"tree"` // that it holds
	TreeSHA256 digest.ObjectID `json:"tree_sha256"`
}

// Archive is one file to publish (section 2.6).
type Archive struct {
	Name    string        `json:"name"`
	SHA256  digest.SHA256 `json:"sha256"`
	Bytes   int64         `json:"bytes"`
	Encoder []string      `json:"encoder"` // argument vector of what compressed it; empty if the project's own command did
	Program Tool          `json:"program"` // that was run so
}
