package gitobject

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// EncodeTree returns the content of the tree object that holds the entries, in
// git's order, whichever they are given in. It is the inverse of ParseTree; what
// that would refuse is an error here.
func EncodeTree(f digest.Format, entries []TreeEntry) ([]byte, error) {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, compareEntries)
	var b bytes.Buffer
	for i := range sorted {
		e := &sorted[i]
		if e.ID.Format() != f {
			return nil, refusal.New(refusal.GitFormat, "the entry has a %v id in a %v tree", e.ID.Format(), f).At(refusal.Unknown, e.Name)
		}
		b.WriteString(strconv.FormatUint(uint64(e.Mode), 8) + " " + e.Name + "\x00")
		b.Write(e.ID.Bytes())
	}
	parsed, err := ParseTree(f, b.Bytes())
	if err != nil {
		return nil, err
	}
	if !slices.Equal(parsed, sorted) {
		return nil, refusal.New(refusal.GitTree, "an entry's name or mode is none that a tree can hold")
	}
	return b.Bytes(), nil
}

// EncodeCommit returns the content of a commit object in a repository of format
// f. It is the inverse of ParseCommit for commits without mergetag headers,
// which a Commit does not keep; what ParseCommit would refuse, or read
// otherwise, is an error here.
func EncodeCommit(f digest.Format, c *Commit) ([]byte, error) {
	var b bytes.Buffer
	line := func(key, value string) { b.WriteString(key + " " + value + "\n") }
	line("tree", c.Tree.String())
	for _, parent := range c.Parents {
		line("parent", parent.String())
	}
	line("author", c.Author.line())
	line("committer", c.Committer.line())
	if c.Encoding != "" {
		line("encoding", c.Encoding)
	}
	if c.Signature != "" {
		line(signatureKey(f), strings.ReplaceAll(strings.TrimSuffix(c.Signature, "\n"), "\n", "\n "))
	}
	b.WriteString("\n" + c.Message)
	parsed, err := ParseCommit(f, b.Bytes())
	if err != nil {
		return nil, err
	}
	given := *c
	if len(given.Parents) == 0 {
		given.Parents = nil
	}
	if !reflect.DeepEqual(*parsed, given) {
		return nil, refusal.New(refusal.GitCommit, "the commit cannot be written so that it reads the same")
	}
	return b.Bytes(), nil
}

// line returns the person as author, committer and tagger headers have it.
func (p Person) line() string {
	return fmt.Sprintf("%s <%s> %d %s", p.Name, p.Email, p.Unix, p.Zone)
}

// signatureKey returns the header in which git signs commits of a repository of
// format f (hash-function-transition, "Signed Commits").
func signatureKey(f digest.Format) string {
	if f == digest.SHA256Format {
		return "gpgsig-sha256"
	}
	return "gpgsig"
}

// Unsigned returns the content of a commit object without its signature header:
// the bytes that the signature is over, and of which the id is the *unsigned
// commit id*. An unsigned commit is returned as it is. The error is that of
// ParseCommit.
func Unsigned(f digest.Format, raw []byte) ([]byte, error) {
	if _, err := ParseCommit(f, raw); err != nil {
		return nil, err
	}
	begin := []byte(signatureKey(f) + " ")
	kept := make([]byte, 0, len(raw))
	inside := false
	for pos := 0; ; {
		end := pos + bytes.IndexByte(raw[pos:], '\n') + 1 // ParseCommit has found the empty line
		line := raw[pos:end]
		if len(line) == 1 {
			return append(kept, raw[pos:]...), nil
		}
		// A line that begins with a space continues the header before it.
		if inside = bytes.HasPrefix(line, begin) || inside && line[0] == ' '; !inside {
			kept = append(kept, line...)
		}
		pos = end
	}
}
