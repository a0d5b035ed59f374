package knownfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// bytesTaken returns how much memory is taken, in sum, while f runs.
func bytesTaken(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// sealed returns an index file with the given tables.
func sealed(tables []byte) []byte {
	all := append([]byte(header), tables...)
	sum := sha256.Sum256(all)
	return append(all, sum[:]...)
}

// unsealed returns an index file without what sealed adds.
func unsealed(file []byte) []byte { return file[len(header) : len(file)-sha256.Size] }

func TestRoundTrip(t *testing.T) {
	x := sample(t)
	file := x.Marshal()
	back, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, x) {
		t.Errorf("got %+v, want %+v", back, x)
	}
	if again := back.Marshal(); !bytes.Equal(again, file) {
		t.Errorf("got\n%q\nwant\n%q", again, file)
	}
	if !bytes.Equal(file, sealed(unsealed(file))) {
		t.Error("the file does not end in the SHA-256 of the rest")
	}
}

// The layout, byte for byte.
func TestLayout(t *testing.T) {
	f := Take("a.m4", []byte("# serial 12\n"+numbered("x", 300)))
	x := build(t, added{"t", "1", "m4/a.m4", "# serial 12\n" + numbered("x", 300)}, added{"t", "1.0", "m4/b", ""}, added{"t", "2", "m4/a.m4", "# serial 12\n" + numbered("x", 300)})
	empty := Take("", nil).SHA256
	records := [][]byte{
		append(f.SHA256[:], 1, 1, 1, 0, 0, 2), // form 0, serial 0, one origin: path 0, from release 0 to that 2 on
		append(empty[:], 0, 0, 1, 1, 1, 0),
	}
	slices.SortFunc(records, bytes.Compare)
	want := slices.Concat([]byte("\x01\x01t"), []byte("\x03\x00\x011\x00\x031.0\x00\x012"), []byte("\x02\x00\x07m4/a.m4\x03\x01b"), []byte("\x01\x0212"),
		[]byte{1}, f.Form.Digest[:], f.Form.Sketch[:], []byte{0xac, 0x02}, []byte{2}, records[0], records[1])
	if got := unsealed(x.Marshal()); !bytes.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestEveryFlipIsRefused(t *testing.T) {
	file := sample(t).Marshal()
	for i := range file {
		for bit := range 8 {
			flipped := bytes.Clone(file)
			flipped[i] ^= 1 << bit
			if x, err := Parse(flipped); err == nil || x != nil {
				t.Errorf("with bit %d of byte %d flipped it is accepted", bit, i)
			}
		}
	}
	for n := range file {
		if x, err := Parse(file[:n]); err == nil || x != nil {
			t.Errorf("%d of %d bytes are accepted", n, len(file))
		}
	}
	if _, err := Parse(append(file, 0)); err == nil {
		t.Error("a byte more is accepted")
	}
}

// What is well sealed is held to the order of the tables and to the names.
func TestParseRefusesTables(t *testing.T) {
	swap := func(n int, swap func(i, j int)) { swap(0, n-1) }
	for name, c := range map[string]struct {
		change func(x *Index)
		says   string
	}{
		"a tool twice":           {func(x *Index) { x.tools[1] = x.tools[0] }, "occurs twice"},
		"an empty tool":          {func(x *Index) { x.tools[0] = "" }, "no name"},
		"a tool with a space":    {func(x *Index) { x.tools[0] = "a b" }, "no name"},
		"a long tool":            {func(x *Index) { x.tools[0] = strings.Repeat("x", maxNameBytes+1) }, "at most 64"},
		"a tool of no release":   {func(x *Index) { x.tools = append(x.tools, "z") }, "nothing refers to tool 2"},
		"a bad version":          {func(x *Index) { x.releases[0].version = "0.2\x1b" }, `"0.2\x1b" is no name`},
		"a long version":         {func(x *Index) { x.releases[4].version = strings.Repeat("9", maxNameBytes+1) }, "at most 64"},
		"unsorted releases":      {func(x *Index) { swap(2, reflect.Swapper(x.releases)) }, "out of order"},
		"a release twice":        {func(x *Index) { x.releases[1] = x.releases[0] }, "out of order"},
		"releases by tool":       {func(x *Index) { swap(len(x.releases), reflect.Swapper(x.releases)) }, "out of order"},
		"a release of no tool":   {func(x *Index) { x.releases[4].tool = 2 }, "at most 1 was expected"},
		"unsorted paths":         {func(x *Index) { swap(len(x.paths), reflect.Swapper(x.paths)) }, "out of order"},
		"a path twice":           {func(x *Index) { x.paths[1] = x.paths[0] }, "out of order"},
		"an empty path":          {func(x *Index) { x.paths[0] = "" }, "empty"},
		"a folder":               {func(x *Index) { x.paths[3] = "m4/" }, "of a folder"},
		"a long path":            {func(x *Index) { x.paths[3] = strings.Repeat("x", maxPathBytes+1) }, "at most 4096"},
		"a long path that grows": {func(x *Index) { x.paths[3] = x.paths[2] + strings.Repeat("x", maxPathBytes-len(x.paths[2])+1) }, "at most"},
		"a path of no file":      {func(x *Index) { x.paths = append(x.paths, "z") }, "nothing refers to path 4"},
		"unsorted serials":       {func(x *Index) { swap(2, reflect.Swapper(x.serials)) }, "out of order"},
		"a serial twice":         {func(x *Index) { x.serials[1] = x.serials[0] }, "out of order"},
		"a serial with a zero":   {func(x *Index) { x.serials[0] = "03" }, "is none"},
		"a serial of letters":    {func(x *Index) { x.serials[1] = "x" }, "is none"},
		"a long serial":          {func(x *Index) { x.serials[1] = Serial(strings.Repeat("9", maxSerialBytes+1)) }, "is none"},
		"a serial of no file":    {func(x *Index) { x.serials = append(x.serials, "5") }, "nothing refers to serial number 2"},
		"unsorted forms":         {func(x *Index) { swap(len(x.forms), reflect.Swapper(x.forms)) }, "out of order"},
		"a form twice":           {func(x *Index) { x.forms[1] = x.forms[0] }, "out of order"},
		"an empty form":          {func(x *Index) { x.forms[0] = Form{} }, "is empty"},
		"a form of many lines":   {func(x *Index) { x.forms[0].Lines = maxLines + 1 }, "at most 1073741824"},
		"a form of no file":      {func(x *Index) { x.forms = append(x.forms, Form{Digest: [16]byte{255, 255, 255}}) }, "nothing refers to form 4"},
		"unsorted contents":      {func(x *Index) { swap(2, reflect.Swapper(x.records)) }, "out of order"},
		"a content twice":        {func(x *Index) { x.records[1].sum = x.records[0].sum }, "out of order"},
		"a content from nowhere": {func(x *Index) { x.records[0].origins = nil }, "comes from nowhere"},
		"a form too far":         {func(x *Index) { x.records[0].form = 4 }, "at most 4"},
		"a serial too far":       {func(x *Index) { x.records[0].serial = 2 }, "at most 2"},
		"a path too far":         {func(x *Index) { x.records[0].origins[0].path = 4 }, "at most 3"},
		"a release too far":      {func(x *Index) { x.records[0].origins[0] = origin{0, 5, 5} }, "at most 4"},
		"a range too far":        {func(x *Index) { x.records[0].origins[0] = origin{0, 4, 5} }, "at most 0"},
		"a range of two tools":   {func(x *Index) { x.records[0].origins[0] = origin{0, 1, 2} }, "two tools"},
		"an origin twice":        {func(x *Index) { r := &x.records[0]; r.origins = append(r.origins, r.origins[0]) }, "out of order"},
		"origins by path":        {func(x *Index) { x.records[0].origins = []origin{{1, 0, 0}, {0, 0, 0}} }, "out of order"},
		"origins by tool":        {func(x *Index) { x.records[0].origins = []origin{{0, 3, 3}, {1, 0, 0}} }, "out of order"},
	} {
		x := sample(t)
		c.change(x)
		back, err := Parse(x.Marshal())
		if err == nil || back != nil || !strings.HasPrefix(err.Error(), "the index is damaged: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: the message holds control characters: %q", name, err)
		}
	}
}

// What only a hand could write.
func TestParseRefusesBytes(t *testing.T) {
	good := unsealed(build(t, added{"t", "1", "m4/a", ""}, added{"t", "1", "m4/b", ""}).Marshal())
	replaced := func(old, by string) []byte {
		if bytes.Count(good, []byte(old)) != 1 {
			t.Fatalf("%q is %d times in %q", old, bytes.Count(good, []byte(old)), good)
		}
		return bytes.Replace(good, []byte(old), []byte(by), 1)
	}
	if _, err := Parse(sealed(replaced("m4/a", "m4/a"))); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tables []byte
		says   string
	}{
		"no tables":             {nil, "byte 20: no number"},
		"a long number":         {replaced("\x01\x01t", "\x81\x00\x01t"), "byte 20: no number in its shortest form"},
		"a long zero":           {replaced("\x00\x04m4/a", "\x80\x00\x04m4/a"), "shortest form"},
		"an endless number":     {bytes.Repeat([]byte{0xff}, 20), "no number"},
		"a number beyond 64 b.": {append(bytes.Repeat([]byte{0xff}, 9), 2), "no number"},
		"a number cut off":      {[]byte{0x80}, "no number"},
		"a path not shared":     {replaced("\x03\x01b", "\x02\x02/b"), "shares more"},
		"a path shared further": {replaced("\x03\x01b", "\x05\x01b"), "at most 4"},
		"a path of a name less": {replaced("\x03\x01b", "\x03\x00"), "empty, of a folder"},
		"bytes after it":        {append(bytes.Clone(good), 0), "bytes after the last record"},
		"a text cut off":        {[]byte("\x01\x05t"), "5 bytes were expected, 1 are left"},
		"no tools, a release":   {[]byte("\x00\x01\x00\x011\x00\x00\x00\x00"), "at most -1"},
	} {
		if x, err := Parse(sealed(c.tables)); err == nil || x != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	for name, c := range map[string]struct{ file, says string }{
		"nothing":         {"", "another version"},
		"another version": {strings.Replace(string(sealed(good)), " 1\n", " 2\n", 1), `does not begin with "countermark-index 1\n"`},
		"only the header": {header, "damaged"},
		"half a digest":   {header + "0123456789", "damaged"},
	} {
		if x, err := Parse([]byte(c.file)); err == nil || x != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if _, err := Parse(make([]byte, MaxFileBytes+1)); err == nil || !strings.Contains(err.Error(), "at most 268435456 are read") {
		t.Errorf("a file that is too long: %v", err)
	}
}

// What a file claims to hold takes no more memory, or time, than what it holds.
func TestParseIsBounded(t *testing.T) {
	number := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	const size = 1 << 20
	fill := make([]byte, size)
	tools := number(150_000)
	for i := range 150_000 {
		tools = append(tools, fmt.Sprintf("\x06%06d", i)...)
	}
	growing := slices.Concat([]byte("\x01\x01t\x01\x00\x011"), number(size/4))
	for i := range size / 5 {
		growing = append(append(growing, number(min(i, 2_000_000))...), 1, 'x')
	}
	shared, before := slices.Concat([]byte("\x01\x01t\x01\x00\x011"), number(100_000)), ""
	for i := range 100_000 {
		path := strings.Repeat("x", maxPathBytes-8) + fmt.Sprintf("%08d", i)
		n := sharedPrefix(before, path)
		shared = append(append(append(shared, number(n)...), number(len(path)-n)...), path[n:]...)
		before = path
	}
	for name, c := range map[string]struct {
		tables []byte
		most   uint64
		says   string
	}{
		"tools":     {slices.Concat(number(size/2), fill), 16 * size, "bytes after"},
		"many":      {slices.Concat(number(maxEntries), fill), size, "was expected"},
		"overflow":  {slices.Concat(binary.AppendUvarint(nil, 1<<62), fill), size, "was expected"},
		"releases":  {slices.Concat([]byte("\x01\x01t"), number(size/2), fill), 16 * size, "shortest form"},
		"forms":     {slices.Concat([]byte("\x00\x00\x00\x00"), number(size/50), fill), 4 * size, "bytes after"},
		"records":   {slices.Concat([]byte("\x00\x00\x00\x00\x00"), number(size/50), fill), 8 * size, "bytes after"},
		"origins":   {slices.Concat([]byte("\x00\x00\x00\x00\x00\x01"), fill[:34], number(maxOrigins), fill), 16 * size, "at most -1"},
		"unique":    {slices.Concat(tools, []byte{0, 0, 0, 0, 0}), 64 * size, "nothing refers to tool 0"},
		"growing":   {growing, 64 * size, "the number"},
		"one path":  {shared, maxAllPathBytes + 64*size, "the paths have more than"},
		"long path": {slices.Concat([]byte("\x01\x01t\x01\x00\x011\x01\x00"), number(maxPathBytes+1), fill), size, "at most 4096"},
	} {
		file, begun := sealed(c.tables), time.Now()
		var err error
		taken := bytesTaken(func() { _, err = Parse(file) })
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if taken > c.most || time.Since(begun) > 10*time.Second {
			t.Errorf("%s: %d bytes and %v were taken for %d bytes", name, taken, time.Since(begun), len(file))
		}
	}
}

// FuzzParse: no panic, no value with an error; what is accepted is written as it
// was read, also by way of a Builder. The input is given its header and its
// digest, so that it is looked at.
func FuzzParse(f *testing.F) {
	f.Add(unsealed(sample(f).Marshal()))
	f.Add(unsealed((&Index{}).Marshal()))
	f.Add(unsealed(build(f, added{"t", "1", "a", ""}).Marshal()))
	f.Add(unsealed(build(f, added{"t", "1", "a", ""}, added{"t", "01", "a", ""}, added{"t", "2", "a/b", "x"}, added{"s", "2", "a/bc", "x"}).Marshal()))
	f.Add([]byte("\x00\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := sealed(data)
		x, err := Parse(file)
		if err != nil {
			if x != nil || err.Error() == "" {
				t.Fatalf("%v and %v", x, err)
			}
			return
		}
		if got := x.Marshal(); !bytes.Equal(got, file) {
			t.Fatalf("read\n%q\nwrote\n%q", file, got)
		}
		var b Builder
		if err := b.AddIndex(x); err != nil {
			t.Fatal(err)
		}
		again, err := b.Index()
		if err != nil || !bytes.Equal(again.Marshal(), file) {
			t.Fatalf("%v: read\n%q\nbuilt\n%q", err, file, again.Marshal())
		}
		for _, r := range x.records {
			_ = Best(x.Find(r.sum), "a").Versions()
		}
		_ = x.ToolVersions()
	})
}
