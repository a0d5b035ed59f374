package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestGroup(t *testing.T) {
	many := []string{"configure", "a/b/x", "a/c/y"}
	for i := range 30 {
		many = append(many, fmt.Sprintf("a/d%d/f%d", i, i), fmt.Sprintf("b/d%d/g%d", i, i))
	}
	for _, c := range []struct {
		name        string
		paths, want []string
	}{
		{"few are named", []string{"ChangeLog", "po/a.po"}, []string{"ChangeLog", "po/a.po"}},
		{"one name in many places", []string{"Makefile.in", "a/Makefile.in", "b/Makefile.in", "configure"}, []string{"configure", "Makefile.in (3)"}},
		{"one suffix", []string{"po/a.po", "po/b.po", "po/c.po", "po/d.po", "m4/x.m4"}, []string{"m4/x.m4", "po/*.po (4)"}},
		{"one directory", []string{"build-aux/install-sh", "build-aux/missing", "build-aux/x.sh"}, []string{"build-aux/* (3)"}},
		{"the top is named", []string{"a.txt", "b.txt", "c.txt", "d"}, []string{"a.txt", "b.txt", "c.txt", "d"}},
		{"a long list", many, []string{"configure", "a/** (32)", "b/** (30)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := group(c.paths); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Every path is counted in exactly one item.
func TestGroupCountsEveryPath(t *testing.T) {
	number := regexp.MustCompile(` \((\d+)\)$`)
	rapid.Check(t, func(t *rapid.T) {
		paths := rapid.SliceOfNDistinct(rapid.StringMatching(`([ab]/){0,3}[a-d]{1,2}(\.[xy])?`), 0, 80, rapid.ID).Draw(t, "paths")
		sum := 0
		for _, item := range group(paths) {
			if m := number.FindStringSubmatch(item); m != nil {
				n, _ := strconv.Atoi(m[1])
				sum += n
			} else {
				sum++
			}
		}
		if sum != len(paths) {
			t.Fatalf("the items count %d paths, want %d: %q", sum, len(paths), group(paths))
		}
	})
}
