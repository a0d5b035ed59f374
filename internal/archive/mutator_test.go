package archive_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
)

// mutator makes altered archives from good ones.
type mutator struct {
	random *rand.Rand
	seeds  [][]byte
}

// newMutator takes the crafted archives that are accepted, and generated trees;
// COUNTERMARK_SEED changes the sequence.
func newMutator(seed uint64) *mutator {
	if s, err := strconv.ParseUint(os.Getenv("COUNTERMARK_SEED"), 10, 64); err == nil {
		seed = s
	}
	m := &mutator{random: rand.New(rand.NewPCG(seed, 0))}
	for _, c := range allCases() {
		if _, err := c.read(); err == nil && len(c.raw) < 20_000 && len(c.want) < 1000 {
			m.seeds = append(m.seeds, c.raw)
		}
	}
	for i := range 12 {
		nodes := trees(i%2 == 0).Example(i)
		for _, magic := range []string{magicV7, magicUstar, magicGNU} {
			if i%2 != 0 && magic != magicGNU {
				continue
			}
			b := newTar(magic)
			for _, n := range nodes {
				b.node(n)
			}
			m.seeds = append(m.seeds, b.end())
		}
	}
	return m
}

// next returns one mutant.
func (m *mutator) next() []byte {
	raw := bytes.Clone(m.seeds[m.random.IntN(len(m.seeds))])
	headers := headerBlocks(raw)
	for range 1 + m.random.IntN(3) {
		raw = m.alter(raw)
	}
	if m.random.IntN(2) == 0 {
		fixAll(raw, headers)
	}
	return raw
}

// fields are where alterations begin, most often.
var fields = []int{atName, atMode, atUID, atGID, atSize, atMtime, atChecksum, atType, atLinkname, atMagic, atMagic + 6, atUname, atGname, atDevMajor, atDevMinor, atPrefix, 386, atPadding, 511}

// morsels are what is written there.
var morsels = []string{
	"\x00", " ", "/", "//", "./", "../", "..", ".", "\\", "C:", "0", "1", "2", "3", "5", "6", "7", "x", "g", "L", "K", "S", "V", "D", "M", "\x80", "\xff",
	"\n", "é", "e\u0301", "\u200c", "top/", "top", "top/a", "top/a/", "a", "~", "=", "777", "000", "0000000\x00", "0000644\x00", "0000755\x00", "0000111\x00", "00000000002\x00",
	"00000001000\x00", "1000 ", magicUstar, magicGNU, "ustar", "path=", "size=", " 1 ",
}

// alter changes one thing.
func (m *mutator) alter(raw []byte) []byte {
	if len(raw) < 1024 {
		return raw
	}
	blocks := len(raw) / 512
	block := m.random.IntN(blocks) * 512
	at := block + fields[m.random.IntN(len(fields))]
	if m.random.IntN(3) == 0 {
		at = block + m.random.IntN(512)
	}
	switch m.random.IntN(12) {
	case 0, 1:
		raw[at] = byte(m.random.IntN(256))
	case 2:
		raw[at] ^= 1 << m.random.IntN(8)
	case 3, 4, 5, 6:
		copy(raw[at:], morsels[m.random.IntN(len(morsels))])
	case 7: // a field of another block
		from := m.random.IntN(blocks)*512 + at%512
		n := min(1+m.random.IntN(100), len(raw)-from, len(raw)-at)
		copy(raw[at:at+n], raw[from:])
	case 8: // a block of another archive
		other := m.seeds[m.random.IntN(len(m.seeds))]
		if len(other) >= 512 {
			from := m.random.IntN(len(other)/512) * 512
			raw = slices.Insert(raw, block, other[from:from+512]...)
		}
	case 9: // a block twice, or not at all
		if m.random.IntN(2) == 0 {
			return slices.Insert(raw, block, bytes.Clone(raw[block:block+512])...)
		}
		return slices.Delete(raw, block, block+512)
	case 10: // another type
		raw[block+atType] = "\x00012345567xgLKSVMDNZ"[m.random.IntN(20)]
	case 11: // another size
		copy(raw[block+atSize:], fmt.Sprintf("%011o\x00", m.random.IntN(1600)))
	}
	return raw
}

// headerBlocks returns the numbers of the blocks that have a right checksum.
func headerBlocks(raw []byte) []int {
	var headers []int
	for i := 0; i+512 <= len(raw); i += 512 {
		block := raw[i : i+512]
		if string(block[atChecksum:atType]) == fmt.Sprintf("%06o\x00 ", checksum(block)) {
			headers = append(headers, i/512)
		}
	}
	return headers
}

// fixAll makes the checksums of the given blocks right, wherever they are now.
func fixAll(raw []byte, headers []int) {
	for _, n := range headers {
		if n*512+512 <= len(raw) && !bytes.Equal(raw[n*512:n*512+512], make([]byte, 512)) {
			fixChecksum(raw[n*512 : n*512+512])
		}
	}
}
