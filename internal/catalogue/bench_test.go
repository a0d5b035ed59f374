package catalogue

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// benchmarkPO is a PO file of about a MiB as xgettext and msgmerge write it.
func benchmarkPO() []byte {
	var b strings.Builder
	b.WriteString(poHeader)
	for i := range 5000 {
		n := i * 7919 % 5000
		fmt.Fprintf(&b, "\n#: src/file%d.c:%d src/other.c:%d\n#, c-format\nmsgid \"\"\n\"%%s: cannot open file number %d for reading, which\\n\"\n\"was given on the command line\\n\"\nmsgstr \"\"\n\"%%s: die Datei Nummer %d von der Kommandozeile läßt\\n\"\n\"sich nicht zum Lesen öffnen\\n\"\n", n%97, n, i, n, n)
	}
	return []byte(b.String())
}

func BenchmarkPO(b *testing.B) {
	data := benchmarkPO()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := ParsePO(data)
		if err != nil {
			b.Fatal(err)
		}
		c.Meaning()
	}
}

func BenchmarkMO(b *testing.B) {
	c, err := ParsePO(benchmarkPO())
	if err != nil {
		b.Fatal(err)
	}
	f := small()
	f.plain = pairs(c, false)
	f.hashSize = int(hashSize(len(f.plain)))
	data := f.bytes()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := ParseMO(data)
		if err != nil {
			b.Fatal(err)
		}
		c.Meaning()
	}
}

func BenchmarkCompare(b *testing.B) {
	data := benchmarkPO()
	before, err := ParsePO(data)
	if err != nil {
		b.Fatal(err)
	}
	after, err := ParsePO(bytes.ReplaceAll(data, []byte("Lesen"), []byte("Schreiben")))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Compare(before, after)
	}
}
