package sshsig

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
)

// The limits of a file of keys.
const (
	MaxFileBytes = 1 << 20
	MaxHolders   = 4096
)

// Holder is one line of a file of keys.
type Holder struct {
	Key        PublicKey
	Name       string   // principals or comment: a claim of whoever wrote the line; hostile
	namespaces []string // for which the key may sign; nil for all
	after      *int64   // Unix seconds from which the key is valid, nil for ever
	before     *int64   // Unix seconds at which it no longer is, nil for never
}

// mayUse reports whether the line lets the key sign in the namespace.
func (h Holder) mayUse(namespace string) bool {
	return h.namespaces == nil || slices.Contains(h.namespaces, namespace)
}

// isValid reports whether the line lets the key sign at the time.
func (h Holder) isValid(now int64) bool {
	return (h.after == nil || now >= *h.after) && (h.before == nil || now < *h.before)
}

// RecognisesHolders reports whether a line of data has the type of an ssh key
// and after it a word that can be one: the length before its type makes each
// begin so.
func RecognisesHolders(data []byte) bool {
	for line := range bytes.Lines(data) {
		before := ""
		for field := range bytes.FieldsSeq(line) {
			if isKeyType(before) && bytes.HasPrefix(field, []byte("AAAA")) {
				return true
			}
			before = string(field)
		}
	}
	return false
}

// isKeyType reports whether a word can be the type of a key, accepted or not:
// those of OpenSSH and no other word begin so.
func isKeyType(word string) bool {
	for _, prefix := range []string{"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "rsa-sha2-", "webauthn-sk-"} {
		if strings.HasPrefix(word, prefix) && ascii.IsOnly(word, "-@.") {
			return true
		}
	}
	return false
}

// ParseHolders reads a file of keys: lines "TYPE BASE64 [COMMENT]", as in a file
// ".pub", or "PRINCIPALS [OPTIONS] TYPE BASE64 [COMMENT]", as in a file of
// allowed signers (ssh-keygen(1), "ALLOWED SIGNERS"); empty lines and those that
// begin with "#" say nothing. Every other line is refused, with its number: a
// key that is skipped could be the one that was meant. The error is a
// *refusal.Refusal: SIG_KEY, SIG_ALG or SIG_LIMIT.
func ParseHolders(data []byte) ([]Holder, error) {
	if len(data) > MaxFileBytes {
		return nil, refusal.New(refusal.SigLimit, "the file of ssh keys has %d bytes, at most %d are accepted", len(data), MaxFileBytes)
	}
	var holders []Holder
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		line = strings.Trim(strings.TrimSuffix(line, "\n"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		h, err := parseLine(line)
		if err != nil {
			return nil, inLine(number, err)
		}
		if holders = append(holders, h); len(holders) > MaxHolders {
			return nil, refusal.New(refusal.SigLimit, "line %d: there are more than %d ssh keys", number, MaxHolders)
		}
	}
	if len(holders) == 0 {
		return nil, refusal.New(refusal.SigKey, "there is no ssh key")
	}
	return holders, nil
}

// inLine adds the number of a line to the refusal of what it holds.
func inLine(number int, err error) error {
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok {
		return err
	}
	return refusal.New(r.Rule, "line %d: %s", number, r.Detail)
}

// parseLine reads a line that is not empty and no comment.
func parseLine(line string) (Holder, error) {
	if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); i >= 0 {
		return Holder{}, refusal.New(refusal.SigKey, "a control character %s, lines end in a line feed alone", escape.Quote(line[i:i+1]))
	}
	var h Holder
	word, rest := cutField(line)
	if !isKeyType(word) {
		if problem := principalsProblem(word); problem != "" {
			return Holder{}, refusal.New(refusal.SigKey, "%s", problem)
		}
		h.Name = word
		if word, rest = cutField(rest); !isKeyType(word) {
			if problem := h.restrict(word); problem != "" {
				return Holder{}, refusal.New(refusal.SigKey, "%s", problem)
			}
			word, rest = cutField(rest)
		}
	}
	text, comment := cutField(rest)
	blob, err := base64.StdEncoding.DecodeString(text)
	if !isKeyType(word) || text == "" || err != nil || base64.StdEncoding.EncodeToString(blob) != text {
		return Holder{}, refusal.New(refusal.SigKey, "expected a type of key such as %q and the key in base64", typeEd25519)
	}
	if h.Name == "" {
		h.Name = comment
	}
	return h.withKey(word, blob)
}

func (h Holder) withKey(keyType string, blob []byte) (Holder, error) {
	key, err := ParsePublicKey(blob)
	if err != nil {
		return Holder{}, err
	}
	if key.algorithm != keyType {
		return Holder{}, refusal.New(refusal.SigKey, "the line says %s and its key %s", escape.Quote(keyType), key.algorithm)
	}
	h.Key = key
	return h, nil
}

// cutField takes the first word off a line that does not begin with a blank.
// In double quotes, blanks belong to the word (sshkey_advance_past_options in
// OpenSSH's sshkey.c).
func cutField(line string) (word, rest string) {
	quoted := false
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return line[:i], strings.TrimLeft(line[i:], " \t")
		}
	}
	return line, ""
}
