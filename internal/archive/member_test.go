package archive_test

import (
	"reflect"
	"testing"

	"github.com/countermark/countermark/internal/archive"
)

// memberCases are archives of odd types and modes.
func memberCases() []tarCase {
	cases := []tarCase{
		{name: "FIFO", want: "accept: f a, s p", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.member('6', "top/p", "") })},
		{name: "character device", want: "accept: s c", raw: tarOf(func(b *tarBuilder) { b.member('3', "top/c", "", set(atDevMajor, "0000001\x00")) })},
		{name: "block device", want: "accept: s b", raw: tarOf(func(b *tarBuilder) { b.member('4', "top/b", "") })},
		{name: "FIFO with content", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member('6', "top/p", "x") })},
		{name: "character device with content", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member('3', "top/p", "x") })},
		{name: "block device with content", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member('4', "top/p", "x") })},
		{name: "directory with content", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member('5', "top/d/", "x") })},
		{name: "directory with a size and no content", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/", size(512)); b.file("top/a", "") })},
		{name: "directory without slash", want: "accept: d d/, f e/a", raw: tarOf(func(b *tarBuilder) { b.dir("top/d"); b.dir("top/e"); b.file("top/e/a", "") })},
		{name: "directory empty", want: "accept: f a, d d/", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.dir("top/d/") })},
		{name: "directory with an empty one", want: "accept: d d/e/", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/"); b.dir("top/d/e/") })},
		{name: "v7 directory of type 5", want: "accept: f d/a", raw: v7Of(func(b *tarBuilder) { b.dir("top/d/"); b.member(0, "top/d/a", "A\n") })},
		{name: "file of type NUL", want: "accept: f a", raw: tarOf(func(b *tarBuilder) { b.member(0, "top/a", "A\n") })},
		{name: "type of file in the mode of a directory", want: "MODE", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/", mode("0100755")) })},
		{name: "type of directory in the mode of a file", want: "MODE", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "", mode("0040644")) })},
		{name: "type of link in the mode of a file", want: "MODE", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "", mode("0120644")) })},
		{name: "type bits that are no type", want: "MODE", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "", mode("0170644")) })},
		{name: "bits above the type", want: "MODE", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "", mode("1100644")) })},
		{name: "type bits of a FIFO", want: "accept: s p", raw: tarOf(func(b *tarBuilder) { b.member('6', "top/p", "", mode("0010644")) })},
		{name: "type bits of a link", want: "accept: l l", raw: tarOf(func(b *tarBuilder) { b.link("top/l", "x", mode("0120777")) })},
		{name: "type bits of a hard link", want: "accept: f a, f b", raw: tarOf(func(b *tarBuilder) {
			b.file("top/a", "", mode("0100644"))
			b.hardLink("top/b", "top/a", mode("0100644"))
		})},
		{name: "type bits of a directory", want: "accept: d d/", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/", mode("0040755")) })},
		{name: "sticky and setgid directory", want: "accept: d d/", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/", mode("0003755")) })},
	}
	for _, c := range []struct{ octal, want string }{
		{"0000000", "f"}, {"0000444", "f"}, {"0000600", "f"}, {"0000664", "f"}, {"0000666", "f"}, {"0100644", "f"}, {"0006644", "f"},
		{"0000755", "x"}, {"0000775", "x"}, {"0000654", "x"}, {"0000100", "x"}, {"0000010", "x"}, {"0000001", "x"}, {"0100755", "x"}, {"0004755", "x"},
	} {
		cases = append(cases, tarCase{name: "mode " + c.octal, want: "accept: " + c.want + " a", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "", mode(c.octal)) })})
	}
	return cases
}

func TestUnusualModesAreReported(t *testing.T) {
	raw := tarOf(func(b *tarBuilder) {
		b.file("top/a", "", mode("0004755"))
		b.file("top/b", "", mode("0000664"))
		b.file("top/c", "", mode("0000644"))
		b.file("top/d", "", mode("0000755"))
		b.file("top/e", "", mode("0100664"))
		b.hardLink("top/f", "top/b", mode("0000664"))
		b.link("top/l", "a")
	})
	c, err := readArchive(raw, plainTar())
	if err != nil {
		t.Fatal(err)
	}
	want := []archive.ModeCount{{Perm: 0o664, Files: 3}, {Perm: 0o4755, Files: 1}}
	if !reflect.DeepEqual(c.Modes, want) {
		t.Errorf("got %v, want %v", c.Modes, want)
	}
}

func TestContentsOfOneArchive(t *testing.T) {
	raw := bareOf(func(b *tarBuilder) {
		b.global(record("comment", commitID))
		b.dir("top/")
		b.file("top/a", "hello\n")
	})
	o := plainTar()
	var read int64
	o.Progress = func(n int64) { read = n }
	c, err := readArchive(raw, o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Dialect != "ustar" || c.Prefix != "top" || c.Members != 2 || c.Embedded.String() != commitID {
		t.Errorf("dialect %q, prefix %q, %d members, embedded %v", c.Dialect, c.Prefix, c.Members, c.Embedded)
	}
	if c.FileBytes != int64(len(raw)) || c.TarBytes != c.FileBytes || c.SHA256 != c.TarSHA256 || c.SHA256.IsZero() || read != c.FileBytes {
		t.Errorf("%d bytes, %d of tar, %v, %v, progress %d", c.FileBytes, c.TarBytes, c.SHA256, c.TarSHA256, read)
	}
	// git hash-object of "hello\n"
	const hello = "ce013625030ba8dba906f756967f9e9ca394464a"
	if e := c.Tree.Lookup("a"); e == nil || e.IDs.In(1).String() != hello || e.Size != 6 || e.Offset != 1536 {
		t.Errorf("got %+v", e)
	}
}
