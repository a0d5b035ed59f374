package statement_test

import (
	"testing"

	"github.com/countermark/countermark/internal/statement"
)

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := range statement.KindWithdrawal + 1 {
		if seen[k.String()] {
			t.Errorf("two kinds are called %q", k)
		}
		seen[k.String()] = true
	}
	if !seen["build"] || (statement.KindWithdrawal+1).String() != statement.Kind(0).String() {
		t.Error("a kind has another name than its own")
	}
	if !(statement.Object{}).IsZero() {
		t.Error("the zero object names something")
	}
}
