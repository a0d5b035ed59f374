package bundle

import (
	"bytes"
	"encoding/base64"
	"errors"

	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/refusal"
)

// Parse reads a file: what Encode would write, and nothing else. Every object is
// hashed; what it says is not read. The error is a *refusal.Refusal:
// BUNDLE_FORMAT or BUNDLE_LIMIT, for a line JSON_FORMAT, JSON_LIMIT, DSSE_FORMAT
// or DSSE_LIMIT, for an object GIT_HASH or GIT_SHA1_COLLISION; with the number of
// the line in its sentence and, where there is one, the offset in the file.
func Parse(data []byte) (*Bundle, error) {
	if err := checkSize(len(data), bytes.Count(data, []byte("\n"))); err != nil {
		return nil, err
	}
	text, ended := bytes.CutSuffix(data, []byte("\n"))
	if !ended {
		return nil, wrong("the bundle is empty, or its last line has no end")
	}
	p := &reader{}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if err := p.line(line); err != nil {
			return nil, p.at(err)
		}
		p.number, p.offset, p.before = p.number+1, p.offset+int64(len(line))+1, line
	}
	again, err := p.bundle.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, data) {
		return nil, wrong("the bundle has two envelopes with one payload, or an envelope that is not in the form of bundles: key ids there, signatures sorted, the standard alphabet of base64")
	}
	return &p.bundle, nil
}

// reader reads line after line.
type reader struct {
	bundle Bundle
	before []byte // the line before
	number int    // of lines read
	offset int64  // of the line
}

// at says in which line something is wrong.
func (p *reader) at(err error) error {
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok {
		return err
	}
	offset := p.offset + max(r.Offset, 0)
	return refusal.New(r.Rule, "in line %d: %s", p.number+1, r.Detail).At(offset, r.Member)
}

func (p *reader) line(line []byte) error {
	if p.number == 0 {
		if !bytes.Equal(line, header()) {
			return wrong("the first line is not %s: this is no bundle of a version that is known here", header())
		}
		return nil
	}
	if bytes.Compare(p.before, line) >= 0 {
		return wrong("the line is that before it, or belongs before that")
	}
	value, err := canonicaljson.Parse(line)
	if err != nil {
		return err
	}
	if !bytes.Equal(canonicaljson.Encode(value), line) {
		return wrong("the line is not canonical JSON")
	}
	m := canonicaljson.Read(value, refusal.BundleFormat, "the line")
	switch {
	case m.Present("policy"):
		return p.envelope(m, "policy", &p.bundle.Policies)
	case m.Present("statement"):
		return p.envelope(m, "statement", &p.bundle.Statements)
	case m.Present("object"):
		return p.object(m)
	case m.Present("recipe"):
		return p.recipe(m)
	}
	m.Fail("", "is neither a policy, a statement, an object nor a recipe")
	return m.Err()
}

// envelope reads a line that is a policy or a statement.
func (p *reader) envelope(m canonicaljson.Members, key string, to *[]dsse.Envelope) error {
	m.Only(key)
	inner := m.Object(key)
	inner.Only("payload", "payloadType", "signatures")
	for _, s := range inner.Objects("signatures") {
		s.Only("keyid", "sig")
	}
	if err := m.Err(); err != nil {
		return err
	}
	e, err := dsse.Read(inner.Value())
	if err != nil {
		return err
	}
	*to = append(*to, e)
	return nil
}

// object reads a line that is a git object.
func (p *reader) object(m canonicaljson.Members) error {
	m.Only("data", "id", "object")
	o := Object{ID: canonicaljson.Field(m, "id", digest.ParseObjectID)}
	o.Type = canonicaljson.Field(m, "object", func(s string) (digest.ObjectType, error) {
		t, known := digest.ParseObjectType(s)
		if !known || !isKept(t) {
			return 0, errors.New("expected commit, tag or tree")
		}
		return t, nil
	})
	o.Data = canonicaljson.Field(m, "data", decode)
	if err := m.Err(); err != nil {
		return err
	}
	p.bundle.Objects = append(p.bundle.Objects, o)
	return o.judge(digest.HashObject(o.ID.Format(), o.Type, o.Data))
}

// decode reads base64 in its one spelling.
func decode(s string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(data) != s {
		return nil, errors.New("expected base64 with its padding, in the standard alphabet")
	}
	return data, nil
}

// recipe reads a line that is a recipe.
func (p *reader) recipe(m canonicaljson.Members) error {
	m.Only("recipe")
	data := canonicaljson.Field(m, "recipe", decode)
	if err := m.Err(); err != nil {
		return err
	}
	p.bundle.Recipes = append(p.bundle.Recipes, data)
	return checkRecipe(data)
}

// judge holds an object to the id that was computed of it.
func (o *Object) judge(got digest.ObjectID, err error) error {
	switch {
	case err != nil:
		return refusal.New(refusal.GitSHA1Collision, "the %v %v carries a SHA-1 collision attack", o.Type, o.ID)
	case got != o.ID:
		return refusal.New(refusal.GitHash, "the %v that is called %v is %v", o.Type, o.ID, got)
	}
	return nil
}
