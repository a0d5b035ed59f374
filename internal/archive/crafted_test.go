package archive_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/refusal"
)

// tarCase is one crafted archive.
type tarCase struct {
	name    string
	want    string // the rule that refuses it, or "accept: " and its listing
	raw     []byte
	options func(*archive.Options) // nil: none
}

func allCases() []tarCase {
	return slices.Concat(frameCases(), extensionCases(), nameCases(), linkCases(), memberCases())
}

func (c *tarCase) read() (*archive.Contents, error) {
	o := plainTar()
	if c.options != nil {
		c.options(&o)
	}
	return readArchive(c.raw, o)
}

func TestCraftedArchives(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range allCases() {
		if seen[c.name] {
			t.Errorf("two cases have the name %q", c.name)
		}
		seen[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			contents, err := c.read()
			if err != nil {
				if contents != nil {
					t.Error("an error came with contents")
				}
				checkRefusal(t, &c, err)
				return
			}
			if got := "accept: " + listing(contents); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	if len(seen) < 120 {
		t.Errorf("there are %d crafted archives, expected at least 120", len(seen))
	}
}

// checkRefusal checks a refusal's rule, and that its place lies in the archive.
func checkRefusal(t *testing.T, c *tarCase, err error) {
	t.Helper()
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok || string(r.Rule) != c.want {
		t.Fatalf("got %v\nwant %s", err, c.want)
	}
	if r.Detail == "" || strings.HasSuffix(r.Detail, ".") {
		t.Errorf("the detail is no sentence without full stop: %q", r.Detail)
	}
	placeless := r.Rule == refusal.TarEmpty || r.Rule == refusal.TarTooBig
	if !placeless && (r.Offset < 0 || r.Offset > int64(len(c.raw))) {
		t.Errorf("the offset %d lies outside the %d bytes of the archive", r.Offset, len(c.raw))
	}
}

// TestEveryRuleHasACase keeps the tables complete.
func TestEveryRuleHasACase(t *testing.T) {
	cases := make(map[string]int)
	for _, c := range allCases() {
		cases[c.want]++
	}
	for _, rule := range refusal.Rules() {
		family, _, _ := strings.Cut(string(rule), "_")
		switch family {
		case "TAR", "PAX", "GNU", "META", "NAME", "LINK", "MODE":
			if cases[string(rule)] == 0 {
				t.Errorf("no crafted archive is refused by %s", rule)
			}
		}
	}
}
