package cause_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/cause"
)

// BenchmarkLarge: files at the limits that differ in each line.
func BenchmarkLarge(b *testing.B) {
	ours, theirs := new(strings.Builder), new(strings.Builder)
	for i := range cause.MaxLines - 1 {
		fmt.Fprintf(ours, "# %d 2023-01-11 ciuser\n", i*7%11)
		fmt.Fprintf(theirs, "# %d 2024-02-29 jia\n", i*5%13)
	}
	for name, pair := range map[string]cause.Pair{
		"lines": pair("x.sh", ours.String(), theirs.String()),
		"line":  pair("x.sh", "# "+strings.Repeat("2023-01-11 ", 700_000), "# "+strings.Repeat("2024-01-11 ", 700_000)),
		"ends":  pair("x.sh", ours.String(), strings.ReplaceAll(ours.String(), "\n", "\r\n")),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				explain(pair)
			}
		})
	}
}
