package archive_test

import (
	"fmt"
	"strings"
)

// linkCases are archives with symbolic and hard links.
func linkCases() []tarCase {
	return append(symlinkCases(), hardLinkCases()...)
}

// links adds symbolic links, each given as "name>target".
func links(specs ...string) []byte {
	return tarOf(func(b *tarBuilder) {
		b.file("top/d/e/f", "")
		for _, s := range specs {
			name, to, _ := strings.Cut(s, ">")
			if len(to) > 100 {
				b.pax(record("linkpath", to))
			}
			b.link("top/"+name, to[:min(len(to), 100)])
		}
	})
}

// chain returns n links, each of which leads to the next one's name, and the
// last to where; numbered from the end if reversed.
func chain(n int, reversed bool, where string) []byte {
	var specs []string
	number := func(i int) int {
		if reversed {
			return n - i
		}
		return i
	}
	for i := range n {
		to := where
		if i < n-1 {
			to = fmt.Sprintf("../c/%03d", number(i+1))
		}
		specs = append(specs, fmt.Sprintf("c/%03d>%s", number(i), to))
	}
	return links(specs...)
}

func symlinkCases() []tarCase {
	f := ", f d/e/f"
	var cases []tarCase
	for _, c := range []struct {
		name, want string
		links      []string
	}{
		{"link down", "accept: f d/e/f, l l", []string{"l>d/e"}},
		{"link up within", "accept: f d/e/f, l d/l", []string{"d/l>../d/e/f"}},
		{"link to the top", "accept: f d/e/f, l d/l", []string{"d/l>.."}},
		{"link to itself as a directory", "accept: f d/e/f, l l", []string{"l>."}},
		{"link to nothing", "accept: f d/e/f, l l", []string{"l>no/such/file"}},
		{"link with slashes and dots", "accept: f d/e/f, l l", []string{"l>.//d/./e//"}},
		{"link with two dots behind nothing", "accept: f d/e/f, l l", []string{"l>no/../d"}},
		{"link absolute", "LINK_ESCAPE", []string{"l>/etc/passwd"}},
		{"link to the root", "LINK_ESCAPE", []string{"l>/"}},
		{"link out", "LINK_ESCAPE", []string{"l>.."}},
		{"link out and back", "LINK_ESCAPE", []string{"l>../top/d"}},
		{"link out from below", "LINK_ESCAPE", []string{"d/l>../../x"}},
		{"link out behind a directory", "LINK_ESCAPE", []string{"l>d/e/../../../x"}},
		{"link out behind nothing", "LINK_ESCAPE", []string{"l>no/../.."}},
		{"link out by way of another", "LINK_ESCAPE", []string{"a>d/e/../../d", "d/b>../a/../.."}},
		{"link out by way of a link to the top", "LINK_ESCAPE", []string{"d/e/a>../..", "l>d/e/a/../x"}},
		{"link out by way of a later link", "LINK_ESCAPE", []string{"a>z/../x", "z>."}},
		{"link out by way of two", "LINK_ESCAPE", []string{"a>b/..", "b>c", "c>d/.."}},
		{"link deeper by way of another", "accept: l a, l b" + f, []string{"a>d/e", "b>a/../../d"}},
		{"link that passes an absolute one", "LINK_ESCAPE", []string{"a>b/../x", "b>/etc"}},
		{"link loop", "accept: l a, l b" + f, []string{"a>b", "b>a"}},
		{"link to itself", "accept: l a" + f, []string{"a>a"}},
		{"link behind a loop", "accept: l a, l b, l c" + f, []string{"a>b/x", "b>a/y", "c>a/../d"}},
		{"link out behind a loop", "LINK_ESCAPE", []string{"a>b/x", "b>a/y", "c>a/../.."}},
		{"link target empty", "NAME_PATH", []string{"a>"}},
		{"link target with ESC", "NAME_CONTROL", []string{"a>\x1b[2J"}},
		{"link target not UTF-8", "NAME_UTF8", []string{"a>\xff"}},
		{"link target in form D", "NAME_NFC", []string{"a>e\u0301"}},
		{"link target of 4096 bytes", "accept: l a" + f, []string{"a>" + longName(4096)}},
		{"link target of 4097 bytes", "NAME_PATH", []string{"a>" + longName(4097)}},
	} {
		cases = append(cases, tarCase{name: c.name, want: c.want, raw: links(c.links...)})
	}
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("l c/%03d", i))
	}
	return append(cases,
		tarCase{name: "chain of 40 links", want: "accept: " + strings.Join(names, ", ") + ", f d/e/f", raw: chain(40, false, "../d")},
		tarCase{name: "chain of 41 links", want: "LINK_ESCAPE", raw: chain(41, false, "../d")},
		tarCase{name: "chain of 41 links, the last first", want: "LINK_ESCAPE", raw: chain(41, true, "../d")},
		tarCase{name: "chain of 1000 links", want: "LINK_ESCAPE", raw: chain(1000, true, "../d")},
		tarCase{name: "chain of 10 links that leads out", want: "LINK_ESCAPE", raw: chain(10, false, "../..")},
		tarCase{name: "link with content", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.link("top/l", "a", size(1)); b.data("x") })},
	)
}

func hardLinkCases() []tarCase {
	linked := func(f func(b *tarBuilder)) []byte {
		return tarOf(func(b *tarBuilder) { b.file("top/a", "A\n"); f(b) })
	}
	return []tarCase{
		{name: "hard link", want: "accept: f a, f b", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/a") })},
		{name: "hard link to an executable", want: "accept: x a, x b", raw: tarOf(func(b *tarBuilder) {
			b.file("top/a", "", mode("0000755"))
			b.hardLink("top/b", "top/a", mode("0000755"))
		})},
		{name: "two hard links", want: "accept: f a, f b, f c", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/a"); b.hardLink("top/c", "top/a") })},
		{name: "hard link in a v7 archive", want: "accept: f a, f b", raw: v7Of(func(b *tarBuilder) { b.file("top/a", ""); b.hardLink("top/b", "top/a") })},
		{name: "hard link of a long name", want: "accept: f " + longPath[4:] + ", f l", raw: tarOf(func(b *tarBuilder) {
			b.pax(record("path", longPath))
			b.file("top/x", "A\n")
			b.pax(record("linkpath", longPath))
			b.hardLink("top/l", longPath[:100])
		})},
		{name: "hard link to a hard link", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/a"); b.hardLink("top/c", "top/b") })},
		{name: "hard link with content", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/a", size(2)); b.data("A\n") })},
		{name: "hard link to a later file", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.hardLink("top/b", "top/a"); b.file("top/a", "") })},
		{name: "hard link to nothing", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/x") })},
		{name: "hard link to itself", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/b") })},
		{name: "hard link to a link", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.link("top/l", "a"); b.hardLink("top/b", "top/l") })},
		{name: "hard link through a link", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.link("top/l", "."); b.hardLink("top/b", "top/l/a") })},
		{name: "hard link to a directory", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.dir("top/d/"); b.hardLink("top/b", "top/d") })},
		{name: "hard link to a special", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.member('6', "top/p", ""); b.hardLink("top/b", "top/p") })},
		{name: "hard link out of the archive", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "/etc/passwd") })},
		{name: "hard link out of the top", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/../top/a") })},
		{name: "hard link beside the top", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "a") })},
		{name: "hard link differently spelled", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top//a") })},
		{name: "hard link with no target", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "") })},
		{name: "hard link of another mode", want: "TAR_TYPE", raw: linked(func(b *tarBuilder) { b.hardLink("top/b", "top/a", mode("0000755")) })},
		{name: "hard link of the same name", want: "NAME_DUP", raw: linked(func(b *tarBuilder) { b.hardLink("top/a", "top/a") })},
		{name: "hard link of a bad name", want: "NAME_PATH", raw: linked(func(b *tarBuilder) { b.hardLink("top/../b", "top/a") })},
	}
}
