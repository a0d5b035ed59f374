package entry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/refusal"
)

func wantRule(t *testing.T, name string, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
		t.Errorf("%s: %v, want a refusal by %s", name, err, rule)
	}
}

func TestOpen(t *testing.T) {
	content := []byte("{}\n")
	sum := sha256.Sum256(content)
	p := entry.Place{Version: "5.4.1", Digest: hex.EncodeToString(sum[:16])}
	e, err := entry.Open(p, content)
	if err != nil || e.Place() != p || e.Digest != sum || !bytes.Equal(e.Content, content) {
		t.Fatalf("%+v, %v", e, err)
	}
	if got, err := entry.ParseRef(p.Ref()); got != p || err != nil {
		t.Errorf("%q is %+v, %v", p.Ref(), got, err)
	}
	_, err = entry.Open(p, []byte("{ }\n"))
	wantRule(t, "another content", err, refusal.LedgerName)
	for name, bad := range map[string]string{"nothing": "", "no line feed": "{}", "an empty line": "\n", "two lines": "{}\n{}\n", "a line too many": "{}\n\n", "too long": strings.Repeat("a", entry.MaxBytes) + "\n"} {
		_, err := entry.New("5.4.1", []byte(bad))
		wantRule(t, name, err, refusal.LedgerEntry)
	}
	_, err = entry.New("..", content)
	wantRule(t, "a version that is none", err, refusal.LedgerEntry)
}

func TestParseRef(t *testing.T) {
	const hex = "0123456789abcdef0123456789abcdef"
	for name, ref := range map[string]string{
		"another folder":  "refs/countermark/other/1.0/" + hex,
		"no prefix":       "1.0/" + hex,
		"a tag":           "refs/tags/1.0",
		"no digest":       entry.RefPrefix + "1.0",
		"empty digest":    entry.RefPrefix + "1.0/",
		"short":           entry.RefPrefix + "1.0/" + hex[1:],
		"long":            entry.RefPrefix + "1.0/" + hex + "0",
		"upper case":      entry.RefPrefix + "1.0/" + strings.ToUpper(hex),
		"one level more":  entry.RefPrefix + "1.0/a/" + hex,
		"no version":      entry.RefPrefix + "/" + hex,
		"version dotted":  entry.RefPrefix + "1..0/" + hex,
		"version options": entry.RefPrefix + "-1/" + hex,
		"twice":           entry.RefPrefix + entry.RefPrefix + "1.0/" + hex,
	} {
		p, err := entry.ParseRef(ref)
		wantRule(t, name, err, refusal.LedgerName)
		if err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestCheckParty(t *testing.T) {
	for name, good := range map[string]bool{
		"saki": true, "debian-12.amd64": true, "1": true, strings.Repeat("a", 64): true,
		"": false, "Saki": false, ".git": false, "a.": false, "..": false, "a/b": false, "-a": false, "é": false, strings.Repeat("a", 65): false,
	} {
		if err := entry.CheckParty(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	f.Add(entry.RefPrefix + "1.0/0123456789abcdef0123456789abcdef")
	f.Fuzz(func(t *testing.T, ref string) {
		if p, err := entry.ParseRef(ref); err == nil && p.Ref() != ref {
			t.Errorf("%q is read as %+v", ref, p)
		}
	})
}
