// Package recipe reads countermark.toml: how the generated files and the
// archives of a release are made of its source. A recipe says where the project
// is, how its versions, tags, branches and archives are named, in which
// environment which steps run, what each step may create and change, what is
// left out, and how the archives are written. It says nothing by default: what
// no step declares is a failure of the build.
//
// The format is TOML with a closed set of keys; docs/spec/recipe.md specifies
// it, and the sections cited here are that page's. A Recipe is made by Parse
// only, and is not changed afterwards.
package recipe

import (
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/pattern"
	"github.com/countermark/countermark/internal/tree"
)

// Limits of a recipe (docs/spec/recipe.md, section 5).
const (
	MaxFileBytes    = 32 << 10 // PHP's has 2 kB; overlaps are looked for in time quadratic in this
	MaxVersionBytes = 64
	MaxURLBytes     = 2048
	MaxNameBytes    = 64 // of a step, tool, program, package, suite, variable
)

// Limits of a build: the default, and the most that a recipe may ask for
// (section 3.10).
const (
	DefaultBuildTime   = 30 * time.Minute
	MaxBuildTime       = 24 * time.Hour
	DefaultOutputBytes = 8 << 30
	MaxOutputBytes     = 64 << 30
	DefaultFiles       = 2_000_000
	MaxFiles           = 10_000_000
)

// Recipe is the content of one recipe (section 3).
type Recipe struct {
	Digest      digest.SHA256 // of the file's bytes
	Project     Project
	Source      Source
	Environment Environment
	Downloads   []Download // in the order of the file
	Writes      []Write    // sorted by path
	Steps       []Step     // in the order in which they run
	Built       Built
	Archives    Archives
	Limits      Limits
}

// Project says what is released (section 3.1).
type Project struct {
	URL     URL
	Archive Template // an archive's name without its extension: holds {version} once
}

// Source says which commits are releases, and what of them is built (section 3.2).
type Source struct {
	Tag             Template  // short name of the tag: holds {version} once
	TagDots         Separator // what a tag has for the dots of its version
	LightweightTags bool      // whether a tag without a tag object may be built
	Submodules      Submodules
}

// Separator is what tags have for the dots of a version (section 3.2).
type Separator uint8

// The separators.
const (
	Dots Separator = iota + 1
	Underscores
	Hyphens
)

func separatorNames() []string { return []string{Dots: ".", Underscores: "_", Hyphens: "-"} }

// String returns the separator itself: one character.
func (s Separator) String() string { return nameOf(separatorNames(), s) }

// Submodules is what becomes of the source's submodules (section 3.2).
type Submodules uint8

// The ways to treat submodules.
const (
	NoSubmodules      Submodules = iota + 1 // a source that has one is not built
	OmitSubmodules                          // they are left out
	FlattenSubmodules                       // the files of the pinned commits become files of the built commit
)

func submodulesNames() []string {
	return []string{NoSubmodules: "none", OmitSubmodules: "omit", FlattenSubmodules: "flatten"}
}

// String returns the word of the recipe.
func (s Submodules) String() string { return nameOf(submodulesNames(), s) }

// Environment is where the steps run (section 3.3).
type Environment struct {
	Base      Base
	Variables []Variable // sorted by name
	Tools     []Tool     // in the order in which they are built
}

// Base is what an environment is made of: Host, RootFS or Image.
type Base interface{ base() }

// Host is the system of the machine that builds, read-only.
type Host struct{}

// RootFS is a root filesystem of Debian packages.
type RootFS struct {
	Suite    Name
	Mirror   URL       // "" for Debian's own
	Packages []Package // in the order of the file, no name twice
}

// Image is a root filesystem as it is.
type Image struct {
	Form   ImageForm
	SHA256 digest.SHA256 // of the tar archive as it is stored, or of the OCI image's manifest
	URL    URL           // where the tar archive is fetched from, "" if whoever builds has it
}

func (Host) base()   {}
func (RootFS) base() {}
func (Image) base()  {}

// ImageForm is how an image is stored (section 3.3).
type ImageForm uint8

// The forms of images.
const (
	TarImage ImageForm = iota + 1
	OCILayout
)

func imageFormNames() []string { return []string{TarImage: "tar", OCILayout: "oci"} }

// String returns the word of the recipe.
func (f ImageForm) String() string { return nameOf(imageFormNames(), f) }

// Package is a Debian package, in any version if Version is "".
type Package struct {
	Name    Name
	Version string // as Debian Policy 5.6.12 has it
}

// Variable is an environment variable of every step.
type Variable struct {
	Name  Name
	Value Template
}

// Tool is a tool that is built from pinned source before the steps run
// (section 3.4).
type Tool struct {
	Name   Name
	Source ToolSource
	build  [][]Template
}

// Commands returns the argument vectors that build the tool and install it
// below prefix, an absolute path.
func (t *Tool) Commands(prefix string) [][]string {
	var commands [][]string
	for _, command := range t.build {
		var arguments []string
		for _, a := range command {
			arguments = append(arguments, a.replace(prefix))
		}
		commands = append(commands, arguments)
	}
	return commands
}

// ToolSource is what a tool is built from: GitSource or ArchiveSource.
type ToolSource interface{ toolSource() }

// GitSource is one commit of a repository.
type GitSource struct {
	URL    URL
	Commit digest.ObjectID
}

// ArchiveSource is an archive of source code.
type ArchiveSource struct {
	URL    URL
	SHA256 digest.SHA256
}

func (GitSource) toolSource()     {}
func (ArchiveSource) toolSource() {}

// Download is a file that is fetched before any step runs (section 3.5).
type Download struct {
	URL    URL
	SHA256 digest.SHA256
	Path   tree.Path
}

// Write is a file that is written before any step runs (section 3.6).
type Write struct {
	Path    tree.Path
	Content Template
}

// Invocation is one program that is run, with what it needs.
type Invocation struct {
	Run   []Template // the argument vector, never empty; no shell reads it
	Tools []Name     // programs whose versions matter, no name twice
	Git   GitUse
}

// Step is one step that generates files (section 3.7).
type Step struct {
	Name string // for people: visible text, unique
	Invocation
	Outputs pattern.List // what it may create
	Changes pattern.List // what it may change
	Discard pattern.List // what it may create and do with as it likes: scratch
}

// GitUse is what a program sees of git (section 3.7).
type GitUse uint8

// The uses of git.
const (
	NoGit      GitUse = iota + 1 // no repository
	GitTag                       // the source commit, without its parents, and its tag
	GitHistory                   // the source commit with its ancestors and their tags
)

func gitUseNames() []string { return []string{NoGit: "none", GitTag: "tag", GitHistory: "history"} }

// String returns the word of the recipe.
func (g GitUse) String() string { return nameOf(gitUseNames(), g) }

// Built says what the built commit is like (section 3.8).
type Built struct {
	Branch    Template // short name of the branch
	Author    Identity
	Committer Identity
	Omit      pattern.List // what is left out, wherever it comes from
}

// Identity is whom a commit names.
type Identity struct{ Name, Email string }

// String returns the identity as commit objects have it, without the time.
func (i Identity) String() string { return i.Name + " <" + i.Email + ">" }

// Limits are what a build may use before it fails (section 3.10).
type Limits struct {
	Time        time.Duration // of all steps together
	OutputBytes int64         // of all files that exist after a step
	Files       int
}

// ParseError says which line of a recipe breaks which rule, and what to do.
type ParseError = document.ParseError

// nameOf returns the word of an enumeration's value, "" if it has none.
func nameOf[T ~uint8](names []string, value T) string {
	if int(value) < len(names) {
		return names[value]
	}
	return ""
}
