package knownfile

import "testing"

func BenchmarkParse(b *testing.B) {
	file := Embedded()
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(file); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	content := []byte("# serial 7\n" + numbered("text", 10_000))
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if Take("a.m4", content).Form.IsZero() {
			b.Fatal("no form")
		}
	}
}

func BenchmarkNearest(b *testing.B) {
	x, err := Parse(Embedded())
	if err != nil {
		b.Fatal(err)
	}
	f := Take("config.guess", []byte(numbered("text", 1000)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := x.Nearest("config.guess", f); ok {
			b.Fatal("it is near")
		}
		if _, ok := x.NearestOfAnyName("config.guess", f); ok {
			b.Fatal("it is near")
		}
	}
}
