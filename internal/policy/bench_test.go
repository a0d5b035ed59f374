package policy

import "testing"

func BenchmarkJudge(b *testing.B) {
	p, signed := sample(), acts(whole)
	for b.Loop() {
		if !Judge(p, "1", signed, facts()).Met() {
			b.Fatal("not met")
		}
	}
}
