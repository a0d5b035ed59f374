package gitobject

import (
	"strings"

	"github.com/countermark/countermark/internal/refusal"
)

// TagPrefix begins the full name of every tag (gitglossary(7), "ref").
const TagPrefix = "refs/tags/"

// MaxTagNameBytes is the longest accepted name of a tag after TagPrefix. File
// systems that git stores refs on end at 255 bytes a component, less ".lock".
const MaxTagNameBytes = 200

// CheckRefName checks the full name of a tag's ref before it is given to any
// program: "refs/tags/", then 1 to MaxTagNameBytes ASCII letters, digits and
// ". _ / + @ % -", the first a letter, a digit or "@", and what
// git-check-ref-format(1) forbids: no "..", no empty component, none that
// begins with "." or ends in ".lock", no "/" or "." at the end. The error is a
// *refusal.Refusal, GIT_REFNAME.
func CheckRefName(ref string) error {
	name, found := strings.CutPrefix(ref, TagPrefix)
	problem := ""
	switch {
	case !found:
		problem = "does not begin with refs/tags/"
	case name == "" || len(name) > MaxTagNameBytes:
		problem = "has no name, or one too long, after refs/tags/"
	case strings.ContainsFunc(name, func(r rune) bool { return !alphanumeric(r) && !strings.ContainsRune("._/+@%-", r) }):
		problem = "holds a character other than letters, digits and . _ / + @ % -"
	case !alphanumeric(rune(name[0])) && name[0] != '@':
		problem = "begins with a character other than a letter, a digit or @"
	case strings.Contains(name, "..") || strings.HasSuffix(name, "."):
		problem = "holds two dots in a row, or ends in a dot"
	default:
		for component := range strings.SplitSeq(name, "/") {
			if component == "" || component[0] == '.' || strings.HasSuffix(component, ".lock") {
				problem = "has a component that is empty, begins with a dot or ends in .lock"
			}
		}
	}
	if problem != "" {
		return refusal.New(refusal.GitRefName, "the ref name %s", problem).At(refusal.Unknown, ref)
	}
	return nil
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
