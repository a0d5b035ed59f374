package gitrepo

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/refusal"
)

// TransportError says that a server could not be reached, or would not give
// what it was asked for. Trying again later may help: callers look for it with
// errors.As.
type TransportError struct {
	URL    string // as given
	Doing  string // "" for "fetching from"
	Detail string // one sentence: what happened, in git's own words where it said some, escaped
}

// Error returns one line, escaped.
func (e *TransportError) Error() string {
	return fmt.Sprintf("%s %s: %s", cmp.Or(e.Doing, "fetching from"), escape.Quote(e.URL), e.Detail)
}

// AsTransportError makes the error of a call that talked to a server from what
// git said: a *TransportError, a *refusal.Refusal, or err itself.
func AsTransportError(url string, err error) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r
	}
	if stalled, ok := errors.AsType[*gitexec.StallError](err); ok {
		return &TransportError{URL: url, Detail: stalled.Detail}
	}
	failed, ok := errors.AsType[*gitexec.RunError](err)
	if !ok {
		return err
	}
	said := strings.Join(failed.Said, "; ")
	if strings.Contains(said, "fsck error") {
		return refusal.New(fsckRule(said), "git refuses an object that the server sent: %s", said)
	}
	detail := failed.Error()
	for _, advice := range advices() {
		if strings.Contains(said, advice[0]) {
			return &TransportError{URL: url, Detail: detail + " (" + advice[1] + ")"}
		}
	}
	return &TransportError{URL: url, Detail: detail}
}

// advices pairs words of git, ssh and curl with what to do about them.
func advices() [][2]string {
	return [][2]string{
		{"could not read Username", "git asks for a password: set a credential helper, or use an ssh address"},
		{"Authentication failed", "check what the credential helper gives"},
		{"Host key verification failed", "connect once with ssh yourself, to accept the server's key"},
		{"Permission denied", "load a key that the server knows into the ssh agent"},
		{"Could not resolve host", "check the address and the network"},
		{"unable to update url base from redirection", "the repository has moved, use its new address"},
		{"The requested URL returned error: 30", "the repository has moved, use its new address"},
		{"unadvertised object", "the server gives single objects to newer protocols only"},
		{"not our ref", "the server does not give that commit by its id; name a tag"},
		{"ertificate", "check the certificates: SSL_CERT_FILE, GIT_SSL_CAINFO"},
	}
}

// fsckRule returns the rule for an object that git's own check refused. Its
// message names the problem (git-fsck(1), "FSCK MESSAGES"), not the type.
func fsckRule(said string) refusal.Rule {
	lower := strings.ToLower(said)
	for _, word := range []string{"author", "committer", "parent", "email", "date", "timezone", "nulincommit", "missingtree", "badtreesha1"} {
		if strings.Contains(lower, word) {
			return refusal.GitCommit
		}
	}
	for _, word := range []string{"tagger", "tagname", "tagentry", "missingtype", "badtype", "missingobject"} {
		if strings.Contains(lower, word) {
			return refusal.GitTag
		}
	}
	return refusal.GitTree
}
