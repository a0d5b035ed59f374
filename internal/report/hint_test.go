package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/refusal"
)

// The document that a hint names explains the rule.
func TestSpecificationOf(t *testing.T) {
	for _, rule := range refusal.Rules() {
		document := specificationOf(rule)
		if !strings.Contains(HintFor(rule), document) {
			continue // it has a hint of its own
		}
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", "spec", document))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(rule)) {
			t.Errorf("%s does not name %s", document, rule)
		}
	}
}
