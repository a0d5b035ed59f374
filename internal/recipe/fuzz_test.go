package recipe

import (
	"errors"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/tree"
)

// FuzzParse: no panic, nothing but a printable error on error, and of what is
// accepted every path has one origin at most, and every tag its version.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	for _, text := range examples(f) {
		f.Add([]byte(text))
	}
	for _, c := range refusals {
		f.Add([]byte(strings.Replace(strings.Replace(full, c.old, c.new, 1), "§", "", 1)))
	}
	f.Add([]byte("countermark-recipe = 1\na = " + strings.Repeat("[", 11000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		var perr *ParseError
		if err != nil {
			if r != nil || !errors.As(err, &perr) || perr.Line < 1 || perr.Line > 1+strings.Count(string(data), "\n") || perr.Hint == "" ||
				escape.Sentence(perr.Detail+perr.Hint) != perr.Detail+perr.Hint {
				t.Fatalf("got %v, %q", r, err)
			}
			return
		}
		checkAccepted(t, r)
	})
}

func checkAccepted(t *testing.T, r *Recipe) {
	if tag, err := r.TagOf("1.2.3"); err == nil {
		if v, err := r.VersionOf(tag); err != nil || v != "1.2.3" {
			t.Fatalf("the tag %s has the version %q, %v", tag, v, err)
		}
	}
	if _, err := tree.ParsePath(r.PrefixOf("1.2.3") + "/" + r.ArchiveName("1.2.3", TarGz)); err != nil {
		t.Fatal(err)
	}
	for i, s := range r.Steps {
		if len(s.Run) == 0 {
			t.Fatalf("step %d runs nothing", i)
		}
		for _, p := range s.Outputs {
			path := tree.Path(strings.ReplaceAll(p.String(), "*", "x"))
			if strings.HasSuffix(p.String(), "/") {
				path += "x"
			}
			if o := r.OriginOf(path); o != (Origin{Kind: FromStep, Step: i}) || r.Scratch(path) {
				t.Fatalf("%s is an output of step %d, and comes from %+v", path, i, o)
			}
		}
	}
}
