package catalogue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseMO(t *testing.T) {
	for name, file := range map[string]moFile{"plain": small(), "system": smallSystem()} {
		plain, systems := file.plain, file.systems
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, alignment := range []int{1, 2, 4, 8, 16, 32, 64} {
				file.order, file.alignment = order, alignment
				c := mustMO(t, file.bytes())
				if got := pairs(c, false); !reflect.DeepEqual(got, plain) {
					t.Errorf("%s: got %q", name, got)
				}
				if got := pairs(c, true); !reflect.DeepEqual(got, systems) {
					t.Errorf("%s: got %q", name, got)
				}
			}
		}
	}
}

func TestParseMOSizes(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages int
		hashSize int
		accepted bool
	}{
		{"none", 0, 3, true}, {"one", 1, 3, true}, {"one, larger", 1, 5, false},
		{"two, before 0.22", 2, 5, true}, {"two", 2, 3, true}, {"two, larger", 2, 7, false},
		{"three", 3, 5, true}, {"five", 5, 7, true}, {"six", 6, 11, true}, {"six, not prime", 6, 9, false},
		{"nineteen", 19, 29, true}, {"no table", 19, 0, true},
	} {
		f := small()
		f.plain, f.hashSize = nil, c.hashSize
		for i := range c.messages {
			f.plain = append(f.plain, pair{string(rune('a' + i)), "x"})
		}
		if _, err := ParseMO(f.bytes()); (err == nil) != c.accepted {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// put returns the file with the word at an offset replaced.
func put(data []byte, at int, word uint32) []byte {
	out := bytes.Clone(data)
	binary.LittleEndian.PutUint32(out[at:], word)
	return out
}

// with returns a small file with its messages replaced.
func with(plain ...pair) []byte {
	f := small()
	f.plain = plain
	f.hashSize = 0
	return f.bytes()
}

// withSystem does so for those that depend on the system.
func withSystem(systems ...pair) []byte {
	f := smallSystem()
	f.systems = systems
	f.hashSize = int(hashSize(len(f.plain) + len(systems)))
	return f.bytes()
}

func TestParseMORefuses(t *testing.T) {
	data := small().bytes()
	system := smallSystem().bytes()
	aligned := small()
	aligned.alignment = 4
	padded := aligned.bytes()
	end := bytes.LastIndex(padded, []byte("b\x00"))
	unsorted := small()
	unsorted.plain[1], unsorted.plain[2] = unsorted.plain[2], unsorted.plain[1]
	noHash := smallSystem()
	noHash.hashSize = 0
	segment := bytes.Index(system, []byte("PRIu64\x00"))
	const tables = 48 + 4*16 + 11*4 // of the system's segments
	cases := []struct {
		name string
		data []byte
		says string
	}{
		{"empty", nil, "4 bytes are expected"},
		{"another format", []byte("msgid \"\"\n"), "does not begin as"},
		{"header cut", data[:20], "4 bytes are expected"},
		{"major revision 1", put(data, 4, 1<<16), "revision 0x00010000"},
		{"major revision 1, minor 1", put(data, 4, 1<<16+1), "revision 0x00010001"},
		{"unknown revision", put(data, 4, 2), "0x00000002 is none"},
		{"too many messages", put(data, 8, MaxMessages+1), "at most 1048576"},
		{"more messages than bytes", put(data, 8, MaxMessages), "does not fit"},
		{"tables elsewhere", put(data, 12, 32), "a table stands at byte 32"},
		{"translations elsewhere", put(data, 16, 64), "a table stands at byte 64"},
		{"hash table elsewhere", put(data, 24, 64), "a table stands at byte 64"},
		{"hash table beyond the end", put(data, 20, 1<<31), "does not fit"},
		{"string elsewhere", put(data, 32, 4), "a string stands at byte 4"},
		{"string longer", put(data, 28, 1), "not ended by NUL"},
		{"string beyond the end", put(data, 28, 1<<31), "bytes are expected here"},
		{"file cut", data[:len(data)-1], "bytes are expected here"},
		{"trailing byte", append(bytes.Clone(data), 0), "1 bytes follow"},
		{"no NUL", slices.Concat(data[:len(data)-1], []byte{1}), "not ended by NUL"},
		{"padding", slices.Concat(padded[:end+2], []byte{7}, padded[end+3:]), "a string stands at"},
		{"unsorted", unsorted.bytes(), "not sorted"},
		{"twice", with(pair{"a", "x"}, pair{"a", "x"}), "not sorted"},
		{"twice with another plural", with(pair{"a\x00b", "x"}, pair{"a\x00c", "x"}), "not sorted"},
		{"two plurals", with(pair{"a\x00b\x00c", "x"}), "more than one plural"},
		{"two contexts", with(pair{"a\x04b\x04c", "x"}), "0x04 elsewhere"},
		{"context in the plural", with(pair{"a\x00b\x04c", "x"}), "0x04 elsewhere"},
		{"context in the translation", with(pair{"a", "x\x04"}), "0x04 elsewhere"},
		{"forms without plural", with(pair{"a", "x\x00y"}), "plural forms, its msgid has none"},
		{"plural header", with(pair{"\x00b", "x"}), "header entry has plural"},
		{"untranslated", with(pair{"a", ""}), "no translation"},
		{"untranslated forms", with(pair{"a\x00b", "\x00x"}), "no translation"},
		{"hash table", put(data, 28+4*16, 2), "slot 0 of the hash table holds 2"},
		{"hash table of another size", func() []byte { f := small(); f.hashSize = 7; return f.bytes() }(), "has 7 slots, expected 5"},
		{"collisions", colliding(), "made to collide"},
		{"no hash table in revision 0.1", noHash.bytes(), "has 0 slots"},
		{"revision 0.1 without need", put(put(system, 28, 0), 36, 0), "without a message that depends"},
		{"segments elsewhere", put(system, 32, 0), "a table stands at byte 0"},
		{"macro twice", bytes.Replace(system, []byte("PRIdMAX\x00"), []byte("PRIu64\x00\x00"), 1), "is there twice"},
		{"no macro", slices.Concat(system[:segment], []byte("PRIu63\x00"), system[segment+7:]), "not one of the integer"},
		{"description elsewhere", put(system, tables+3*8, 0), "description of a string stands at byte 0"},
		{"unknown segment", put(system, tables+3*8+4*4+8, 9), "the segment 9 is not in the table"},
		{"segments out of order", put(system, tables+3*8+4*4+8, 1), "segment 1 is used before the segment 0"},
		{"segment not used", put(withSystem(pair{"%<PRIu64>", "%<PRIu8>"}), 192, 0), "the segment 1 is not used"},
		{"no directive", withSystem(pair{"y", "z"}, pair{"z", "%<PRIu64>"}), "depend on the system, but does not"},
		{"cut elsewhere", put(put(system, tables+3*8+4*4+4, 13), tables+3*8+4*4+12, 9), "not cut at its format directives"},
		{"header depends on the system", withSystem(pair{"", "%<PRIu64>"}), "or depends on the system"},
		{"plain and system", withSystem(pair{"a", "%<PRIu64>"}), `"a" is there twice`},
		{"twice in the system", withSystem(pair{"z", "%<PRIu64>"}, pair{"z", "%<PRIu64>"}), "is there twice"},
		{"some instances", instances("%lu"), "filled in"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseMO(c.data)
			var perr *ParseError
			if !errors.As(err, &perr) || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if !strings.Contains(err.Error(), c.says) || perr.Line != 0 {
				t.Errorf("got %v, want it to say %q", err, c.says)
			}
		})
	}
	if _, err := ParseMO(make([]byte, MaxFileBytes+1)); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a large file: %v", err)
	}
}

// colliding has msgids with one hash: hashpjw adds each byte and shifts by 4,
// so a byte more by 1 and the next one less by 16 cancel out.
func colliding() []byte {
	f := small()
	f.plain = nil
	for i := range 512 {
		var id []byte
		for bit := range 9 {
			id = append(id, "aq"[i>>(8-bit)&1]-1, "qa"[i>>(8-bit)&1])
		}
		for j := 0; j < len(id); j += 2 { // "`q" and "aa" have the same hash
			if id[j] != '`' {
				id[j] = 'a'
			}
		}
		f.plain = append(f.plain, pair{string(id), "x"})
	}
	f.hashSize = int(hashSize(len(f.plain)))
	return f.bytes()
}

// instances is a file with a message that depends on the system and those of
// the given messages that it stands for.
func instances(numbers ...string) []byte {
	f := moFile{order: binary.LittleEndian, alignment: 1, plain: []pair{{"", testHeader}}}
	f.systems = []pair{{"x\x04%<PRIuMAX>\x00%<PRIuMAX> s", "<%<PRIuMAX>>\x00%<PRIuMAX>"}}
	for _, n := range numbers {
		f.plain = append(f.plain, pair{"x\x04" + n + "\x00%<PRIuMAX> s", "<" + n + ">\x00" + n})
	}
	f.hashSize = int(hashSize(len(f.plain) + 1))
	return f.bytes()
}

// TestInstances: what msgfmt 0.22 adds for systems that cannot fill in macros
// does not change the meaning.
func TestInstances(t *testing.T) {
	without, with := mustMO(t, instances()), mustMO(t, instances("%llu", "%lu"))
	if without.Meaning() != with.Meaning() || len(with.messages) != 2 {
		t.Errorf("%d messages: %v and %v", len(with.messages), without.Meaning(), with.Meaning())
	}
	po := mustPO(t, poHeader+"#, c-format\nmsgctxt \"x\"\nmsgid \"%<PRIuMAX>\"\nmsgid_plural \"%<PRIuMAX> s\"\nmsgstr[0] \"<%<PRIuMAX>>\"\nmsgstr[1] \"%<PRIuMAX>\"\n")
	if !with.Meaning().CompiledFrom(po.Meaning()) {
		t.Error("the PO file means something else")
	}
}

// TestEveryBitCounts flips each bit of small files.
func TestEveryBitCounts(t *testing.T) {
	noHash, aligned, system := small(), small(), smallSystem()
	noHash.hashSize, aligned.alignment, system.order = 0, 4, binary.BigEndian
	files := [][]byte{small().bytes(), noHash.bytes(), aligned.bytes(), system.bytes(), smallSystem().bytes(), instances("%llu", "%lu")}
	files = append(files, with(pair{"", "POT-Creation-Date: 2020\nX: y\n"}, pair{"a", "b"}))
	for n, data := range files {
		want := mustMO(t, data).Meaning()
		for i := range 8 * len(data) {
			flipped := bytes.Clone(data)
			flipped[i/8] ^= 1 << (i % 8)
			c, err := ParseMO(flipped)
			if err == nil && c.Meaning().CompiledFrom(want) {
				t.Errorf("file %d: the bit %d does not count", n, i)
			}
		}
		for i := range data {
			c, err := ParseMO(slices.Concat(data[:i], data[i+1:]))
			if err == nil && c.Meaning().CompiledFrom(want) {
				t.Errorf("file %d: the byte %d does not count", n, i)
			}
		}
	}
}
