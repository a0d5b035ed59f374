package policyfile

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/signature"
)

// The file that the specification shows has the keys that are read, each with a
// value of its type.
func TestSpecification(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(spec), "```toml\n")
	text, _, found := strings.Cut(text, "```\n")
	if !found {
		t.Fatal("the specification shows no file")
	}
	holders, err := signature.ParseHolders([]byte(heronKey))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	text = regexp.MustCompile(`64 hex digits`).ReplaceAllStringFunc(text, func(string) string { n++; return fmt.Sprintf("%064x", n) })
	text = regexp.MustCompile(`(?s), '''.*?'''`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "ssh-ed25519 AAAA... saki", heronKey)
	text = strings.ReplaceAll(text, "ssh-ed25519 AAAA... ci", oldKey)
	text = strings.ReplaceAll(text, "ed25519:...", holders[0].Keys[0].String())
	p, _, err := read([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if n != 4 || len(p.Parties) != 2 || len(p.Exceptions) != 1 || len(p.Revocations) != 1 || len(p.Kept) != 1 || p.Version != 2 || !p.Conditions.Unreproduced {
		t.Errorf("got %+v", p)
	}
}
