package recipe

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/pattern"
	"github.com/countermark/countermark/internal/tree"
)

// Version is a version of a release (section 2.1), made by ParseVersion.
type Version string

// ParseVersion checks that s is a version: 1 to MaxVersionBytes letters, digits
// and ".+_-", the first a letter or digit, no "..", no "." or ".lock" at the
// end. The error is one sentence.
func ParseVersion(s string) (Version, error) {
	switch {
	case s == "" || len(s) > MaxVersionBytes:
		return "", document.Wrong(versionHint, "the version %s has %d bytes, expected 1 to %d", document.Excerpt(s), len(s), MaxVersionBytes)
	case !ascii.IsAlphanumeric(s[0]) || !ascii.IsOnly(s, ".+_-"):
		return "", document.Wrong(versionHint, "the version %s holds more than letters, digits and \".+_-\", or begins with none of the first two", document.Excerpt(s))
	case strings.Contains(s, "..") || strings.HasSuffix(s, ".") || strings.HasSuffix(s, ".lock"):
		return "", document.Wrong(versionHint, "the version %s holds \"..\" or ends in \".\" or \".lock\"", document.Excerpt(s))
	}
	return Version(s), nil
}

const versionHint = "versions look like 8.2.32, 9.2p1 or 2.40.0-rc1"

// URL is an https URL without user, fragment or spaces (section 2.4).
type URL string

func parseURL(s string) (URL, error) {
	const hint = "write it as https://HOST/PATH, other characters percent-encoded"
	rest, found := strings.CutPrefix(s, "https://")
	host, _, _ := strings.Cut(rest, "/")
	switch {
	case len(s) > MaxURLBytes:
		return "", document.Wrong(hint, "the URL has %d bytes, at most %d are accepted", len(s), MaxURLBytes)
	case !found:
		return "", document.Wrong(hint, "the URL %s does not begin with https://", document.Excerpt(s))
	case !isHost(host):
		return "", document.Wrong(hint, "the URL %s has no plain host name", document.Excerpt(s))
	case strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("#\"<>\\^`{|}", r) }):
		return "", document.Wrong(hint, "the URL %s holds a character that no URL has, or a fragment", document.Excerpt(s))
	case !isEncoded(rest):
		return "", document.Wrong("write %25 for the sign itself", "the URL %s holds a %% without two digits, or one that stands for a control character", document.Excerpt(s))
	}
	return URL(s), nil
}

// isHost reports whether s is a host name, with a port or without.
func isHost(s string) bool {
	name, port, ported := strings.Cut(s, ":")
	if name == "" || !ascii.IsAlphanumeric(name[0]) || !ascii.IsOnly(name, ".-") || strings.Contains(name, "..") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return !ported || err == nil && n > 0
}

// isEncoded reports whether each "%" of a URL stands before two hexadecimal
// digits, and for no control character: git and others split lines of their
// protocols where one is decoded (CVE-2020-5260).
func isEncoded(s string) bool {
	for _, after := range strings.Split(s, "%")[1:] {
		c, err := strconv.ParseUint(after[:min(2, len(after))], 16, 8)
		if len(after) < 2 || err != nil || c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// Name is a name of a tool, program, package, suite or variable (section 2.5).
type Name string

// name returns the parser of names of letters, digits and some others.
func name(what, others string, first func(byte) bool) func(string) (Name, error) {
	return func(s string) (Name, error) {
		if s == "" || len(s) > MaxNameBytes || !first(s[0]) || !ascii.IsOnly(s, others) {
			return "", document.Wrong(fmt.Sprintf("a %s has 1 to %d letters, digits and %q, and begins with a letter or digit", what, MaxNameBytes, others),
				"%s is no name of a %s", document.Excerpt(s), what)
		}
		return Name(s), nil
	}
}

func parseProgram(s string) (Name, error) { return name("program", ".+_-", ascii.IsAlphanumeric)(s) }

func parseSuite(s string) (Name, error) { return name("suite", ".-", ascii.IsAlphanumeric)(s) }

// parsePackage reads NAME or NAME=VERSION as Debian Policy 5.6.1 and 5.6.12
// have them, without a final "-", which asks apt-get(8) to remove NAME.
func parsePackage(s string) (Package, error) {
	const hint = "write NAME or NAME=VERSION, as in \"bison\" or \"autoconf=2.72-3.1\""
	name, version, pinned := strings.Cut(s, "=")
	switch {
	case len(name) < 2 || len(name) > MaxNameBytes || !ascii.IsAlphanumeric(name[0]) || !ascii.IsOnly(name, "+.-") || strings.ToLower(name) != name || strings.HasSuffix(name, "-"):
		return Package{}, document.Wrong(hint, "%s is no package", document.Excerpt(s))
	case pinned && (len(version) == 0 || len(version) > MaxNameBytes || version[0] < '0' || version[0] > '9' || !ascii.IsOnly(version, ".+~:-")):
		return Package{}, document.Wrong(hint, "%s has no version of a package after the sign", document.Excerpt(s))
	}
	return Package{Name: Name(name), Version: version}, nil
}

// parseVariable reads the name of an environment variable that a recipe may set.
func parseVariable(s string) (Name, error) {
	fixed := []string{"HOME", "PATH", "PWD", "SOURCE_DATE_EPOCH"}
	if slices.Contains(fixed, s) || strings.HasPrefix(s, "GIT_") || strings.HasPrefix(s, "LD_") {
		return "", document.Wrong("these are fixed: "+strings.Join(fixed, ", ")+", GIT_..., LD_...", "the variable %s is not the recipe's to set", document.Excerpt(s))
	}
	letter := func(c byte) bool { return c == '_' || ascii.IsAlphanumeric(c) && (c < '0' || c > '9') }
	if s == "" || len(s) > MaxNameBytes || !letter(s[0]) || !ascii.IsOnly(s, "_") {
		return "", document.Wrong("a variable has letters, digits and \"_\", no digit first", "%s is no name of a variable", document.Excerpt(s))
	}
	return Name(s), nil
}

// parseTitle reads a step's name: text for people.
func parseTitle(s string) (string, error) {
	if s == "" || len(s) > MaxNameBytes || escape.Text(s) != s || strings.TrimSpace(s) != s {
		return "", document.Wrong("a name is 1 to 64 bytes of visible text on one line, without a backslash", "%s is no name of a step", document.Excerpt(s))
	}
	return s, nil
}

func parseSHA256(s string) (digest.SHA256, error) {
	d, err := digest.ParseSHA256(s)
	if err != nil || d.IsZero() {
		return d, document.Wrong("write the 64 lower-case hexadecimal digits that sha256sum prints", "%s is no SHA-256", document.Excerpt(s))
	}
	return d, nil
}

func parseObjectID(s string) (digest.ObjectID, error) {
	id, err := digest.ParseObjectID(s)
	if err != nil || id.IsNull() {
		return id, document.Wrong("write the full id: 40 or 64 lower-case hexadecimal digits", "%s is no object id", document.Excerpt(s))
	}
	return id, nil
}

// parsePath reads the path of one file. What means something in a pattern has
// no place in it.
func parsePath(s string) (tree.Path, error) {
	if _, err := pattern.Parse(s); err != nil {
		return "", err
	}
	if strings.Contains(s, "*") || strings.HasSuffix(s, "/") {
		return "", document.Wrong("name one file, without * and without a final slash", "%s is a pattern, not the path of a file", document.Excerpt(s))
	}
	return tree.Path(s), nil
}

// parseAny reads text that may hold anything.
func parseAny(s string) (string, error) { return s, nil }

// checkIdentity holds a name or an email address to what fits into a line of a
// commit object.
func checkIdentity(what string) func(string) (string, error) {
	return func(s string) (string, error) {
		if s == "" || len(s) > MaxURLBytes || escape.Text(s) != s || strings.TrimSpace(s) != s || strings.ContainsAny(s, "<>") {
			return "", document.Wrong("git has no way to write \"<\", \">\" or a line end in it", "%s is no %s of a person", document.Excerpt(s), what)
		}
		return s, nil
	}
}

// choice returns the parser of one of some words.
func choice[T ~uint8](names []string) func(string) (T, error) {
	return func(s string) (T, error) {
		if i := slices.Index(names, s); i > 0 {
			return T(i), nil
		}
		return 0, document.Wrong("write one of: "+strings.Join(names[1:], ", "), "%s is none of the words for this", document.Excerpt(s))
	}
}
