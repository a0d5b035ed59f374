package gitobject

import (
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// ParseCommit reads the content of a commit object in a repository of format
// f. The grammar is stricter than git's reader (docs/spec/git.md, "Commits"):
// tree, any number of parent, author, committer, at most one encoding, each in
// this order, then any number of mergetag and at most one signature, nothing
// else. Two readers can therefore not take two different commits from it.
// The error is a *refusal.Refusal: GIT_COMMIT with the offset in the object,
// GIT_FORMAT or GIT_LIMIT.
func ParseCommit(f digest.Format, raw []byte) (*Commit, error) {
	h, message, err := splitHeaders(refusal.GitCommit, raw)
	if err != nil {
		return nil, err
	}
	c := &Commit{Message: message}
	if c.Tree, err = h.id(f, "tree"); err != nil {
		return nil, err
	}
	for line, ok := h.accept("parent"); ok; line, ok = h.accept("parent") {
		parent, err := h.parseID(f, line)
		if err != nil {
			return nil, err
		}
		c.Parents = append(c.Parents, parent)
	}
	if c.Author, err = h.nextPerson("author"); err != nil {
		return nil, err
	}
	if c.Committer, err = h.nextPerson("committer"); err != nil {
		return nil, err
	}
	if line, ok := h.accept("encoding"); ok {
		if line.value == "" || strings.Trim(line.value, encodingCharacters) != "" {
			return nil, refusal.New(refusal.GitCommit, "the encoding is not the name of a character set").At(line.offset, "")
		}
		c.Encoding = line.value
	}
	if err := c.extraHeaders(f, h); err != nil {
		return nil, err
	}
	return c, nil
}

// encodingCharacters may stand in an encoding: those of a charset name in
// RFC 2978, section 2.3, and the colon of "ISO_8859-1:1987".
const encodingCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'+-^_`{}~:.()"

func (h *headers) nextPerson(key string) (Person, error) {
	line, err := h.next(key)
	if err != nil {
		return Person{}, err
	}
	return h.person(line)
}

// extraHeaders reads what may follow the committer and encoding.
func (c *Commit) extraHeaders(f digest.Format, h *headers) error {
	own := signatureKey(f) // that of the other format is not ours
	for len(h.rest) > 0 {
		if _, ok := h.accept("mergetag"); ok {
			continue
		}
		line, ok := h.accept(own)
		switch {
		case !ok:
			return refusal.New(refusal.GitCommit, "the header %q has no place in a commit, or not here", h.rest[0].key).At(h.rest[0].offset, "")
		case c.Signature != "":
			return refusal.New(refusal.GitCommit, "the commit has a second signature").At(line.offset, "")
		}
		c.Signature = line.unfolded()
		if problem := armourProblem(c.Signature); problem != "" {
			return refusal.New(refusal.GitCommit, "the header %q has %s", own, problem).At(line.offset, "")
		}
	}
	return nil
}
