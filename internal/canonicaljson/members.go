package canonicaljson

import (
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/refusal"
)

// Members reads what an object is expected to hold. Of all that is not as
// expected, in this object and those below, the first is kept for Err; whatever
// is read after it is a zero value. Members that nobody asks for are ignored.
type Members struct {
	object Object
	place  string // as people read it: "the statement's subject[0]"
	rule   refusal.Rule
	fault  *error // shared by all that come of one Read
}

// Read returns the members of a value, which must be an object; what it is
// called in sentences is given. Whatever is wrong breaks the rule.
func Read(value any, rule refusal.Rule, what string) Members {
	m := Members{place: what, rule: rule, fault: new(error)}
	object, ok := value.(Object)
	if !ok {
		*m.fault = refusal.New(rule, "%s is no JSON object", what)
	}
	m.object = object
	return m
}

// Err returns what was wrong first, a *refusal.Refusal, or nil.
func (m Members) Err() error { return *m.fault }

// Value returns the object itself.
func (m Members) Value() any { return m.object }

// Fail says that a member is not as expected; "" means the object itself.
func (m Members) Fail(key, format string, args ...any) {
	if *m.fault == nil {
		*m.fault = refusal.New(m.rule, "%s %s", m.at(key), clip(fmt.Sprintf(format, args...)))
	}
}

// FailWith keeps an error of another rule.
func (m Members) FailWith(err error) {
	if *m.fault == nil {
		*m.fault = err
	}
}

func (m Members) at(key string) string {
	if key == "" {
		return m.place
	}
	return m.place + "." + key
}

// Present reports whether there is a member of this key.
func (m Members) Present(key string) bool {
	_, there := m.object[key]
	return there
}

// IsNull reports whether there is a member of this key that is null.
func (m Members) IsNull(key string) bool { return m.Present(key) && m.object[key] == nil }

// Others returns the keys of all members but these, sorted.
func (m Members) Others(keys ...string) []string {
	var others []string
	for key := range m.object {
		if !slices.Contains(keys, key) {
			others = append(others, key)
		}
	}
	slices.Sort(others)
	return others
}

// Only says that a member is wrong whose key is none of these.
func (m Members) Only(keys ...string) {
	if others := m.Others(keys...); len(others) > 0 {
		m.Fail("", "has the member %q, which is not known here", others[0])
	}
}

// get returns a member of one type.
func get[T any](m Members, key, kind string) (value T) {
	raw, there := m.object[key]
	value, ok := raw.(T)
	switch {
	case *m.fault != nil:
	case !there:
		m.Fail(key, "is missing")
	case !ok:
		m.Fail(key, "is no %s", kind)
	}
	return value
}

// Text returns a string.
func (m Members) Text(key string) string { return get[string](m, key, "string") }

// Integer returns a number.
func (m Members) Integer(key string) int64 { return get[int64](m, key, "number") }

// Bool returns true or false.
func (m Members) Bool(key string) bool { return get[bool](m, key, "true or false") }

// Object returns the members of an object.
func (m Members) Object(key string) Members {
	return Members{object: get[Object](m, key, "object"), place: m.at(key), rule: m.rule, fault: m.fault}
}

// OptionalObject returns the members of an object that may be absent.
func (m Members) OptionalObject(key string) Members {
	if !m.Present(key) {
		return Members{place: m.at(key), rule: m.rule, fault: m.fault}
	}
	return m.Object(key)
}

// OptionalText returns a string that may be absent, which reads as "".
func (m Members) OptionalText(key string) string {
	if !m.Present(key) {
		return ""
	}
	return m.Text(key)
}

// Objects returns the members of an array of objects.
func (m Members) Objects(key string) []Members {
	all := get[Array](m, key, "array")
	each := make([]Members, 0, len(all))
	for i, element := range all {
		place := fmt.Sprintf("%s[%d]", m.at(key), i)
		object, ok := element.(Object)
		if !ok {
			m.Fail("", "has in %s[%d] something else than an object", key, i)
		}
		each = append(each, Members{object: object, place: place, rule: m.rule, fault: m.fault})
	}
	return each
}

// Texts returns an array of strings.
func (m Members) Texts(key string) []string {
	all := get[Array](m, key, "array")
	each := make([]string, 0, len(all))
	for i, element := range all {
		text, ok := element.(string)
		if !ok {
			m.Fail("", "has in %s[%d] something else than a string", key, i)
		}
		each = append(each, text)
	}
	return each
}

// Field returns a string as parse reads it, whose error is kept.
func Field[T any](m Members, key string, parse func(string) (T, error)) (value T) {
	text := m.Text(key)
	if *m.fault != nil {
		return value
	}
	value, err := parse(text)
	if err != nil {
		m.Fail(key, "is not as it must be: %v", err)
	}
	return value
}

// maxSentenceBytes is where a sentence is cut: foreign text in it may be long.
const maxSentenceBytes = 400

func clip(s string) string {
	if len(s) <= maxSentenceBytes {
		return s
	}
	return s[:maxSentenceBytes] + "…"
}
