package envelope_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

// verdict reads everything and says "accept", or the rule that refused, or
// the error.
func verdict(t *testing.T, content []byte, o envelope.Options) (string, []byte) {
	t.Helper()
	r, err := envelope.Open(bytes.NewReader(content), o)
	var out []byte
	if err == nil {
		out, err = io.ReadAll(r)
		if cerr := r.Close(); cerr != nil {
			t.Errorf("closing: %v", cerr)
		}
	}
	var refused *refusal.Refusal
	switch {
	case err == nil:
		return "accept", out
	case errors.As(err, &refused):
		if refused.Detail == "" || strings.HasSuffix(refused.Detail, ".") {
			t.Errorf("refusal without a sentence, or with a full stop: %v", refused)
		}
		return string(refused.Rule), out
	}
	return "error: " + err.Error(), out
}

// sharedFolder returns the folder of cases that lies beside the repository.
func sharedFolder(t *testing.T, elem ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{"..", "..", "..", "shared"}, elem...)...)
	if _, err := os.Stat(dir); err != nil {
		testkit.Missing(t, "the folder %s is not there", dir)
	}
	return dir
}

func TestHostileFiles(t *testing.T) {
	dir := sharedFolder(t, "hostile")
	table, err := os.Open(filepath.Join(dir, "compressed.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close()
	cases := 0
	for lines := bufio.NewScanner(table); lines.Scan(); {
		name, want, ok := strings.Cut(lines.Text(), "\t")
		if strings.HasPrefix(name, "#") || !ok {
			continue
		}
		cases++
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(dir, "compressed", name))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := verdict(t, content, envelope.Options{Name: name}); got != want {
				t.Errorf("verdict %s, expected %s", got, want)
			}
		})
	}
	if cases == 0 {
		t.Fatal("no case found")
	}
}
