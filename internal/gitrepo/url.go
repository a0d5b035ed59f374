package gitrepo

import (
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"unicode"

	"github.com/countermark/countermark/internal/refusal"
)

// IsRemote reports whether git would take source for the address of a remote
// repository and not for a path (git-fetch(1), "GIT URLS"): it names a scheme
// or a transport helper, or has a colon before the first slash. OpenRemote may
// still refuse it.
func IsRemote(source string) bool {
	if strings.Contains(source, "://") {
		return true
	}
	colon := strings.IndexByte(source, ':')
	if colon < 0 || runtime.GOOS == "windows" && colon == 1 {
		return false
	}
	return !strings.ContainsAny(source[:colon], `/`)
}

// CheckURL checks the address of a remote repository: https://HOST/PATH,
// ssh://[USER@]HOST/PATH or USER@HOST:PATH, in visible ASCII, nothing that a
// program could take for an option, no password. The error is a
// *refusal.Refusal, GIT_PROTOCOL, which does not show the address: there may be a
// password in it.
func CheckURL(address string) error {
	problem := ""
	switch {
	case strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }):
		problem = "holds a space, a control character or a character outside ASCII"
	case strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "ssh://"):
		problem = schemeProblem(address)
	case strings.Contains(address, "://") || !scpLike(address):
		problem = "is none of https://HOST/PATH, ssh://[USER@]HOST/PATH and USER@HOST:PATH"
	}
	if problem != "" {
		return refusal.New(refusal.GitProtocol, "the repository's address %s", problem)
	}
	return nil
}

// schemeProblem says what is wrong with an address that has a scheme, "" if nothing.
func schemeProblem(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(address, "#") {
		return "is no plain URL"
	}
	_, hasPassword := u.User.Password()
	host := u.Hostname()
	switch {
	case hasPassword:
		return "holds a password, which a credential helper should keep (gitcredentials(7))"
	case host == "" || strings.Trim(host, hostCharacters) != "" && !strings.Contains(u.Host, "["):
		return "has no plain host name"
	case strings.HasPrefix(host, "-") || strings.HasPrefix(u.User.Username(), "-"):
		return "has a host or user that begins with a hyphen"
	case strings.ContainsFunc(u.Path+u.User.Username(), unicode.IsControl):
		return "hides a control character"
	case len(u.Path) < 2 || strings.HasPrefix(u.Path, "/-"):
		return "has no path, or one that begins with a hyphen"
	}
	return ""
}

// hostCharacters may stand in a host name (RFC 1123, section 2.1; the underscore occurs).
const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

// scpLike reports whether the address has the form USER@HOST:PATH, which git
// takes for ssh.
func scpLike(address string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*@([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):[^:-].*$`).MatchString(address)
}
