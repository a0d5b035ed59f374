package gitobject

import (
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// ParseTag reads the content of a tag object in a repository of format f:
// object, type, tag, at most one tagger, nothing else, then the message, at
// whose end one armoured signature may stand. The error is a *refusal.Refusal:
// GIT_TAG with the offset in the object, GIT_FORMAT or GIT_LIMIT.
// Whether the name is that of the ref is the caller's question.
func ParseTag(f digest.Format, raw []byte) (*Tag, error) {
	h, body, err := splitHeaders(refusal.GitTag, raw)
	if err != nil {
		return nil, err
	}
	t := &Tag{Message: body}
	if t.Object, err = h.id(f, "object"); err != nil {
		return nil, err
	}
	line, err := h.next("type")
	if err != nil {
		return nil, err
	}
	var known bool
	if t.Type, known = digest.ParseObjectType(line.value); !known {
		return nil, refusal.New(refusal.GitTag, "the tagged object is of no type that git has").At(line.offset, "")
	}
	if line, err = h.next("tag"); err != nil {
		return nil, err
	}
	if t.Name = line.value; t.Name == "" || strings.ContainsFunc(t.Name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, refusal.New(refusal.GitTag, "the tag's name is empty or holds a space or control character").At(line.offset, "")
	}
	if line, ok := h.accept("tagger"); ok {
		tagger, err := h.person(line)
		if err != nil {
			return nil, err
		}
		t.Tagger = &tagger
	}
	if len(h.rest) > 0 {
		return nil, refusal.New(refusal.GitTag, "the header %q has no place in a tag, or not here", h.rest[0].key).At(h.rest[0].offset, "")
	}
	if i := signatureAt(body); i >= 0 {
		t.Message, t.Signature = body[:i], body[i:]
		if problem := armourProblem(t.Signature); problem != "" {
			return nil, refusal.New(refusal.GitTag, "the tag has %s", problem).At(h.end+1+int64(i), "")
		}
	}
	return t, nil
}
