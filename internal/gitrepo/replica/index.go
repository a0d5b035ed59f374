package replica

import (
	"crypto/sha1" //nolint:gosec // the checksum of an index, which is no id
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/tree"
)

// Parts of an index of version 2 (gitformat-index(5)).
const (
	indexVersion  = 2
	maxNameLength = 0xfff // that the flags can hold; longer names end at their NUL
)

// indexFile returns the index of a tree whose files lie there as they were laid
// out: each with its id, its size and the modification time, and zeros for what
// core.checkStat = minimal does not look at.
func indexFile(f digest.Format, t tree.Tree, mtime time.Time) ([]byte, error) {
	entries := slices.Clone(t.Entries())
	entries = slices.DeleteFunc(entries, func(e tree.Entry) bool { return e.Kind == tree.Directory })
	slices.SortFunc(entries, func(a, b tree.Entry) int { return strings.Compare(string(a.Path), string(b.Path)) })
	b := append([]byte("DIRC"), 0, 0, 0, indexVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(entries)))
	for i := range entries {
		e := &entries[i]
		id := e.IDs.In(f)
		if id.IsZero() || e.GitMode() == 0 {
			return nil, fmt.Errorf("making an index: %s is a %v without a %v id", escape.Quote(string(e.Path)), e.Kind, f)
		}
		start := len(b)
		// ctime (2 words), mtime (2), device, inode, mode, owner, group, size.
		// Each is cut to 32 bits, as git does.
		for _, word := range []int64{0, 0, mtime.Unix(), 0, 0, 0, int64(e.GitMode()), 0, 0, e.Size} {
			b = binary.BigEndian.AppendUint32(b, uint32(word))
		}
		b = append(b, id.Bytes()...)
		b = binary.BigEndian.AppendUint16(b, uint16(min(len(e.Path), maxNameLength)))
		b = append(b, e.Path...)
		// One to eight NULs make the entry a multiple of eight bytes long.
		b = append(b, make([]byte, 8-(len(b)-start)%8)...)
	}
	if f == digest.SHA256Format {
		sum := sha256.Sum256(b)
		return append(b, sum[:]...), nil
	}
	sum := sha1.Sum(b) //nolint:gosec // see the import
	return append(b, sum[:]...), nil
}
