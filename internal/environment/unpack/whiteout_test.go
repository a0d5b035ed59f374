package unpack

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/refusal"
)

// layers lays some out over each other.
func layers(t *testing.T, all ...[]string) (string, error) {
	t.Helper()
	f, dir := folder(t, Limits{})
	for _, layer := range all {
		if err := f.Layer(t.Context(), bytes.NewReader(words(t, layer...))); err != nil {
			return list(t, dir), err
		}
	}
	return list(t, dir), f.Finish()
}

func TestLayers(t *testing.T) {
	below := []string{"d a/", "f a/1 one", "f a/2 two", "d a/b/", "f a/b/3 three", "l link a", "f file x", "h hard file"}
	const rest = "file x\nhard x\nlink -> a\n"
	for name, c := range map[string]struct {
		above []string
		want  string
	}{
		"nothing":                         {nil, "a/\na/1 one\na/2 two\na/b/\na/b/3 three\n" + rest},
		"a file goes":                     {[]string{"f a/.wh.1 "}, "a/\na/2 two\na/b/\na/b/3 three\n" + rest},
		"a folder goes":                   {[]string{"f .wh.a "}, rest},
		"a folder goes and comes":         {[]string{"f .wh.a ", "f a/new n"}, "a/\na/new n\n" + rest},
		"a folder comes and goes":         {[]string{"f a/new n", "f .wh.a "}, "a/\na/new n\n" + rest},
		"opaque":                          {[]string{"d a/", "f a/.wh..wh..opq ", "f a/new n"}, "a/\na/new n\n" + rest},
		"opaque, last":                    {[]string{"f a/new n", "d a/b/", "f a/b/4 four", "f a/.wh..wh..opq "}, "a/\na/b/\na/b/4 four\na/new n\n" + rest},
		"opaque, not below a link":        {[]string{"f link/.wh..wh..opq "}, "a/\na/1 one\na/2 two\na/b/\na/b/3 three\n" + rest},
		"not through a link":              {[]string{"f link/.wh.1 "}, "a/\na/1 one\na/2 two\na/b/\na/b/3 three\n" + rest},
		"a link goes, what it names not":  {[]string{"f .wh.link "}, "a/\na/1 one\na/2 two\na/b/\na/b/3 three\nfile x\nhard x\n"},
		"what was never there":            {[]string{"f x/y/.wh.z ", "f .wh.z "}, "a/\na/1 one\na/2 two\na/b/\na/b/3 three\n" + rest},
		"a file is replaced, not written": {[]string{"f file new"}, "a/\na/1 one\na/2 two\na/b/\na/b/3 three\nfile new\nhard x\nlink -> a\n"},
		"a link is replaced":              {[]string{"d link/", "f link/1 new"}, "a/\na/1 one\na/2 two\na/b/\na/b/3 three\nfile x\nhard x\nlink/\nlink/1 new\n"},
		"a folder becomes a link":         {[]string{"l a link"}, "a -> link\nfile x\nhard x\nlink -> a\n"},
		"a folder becomes a file":         {[]string{"f a f"}, "a f\n" + rest},
		"hard link to a lower layer":      {[]string{"h a/1 file"}, "a/\na/1 x\na/2 two\na/b/\na/b/3 three\n" + rest},
	} {
		if got, err := layers(t, below, c.above); err != nil || got != c.want {
			t.Errorf("%s: %v, got\n%swant\n%s", name, err, got, c.want)
		}
	}
}

func TestHostileLayers(t *testing.T) {
	below := []string{"d a/", "f a/1 one", "l up ..", "d b/b/", "f b/b/1 x"}
	for name, c := range map[string]struct {
		rule  refusal.Rule
		above []string
	}{
		"whiteout of the parent":     {refusal.NamePath, []string{"f a/.wh... "}},
		"whiteout of itself":         {refusal.NamePath, []string{"f a/.wh.. "}},
		"whiteout of nothing":        {refusal.NamePath, []string{"f a/.wh. "}},
		"whiteout of a whiteout":     {refusal.NamePath, []string{"f a/.wh..wh.x "}},
		"aufs's own":                 {refusal.NamePath, []string{"f .wh..wh.plnk "}},
		"whiteout with content":      {refusal.TarType, []string{"f a/.wh.1 x"}},
		"whiteout that is a link":    {refusal.TarType, []string{"l a/.wh.1 x"}},
		"whiteout that is a folder":  {refusal.TarType, []string{"d a/.wh.1/"}},
		"below a whiteout":           {refusal.NamePath, []string{"f .wh.a/x x"}},
		"through the link below":     {refusal.NamePrefix, []string{"f up/evil x"}},
		"hard link up":               {refusal.TarType, []string{"h x up/secret"}},
		"hard link to what must go":  {refusal.TarType, []string{"h b b/b/1"}},
		"folder becomes link, again": {refusal.NamePrefix, []string{"l a ..", "f a/evil x"}},
	} {
		_, err := layers(t, below, c.above)
		if refused, ok := errors.AsType[*refusal.Refusal](err); !ok || refused.Rule != c.rule {
			t.Errorf("%s: %v, want %s", name, err, c.rule)
		}
	}
}

// In an archive that is no layer, these are names like any other.
func TestNoWhiteoutsInTar(t *testing.T) {
	f, dir := folder(t, Limits{})
	if err := f.Tar(t.Context(), bytes.NewReader(words(t, "f a x", "f .wh.a "))); err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); !strings.Contains(got, ".wh.a \n") || !strings.Contains(got, "a x\n") {
		t.Errorf("got\n%s", got)
	}
}
