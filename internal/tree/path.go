package tree

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
)

// MaxPathBytes is the longest path accepted: PATH_MAX of Linux, the longest
// name that an extractor there can write in one call.
const MaxPathBytes = 4096

// Path is a checked, relative, slash-separated path: made by ParsePath only.
// Two paths that any file system of today folds into one may both be valid;
// see Tree.CaseFoldings.
type Path string

// ParsePath checks that s is a path which every extractor and every file
// system reads alike: valid UTF-8 in normalisation form C (UAX #15), nothing
// invisible or controlling, no empty, "." or ".." component, no leading or
// final slash, at most MaxPathBytes, and nothing that a system takes for
// ".git". The error is a *refusal.Refusal with a NAME_ rule.
func ParsePath(s string) (Path, error) {
	if err := checkCharacters(s); err != nil {
		return "", err
	}
	switch {
	case s == "":
		return "", refusal.New(refusal.NamePath, "the name is empty")
	case len(s) > MaxPathBytes:
		return "", refusal.New(refusal.NamePath, "the name has %d bytes, at most %d are accepted", len(s), MaxPathBytes)
	}
	for rest, more := s, true; more; {
		var component string
		component, rest, more = strings.Cut(rest, "/")
		switch {
		case component == "":
			return "", refusal.New(refusal.NamePath, "the name has an empty component (a leading, doubled or final slash)")
		case component == "." || component == "..":
			return "", refusal.New(refusal.NamePath, "the name has a component %q", component)
		case isDotGit(component):
			return "", refusal.New(refusal.NameDotGit, "some file systems take the component %q for git's own directory", component)
		}
	}
	return Path(s), nil
}

// UnmarshalText reads a path as ParsePath does.
func (p *Path) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePath(string(text))
	return err
}

// Dir returns the path of the directory that holds p, "" at the top.
func (p Path) Dir() Path {
	if i := strings.LastIndexByte(string(p), '/'); i >= 0 {
		return p[:i]
	}
	return ""
}

// checkCharacters applies NAME_UTF8, NAME_CONTROL and NAME_NFC to a name or a
// link target.
func checkCharacters(s string) error {
	ascii := true
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f {
			return refusal.New(refusal.NameControl, "the name holds the control character %q", c)
		} else if c >= utf8.RuneSelf {
			ascii = false
		}
	}
	if ascii {
		return nil
	}
	if !utf8.ValidString(s) {
		return refusal.New(refusal.NameUTF8, "the name is not valid UTF-8")
	}
	for _, r := range s {
		if !escape.Visible(r) && !unicode.Is(unicode.Zs, r) && !unicode.Is(unicode.Co, r) && r != utf8.RuneError {
			return refusal.New(refusal.NameControl, "the name holds %U, which is invisible or controls how text is shown", r)
		}
	}
	if !norm.NFC.IsNormalString(s) {
		return refusal.New(refusal.NameNFC, "the name is not in Unicode normalisation form C")
	}
	return nil
}

// isDotGit reports whether some file system reads the component, or what
// Windows reads as a component of it, as ".git": any case, NTFS's short name,
// trailing dots and spaces, an alternate stream (git's is_ntfs_dotgit in
// path.c and verify_path in read-cache.c; HFS+'s ignorable characters never
// get here, NAME_CONTROL refuses them).
func isDotGit(component string) bool {
	for part := range strings.SplitSeq(component, `\`) {
		name, _, _ := strings.Cut(part, ":")
		name = strings.TrimRight(name, ". ")
		if strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1") {
			return true
		}
	}
	return false
}

// CheckTarget checks the target of a symbolic link as ParsePath checks the
// characters of a name; where it leads is not looked at. The error is a
// *refusal.Refusal.
func CheckTarget(target string) error {
	switch {
	case target == "":
		return refusal.New(refusal.NamePath, "the link's target is empty")
	case len(target) > MaxPathBytes:
		return refusal.New(refusal.NamePath, "the link's target has %d bytes, at most %d are accepted", len(target), MaxPathBytes)
	}
	return checkCharacters(target)
}
