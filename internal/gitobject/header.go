package gitobject

import (
	"bytes"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// MaxObjectBytes is the largest content of an object that is read: the size
// from which git itself no longer deltifies or holds a file in memory
// (core.bigFileThreshold in git-config(1), 512 MiB).
const MaxObjectBytes = 512 << 20

// header is one line "KEY SP VALUE LF" of a commit or tag, with the lines that
// continue it (each begins with a space) unfolded.
type header struct {
	key    string
	value  string   // of the first line
	lines  []string // of the lines after it
	offset int64    // of the key
}

// headers reads the headers of one object in the order of its grammar.
type headers struct {
	rule refusal.Rule
	rest []header
	end  int64 // offset of the empty line
}

// splitHeaders cuts an object at its first empty line. It refuses a NUL
// anywhere: git's own C code and other readers would see different objects
// (fsck's nulInHeader and nulInCommit).
func splitHeaders(rule refusal.Rule, raw []byte) (h *headers, message string, err error) {
	if len(raw) > MaxObjectBytes {
		return nil, "", refusal.New(refusal.GitLimit, "the object has %d bytes, at most %d are accepted", len(raw), MaxObjectBytes)
	}
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		return nil, "", refusal.New(rule, "the object holds a NUL byte").At(int64(i), "")
	}
	h = &headers{rule: rule}
	for pos := 0; ; {
		end := bytes.IndexByte(raw[pos:], '\n')
		if end < 0 {
			return nil, "", refusal.New(rule, "the headers are not ended by an empty line").At(int64(pos), "")
		}
		line := string(raw[pos : pos+end])
		switch {
		case line == "":
			h.end = int64(pos)
			return h, string(raw[pos+1:]), nil
		case line[0] == ' ' && len(h.rest) > 0:
			last := &h.rest[len(h.rest)-1]
			last.lines = append(last.lines, line[1:])
		default:
			key, value, found := strings.Cut(line, " ")
			if !found || key == "" {
				return nil, "", refusal.New(rule, "a header line is not a key, a space and a value").At(int64(pos), "")
			}
			h.rest = append(h.rest, header{key: key, value: value, offset: int64(pos)})
		}
		pos += end + 1
	}
}

// unfolded returns the whole value, every line ended by LF, as the program that
// signed wrote it.
func (l *header) unfolded() string {
	return strings.Join(append([]string{l.value}, l.lines...), "\n") + "\n"
}

// accept takes the next header if it has the given key. Only the keys in
// foldable may be continued.
func (h *headers) accept(key string) (header, bool) {
	if len(h.rest) == 0 || h.rest[0].key != key || len(h.rest[0].lines) > 0 && !foldable(key) {
		return header{}, false
	}
	next := h.rest[0]
	h.rest = h.rest[1:]
	return next, true
}

// foldable reports whether git continues the values of this key on lines that
// begin with a space (commit.c, add_extra_header and sign_with_header).
func foldable(key string) bool {
	return key == "mergetag" || key == "gpgsig" || key == "gpgsig-sha256"
}

// next takes the next header, which must have the given key.
func (h *headers) next(key string) (header, error) {
	if line, ok := h.accept(key); ok {
		return line, nil
	}
	if len(h.rest) == 0 {
		return header{}, refusal.New(h.rule, "the headers end where %q was expected", key).At(h.end, "")
	}
	if h.rest[0].key == key {
		return header{}, refusal.New(h.rule, "the header %q is continued on a second line", key).At(h.rest[0].offset, "")
	}
	return header{}, refusal.New(h.rule, "the header %q stands where %q was expected", h.rest[0].key, key).At(h.rest[0].offset, "")
}

// id takes the next header, whose value must be a full object id of format f.
func (h *headers) id(f digest.Format, key string) (digest.ObjectID, error) {
	line, err := h.next(key)
	if err != nil {
		return digest.ObjectID{}, err
	}
	return h.parseID(f, line)
}

func (h *headers) parseID(f digest.Format, line header) (digest.ObjectID, error) {
	id, err := digest.ParseObjectID(line.value)
	switch {
	case err != nil:
		return digest.ObjectID{}, refusal.New(h.rule, "the value of %q is no full object id", line.key).At(line.offset, "")
	case id.Format() != f:
		return digest.ObjectID{}, refusal.New(refusal.GitFormat, "the value of %q is a %v id in a %v object", line.key, id.Format(), f).At(line.offset, "")
	case id.IsNull():
		return digest.ObjectID{}, refusal.New(h.rule, "the value of %q is the null id", line.key).At(line.offset, "")
	}
	return id, nil
}
