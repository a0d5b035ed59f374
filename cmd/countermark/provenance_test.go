package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/report"
)

// measuredLabels reads the table of docs/provenance.md: of each release how many
// files are added, and how many of them have each label.
func measuredLabels(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "provenance.md"))
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	rows := make(map[string]map[string]string)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == "release":
			columns = cells
		case len(columns) > 0 && len(cells) == len(columns) && !strings.HasPrefix(cells[0], "---"):
			row := make(map[string]string)
			for i, column := range columns {
				row[column] = cells[i]
			}
			rows[strings.ReplaceAll(cells[0], " ", "-")] = row
		}
	}
	return rows
}

// TestRealProvenance holds the labels of published releases to the table in the
// documentation.
func TestRealProvenance(t *testing.T) {
	documented := measuredLabels(t)
	compared := 0
	for _, c := range readCases(t) {
		want, ok := documented[c.name]
		if !ok {
			continue
		}
		compared++
		t.Run(c.name, func(t *testing.T) {
			archive := archiveOf(t, c)
			target := []string{"--tag", c.revision}
			if len(c.revision) == 40 {
				target = []string{"--commit", c.revision}
			}
			_, doc := verifyJSON(t, append([]string{archive, "--repo", filepath.Join(casesDir, c.name, "repo.git")}, target...)...)
			checkLabels(t, doc, want)
		})
	}
	if compared < 5 {
		t.Errorf("the table of docs/provenance.md has %d of the releases at hand, expected at least 5", compared)
	}
}

func checkLabels(t *testing.T, doc report.Document, want map[string]string) {
	if doc.Provenance == nil {
		t.Fatal("the document says nothing of where the added files come from")
	}
	got, sum := make(map[string]int), 0
	for _, count := range doc.Provenance.Added {
		got[count.Label] += count.Files
		sum += count.Files
	}
	if sum != doc.Counts.Added {
		t.Errorf("%d files have a label, %d are added", sum, doc.Counts.Added)
	}
	for _, label := range provenance.Labels() {
		if n := fmt.Sprint(got[label.String()]); n != want[label.String()] {
			t.Errorf("%s: %s files, the documentation says %q", label, n, want[label.String()])
		}
	}
}
