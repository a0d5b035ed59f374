package recipe

import (
	"errors"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

const (
	tagPrefix    = gitobject.TagPrefix
	branchPrefix = "refs/heads/"
	maxTagBytes  = gitobject.MaxTagNameBytes
)

// checkRef accepts the short names that docs/spec/git.md accepts for tags.
func checkRef(short string) error {
	var r *refusal.Refusal
	err := gitobject.CheckRefName(tagPrefix + short)
	if errors.As(err, &r) {
		return document.Wrong("see git-check-ref-format(1)", "%s is no name of a ref: %s", document.Excerpt(short), r.Detail)
	}
	return err
}

// checkBranch accepts the short names of branches that built commits may have:
// as those of tags, but for those of candidates and of the current commit.
func checkBranch(short string) error {
	if short == "HEAD" || short == "@" {
		return document.Wrong("git takes this name for the current commit: name it after the project", "%s is no name of a branch", document.Excerpt(short))
	}
	if short == "candidates" || strings.HasPrefix(short, "candidates/") {
		return document.Wrong("name it after the project, as in \"php-{major}.{minor}-built\"", "the branch %s is among those of candidates", document.Excerpt(short))
	}
	return checkRef(short)
}

// TagOf returns the full name of the ref of a version's tag (section 3.2). It
// fails if the version holds the character that tags have for its dots, or the
// name that comes out is none of a tag; the error is one sentence.
func (r *Recipe) TagOf(v Version) (string, error) {
	separator := r.Source.TagDots.String()
	if separator != "." && strings.Contains(string(v), separator) {
		return "", document.Wrong("name such a version otherwise", "the version %s holds %q, which stands for a dot in tags", document.Excerpt(string(v)), separator)
	}
	short := r.Source.Tag.replace(strings.ReplaceAll(string(v), ".", separator))
	if err := checkRef(short); err != nil {
		return "", err
	}
	return tagPrefix + short, nil
}

// VersionOf returns the version of which the given ref is the tag: TagOf of it
// is that ref. The error, one sentence, says why there is none.
func (r *Recipe) VersionOf(ref string) (Version, error) {
	before, after := r.Source.Tag.around()
	text, ours := strings.CutPrefix(ref, tagPrefix+before)
	text, ends := strings.CutSuffix(text, after)
	separator := r.Source.TagDots.String()
	if !ours || !ends || separator != "." && strings.Contains(text, ".") {
		return "", document.Wrong("the recipe says how tags are named", "the ref %s is no tag of the form %s", document.Excerpt(ref), document.Excerpt(r.Source.Tag.text))
	}
	if err := checkRef(strings.TrimPrefix(ref, tagPrefix)); err != nil {
		return "", err
	}
	return ParseVersion(strings.ReplaceAll(text, separator, "."))
}

// BranchOf returns the full name of the ref of a version's built branch
// (section 3.8). It fails if the version lacks a number that the name has, or
// the name that comes out is none of a branch; the error is one sentence.
func (r *Recipe) BranchOf(v Version) (string, error) {
	short, err := r.Expand(r.Built.Branch, v)
	if err == nil {
		err = checkBranch(short)
	}
	if err != nil {
		return "", err
	}
	return branchPrefix + short, nil
}

// ArchiveName returns the name of a version's archive in one format (section
// 3.1), without a directory.
func (r *Recipe) ArchiveName(v Version, f Format) string {
	return r.Project.Archive.replace(string(v)) + "." + f.String()
}

// PrefixOf returns the name of the directory at the top of a version's
// archives, without a slash (section 3.9).
func (r *Recipe) PrefixOf(v Version) string { return r.Archives.Prefix.replace(string(v)) }

// Origin says what may create a path (section 4). The zero value: nothing.
type Origin struct {
	Kind OriginKind
	Step int // index in Recipe.Steps, if a step does
}

// OriginKind is a kind of origin.
type OriginKind uint8

// The origins of paths.
const (
	Undeclared OriginKind = iota
	FromDownload
	FromWrite
	FromStep
)

// OriginOf returns what may create the path so that it is in the built commit:
// one thing at most, since Parse refuses a recipe with two (section 4).
func (r *Recipe) OriginOf(path tree.Path) Origin {
	for _, d := range r.Downloads {
		if d.Path == path {
			return Origin{Kind: FromDownload}
		}
	}
	for _, w := range r.Writes {
		if w.Path == path {
			return Origin{Kind: FromWrite}
		}
	}
	for i, s := range r.Steps {
		if s.Outputs.Match(path) {
			return Origin{Kind: FromStep, Step: i}
		}
	}
	return Origin{}
}

// ChangersOf returns the indices of the steps that may change the path, which
// was there before them, in the order in which they run (section 4).
func (r *Recipe) ChangersOf(path tree.Path) []int {
	var steps []int
	for i, s := range r.Steps {
		if s.Changes.Match(path) {
			steps = append(steps, i)
		}
	}
	return steps
}

// Scratch reports whether the path, unless it is the source's, is scratch
// (section 4).
func (r *Recipe) Scratch(path tree.Path) bool {
	meant := slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Discard.Match(path) })
	return meant && r.OriginOf(path) == Origin{}
}
