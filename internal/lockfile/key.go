package lockfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/publickey"
)

// The beginnings of the lines that hold keys, with their space.
const (
	tagKeyword     = "tag-key "
	archiveKeyword = "archive-key "
)

// MaxKeys is the most keys that a lock file names for the tag, and for the
// archive.
const MaxKeys = 64

// sortedKeys returns the keys in the order of the file.
func sortedKeys(keys []Key) []Key {
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, func(a, b Key) int { return strings.Compare(a.Text, b.Text) })
	return sorted
}

// keys takes the lines that begin with the keyword, none, one or more of them.
func (p *parser) keys(keyword string) []Key {
	var keys []Key
	for p.err == nil && bytes.HasPrefix(p.rest, []byte(keyword)) {
		k := p.key(keyword)
		switch {
		case p.err != nil:
		case len(keys) == MaxKeys:
			p.fail("there are more than %d lines of this kind", MaxKeys)
		case len(keys) > 0 && keys[len(keys)-1].Text >= k.Text:
			p.fail("the key %s is out of order, or occurs twice: keys are sorted by their bytes", excerpt(k.Text))
		}
		keys = append(keys, k)
	}
	return keys
}

func (p *parser) key(keyword string) Key {
	line := p.next()
	fields := strings.Split(strings.TrimPrefix(line, keyword), " ")
	if p.err != nil {
		return Key{}
	}
	if len(fields) != 2 {
		p.fail("found %s, expected \"%sKEY FINGERPRINT\"", excerpt(line), keyword)
		return Key{}
	}
	if err := publickey.CheckText(fields[0]); err != nil {
		p.fail("the key %s: %v", excerpt(fields[0]), err)
		return Key{}
	}
	if !isWord(fields[1]) {
		p.fail("found %s, expected a fingerprint of 1 to %d printable ASCII characters without space", excerpt(fields[1]), maxWordBytes)
	}
	return Key{Text: fields[0], Fingerprint: fields[1]}
}
