package lockfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
)

// checkRepository accepts printable ASCII without spaces: a URL as RFC 3986
// writes it, or git's short form user@host:path. Whether it is one that may be
// fetched from is asked when that happens.
func checkRepository(s string) error {
	if len(s) > MaxRepositoryBytes {
		return fmt.Errorf("the repository has %d bytes, at most %d are accepted", len(s), MaxRepositoryBytes)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return fmt.Errorf("the repository holds the byte 0x%02x, only printable ASCII without spaces is accepted", s[i])
		}
	}
	if s[0] == '-' {
		return errors.New("the repository begins with \"-\", which programs take for an option")
	}
	return nil
}

// CheckPattern reports whether s is a tag pattern: a short tag name (without
// refs/tags/) that holds Placeholder exactly once. The error is one sentence.
func CheckPattern(s string) error {
	if n := strings.Count(s, Placeholder); n != 1 {
		return fmt.Errorf("the tag pattern %s holds %s %d times, expected once", excerpt(s), Placeholder, n)
	}
	if err := checkRef("refs/tags/" + strings.Replace(s, Placeholder, "0", 1)); err != nil {
		return fmt.Errorf("the tag pattern %s gives no tag name: %v", excerpt(s), err)
	}
	return nil
}

// CheckVersion reports whether s is a version as releases are named: at most
// MaxVersionBytes of letters, digits and ".+_~-", the first a letter or digit,
// no "..", no "." or ".lock" at the end (a version becomes part of refs). The
// error is one sentence.
func CheckVersion(s string) error {
	switch {
	case s == "" || len(s) > MaxVersionBytes:
		return fmt.Errorf("the version %s has %d bytes, expected 1 to %d", excerpt(s), len(s), MaxVersionBytes)
	case !ascii.IsAlphanumeric(s[0]) || !ascii.IsOnly(s, ".+_~-"):
		return fmt.Errorf("the version %s holds more than letters, digits and \".+_~-\", or begins with none of the first two", excerpt(s))
	case strings.Contains(s, "..") || strings.HasSuffix(s, ".") || strings.HasSuffix(s, ".lock"):
		return fmt.Errorf("the version %s holds \"..\" or ends in \".\" or \".lock\"", excerpt(s))
	}
	return nil
}

// checkRef accepts the full names of tags that docs/spec/git.md accepts.
func checkRef(s string) error {
	var r *refusal.Refusal
	err := gitobject.CheckRefName(s)
	if errors.As(err, &r) {
		return fmt.Errorf("the ref %s is refused: %s", excerpt(s), r.Detail)
	}
	return err
}
