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
	"github.com/countermark/countermark/internal/testkit/sample"
)

func wantRule(t *testing.T, name string, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
		t.Errorf("%s: %v, want a refusal by %s", name, err, rule)
	}
}

func TestOpen(t *testing.T) {
	e, err := entry.Of(sample.Envelope(t, "5.4.1", 1))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(e.Content)
	p := entry.Place{Version: "5.4.1", Digest: hex.EncodeToString(sum[:16])}
	if e.Place() != p || e.Digest != sum || e.FileName() != "withdrawal-"+p.Digest+".intoto.jsonl" || e.Statement.Withdrawal.Why != "reason 1" {
		t.Fatalf("%+v", e)
	}
	if got, err := entry.Open(p, e.Content); err != nil || got.Digest != e.Digest || !bytes.Equal(got.Content, e.Content) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := entry.ParseRef(p.Ref()); got != p || err != nil {
		t.Errorf("%q is %+v, %v", p.Ref(), got, err)
	}
	other, err := entry.Of(sample.Envelope(t, "5.4.1", 2))
	if err != nil {
		t.Fatal(err)
	}
	_, err = entry.Open(p, other.Content)
	wantRule(t, "another content", err, refusal.LedgerName)
	_, err = entry.Open(entry.Place{Version: "5.4.2", Digest: p.Digest}, e.Content)
	wantRule(t, "another version", err, refusal.LedgerName)
}

func TestNewRefuses(t *testing.T) {
	envelope := sample.Envelope(t, "5.4.1", 1)
	line := string(envelope.Encode())
	policy, none, prose := sample.Policy(1), envelope, envelope
	none.Signatures = nil
	prose.Payload = []byte("hello")
	for name, c := range map[string]struct {
		content string
		rule    refusal.Rule
	}{
		"nothing":               {"", refusal.LedgerEntry},
		"no line feed":          {line, refusal.LedgerEntry},
		"an empty line":         {"\n", refusal.LedgerEntry},
		"two lines":             {line + "\n" + line + "\n", refusal.LedgerEntry},
		"a carriage return":     {line + "\r\n", refusal.LedgerEntry},
		"another spelling":      {strings.Replace(line, ":", ": ", 1) + "\n", refusal.LedgerEntry},
		"a member more":         {"{\"a\":1," + line[1:] + "\n", refusal.LedgerEntry},
		"a policy":              {string(policy.Encode()) + "\n", refusal.LedgerEntry},
		"too long":              {strings.Repeat("a", entry.MaxBytes) + "\n", refusal.LedgerEntry},
		"no JSON":               {"hello\n", refusal.JSONFormat},
		"no signature":          {string(none.Encode()) + "\n", refusal.DSSEFormat},
		"something else inside": {string(prose.Encode()) + "\n", refusal.JSONFormat},
	} {
		_, err := entry.New([]byte(c.content))
		wantRule(t, name, err, c.rule)
	}
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

func FuzzNew(f *testing.F) {
	envelope := sample.Envelope(f, "1.0", 1)
	f.Add(append(envelope.Encode(), '\n'))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		e, err := entry.New(content)
		if err != nil {
			return
		}
		again, err := entry.Of(e.Envelope)
		if err != nil || !bytes.Equal(again.Content, content) || again.Place() != e.Place() {
			t.Errorf("%q is written as %q, %v", content, again.Content, err)
		}
	})
}
