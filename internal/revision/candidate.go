package revision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/lockfile"
)

const tagPrefix = "refs/tags/"

// token is a run of digits or of other letters in a name, lower-cased.
type token struct {
	text   string
	before string // the separators before it
	number bool
}

// lex splits a name into numbers and words. Letters are everything but digits
// and ASCII punctuation.
func lex(name string) []token {
	var tokens []token
	class := func(c byte) byte {
		switch {
		case c >= '0' && c <= '9':
			return '0'
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= 0x80:
			return 'a'
		}
		return ' '
	}
	for i := 0; i < len(name); {
		start := i
		for i < len(name) && class(name[i]) == ' ' {
			i++
		}
		if i == len(name) {
			return append(tokens, token{before: name[start:]})
		}
		t := token{before: name[start:i], number: class(name[i]) == '0'}
		start = i
		for i < len(name) && class(name[i]) == class(name[start]) {
			i++
		}
		t.text = strings.ToLower(name[start:i])
		tokens = append(tokens, t)
	}
	return tokens
}

// fit says how a tag's words before its version relate to the project. More is
// better; zero is no fit.
type fit uint8

const (
	noFit   fit = iota
	foreign     // other words: perhaps another component of the repository
	bare        // none but words that announce a version: v1.2, REL_1_2
	partial     // the project's first or last words: php-7.4.33 of php7.4
	own         // the project's name
)

// Candidates returns those of the tags (full names) that spell exactly this
// version, in whatever way projects spell versions: other separators, capital
// letters, "v" or the project's name before it. Of tags that fit the project
// differently well, only those that fit best are returned: of a repository with
// several components, the project's own. All that fit equally are returned,
// sorted.
func Candidates(project, version string, tags []string) []string {
	want := lex(strings.TrimLeft(version, "vV"))
	if len(want) == 0 || !want[0].number {
		return nil
	}
	words := dropMarkers(lex(project))
	best, found := noFit, []string(nil)
	for _, exact := range []bool{true, false} {
		for _, tag := range tags {
			name, isTag := strings.CutPrefix(tag, tagPrefix)
			if !isTag {
				continue
			}
			switch f := fitOf(lex(name), want, words, exact); {
			case f == noFit || f < best:
			case f > best:
				best, found = f, []string{tag}
			default:
				found = append(found, tag)
			}
		}
		if best > foreign {
			break
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// fitOf compares one tag. Unless exact, words like "stable" may follow the
// version, in the tag or in the name of the archive.
func fitOf(tag, want, project []token, exact bool) fit {
	if !exact {
		shortTag, shortWant := trimNeutral(tag), trimNeutral(want)
		if len(shortTag) == len(tag) && len(shortWant) == len(want) {
			return noFit
		}
		tag, want = shortTag, shortWant
	}
	start := len(tag) - len(want)
	if start < 0 || !sameVersion(tag[start:], want) {
		return noFit
	}
	prefix := tag[:start]
	f := prefixFit(dropMarkers(prefix), project)
	if len(prefix) > 0 && prefix[len(prefix)-1].number && (f < partial || !dividesNumbers(tag[start:])) {
		return noFit // the version of the tag begins earlier
	}
	return f
}

func trimNeutral(tokens []token) []token {
	for len(tokens) > 0 && isNeutral(tokens[len(tokens)-1].text) {
		tokens = tokens[:len(tokens)-1]
	}
	return tokens
}

// dividesNumbers reports whether the separator before a version sets it off
// from a number that belongs to a name: one that the version itself does not
// use between its numbers, and no dot.
func dividesNumbers(version []token) bool {
	before := version[0].before
	if before == "" || before == "." {
		return false
	}
	return !slices.ContainsFunc(version[1:], func(t token) bool { return t.before == before })
}

// sameVersion reports whether two versions are the same but for spelling: the
// same numbers, digit by digit, and words; between two numbers one separator
// of the one version always for one of the other.
func sameVersion(a, b []token) bool {
	forward, backward := map[string]string{}, map[string]string{}
	for i := range a {
		if a[i].text != b[i].text || a[i].number != b[i].number {
			return false
		}
		if i == 0 || !a[i].number || !a[i-1].number {
			continue
		}
		x, seen := forward[a[i].before]
		y, seenToo := backward[b[i].before]
		if seen && x != b[i].before || seenToo && y != a[i].before {
			return false
		}
		forward[a[i].before], backward[b[i].before] = b[i].before, a[i].before
	}
	return true
}

// dropMarkers leaves out the words that only announce a version.
func dropMarkers(tokens []token) []token {
	return slices.DeleteFunc(slices.Clone(tokens), func(t token) bool { return !t.number && isMarker(t.text) || t.text == "" })
}

// prefixFit compares the words before a tag's version with the project's.
func prefixFit(prefix, project []token) fit {
	same := func(a, b token) bool { return a.text == b.text }
	switch {
	case len(prefix) == 0:
		return bare
	case slices.EqualFunc(prefix, project, same):
		return own
	case len(prefix) < len(project) && (slices.EqualFunc(prefix, project[:len(prefix)], same) || slices.EqualFunc(prefix, project[len(project)-len(prefix):], same)):
		return partial
	case slices.ContainsFunc(prefix, func(t token) bool { return isUnfinished(t.text) }):
		return noFit // rc-1_2 is not 1.2
	}
	return foreign
}

// FromPattern returns the full ref of the tag that a lock file's pattern gives
// for a version: "v{version}" and "1.2" give refs/tags/v1.2.
func FromPattern(pattern, version string) (ref string, err error) {
	if err := lockfile.CheckPattern(pattern); err != nil {
		return "", err
	}
	if err := lockfile.CheckVersion(version); err != nil {
		return "", err
	}
	if strings.Contains(version, "~") {
		return "", fmt.Errorf("the version %q holds \"~\", which no ref can", version)
	}
	return tagPrefix + strings.Replace(pattern, lockfile.Placeholder, version, 1), nil
}

// matching returns the tags, sorted, that a pattern gives for a version: the
// literal one if it exists, else all those that spell the version in another
// way between the pattern's ends.
func matching(pattern, version string, tags []string) []string {
	if ref, err := FromPattern(pattern, version); err == nil && slices.Contains(tags, ref) {
		return []string{ref}
	}
	before, after, found := strings.Cut(tagPrefix+pattern, lockfile.Placeholder)
	if !found {
		return nil
	}
	want := lex(version)
	var names []string
	for _, tag := range tags {
		spelled, hasPrefix := strings.CutPrefix(tag, before)
		spelled, hasSuffix := strings.CutSuffix(spelled, after)
		if !hasPrefix || !hasSuffix {
			continue
		}
		if got := lex(spelled); len(got) > 0 && got[0].before == "" && len(got) == len(want) && sameVersion(got, want) {
			names = append(names, tag)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
