package trace

import (
	"math/bits"
	"strconv"
)

// zstdWindowLogs are the windows of the levels, from 1 to 22, as powers of two
// (zstd 1.5, lib/compress/clevels.h, the table for large sources).
var zstdWindowLogs = [...]int{19, 20, 21, 21, 21, 21, 21, 21, 22, 22, 22, 22, 22, 22, 22, 22, 23, 23, 23, 25, 26, 27} //nolint:gochecknoglobals // a table

const (
	zstdMaxPlainLevel = 19 // without --ultra
	zstdMinWindowLog  = 10 // RFC 8878, section 3.1.1.1.2
	zstdLongLog       = 27 // of --long
)

// zstd: the window tells groups of levels, unless the content is smaller than it;
// flags tell whether there is a checksum, and whether the size was known.
func (t *Trace) zstd(head []byte, contentBytes int64) {
	const checksum, singleSegment = 1 << 2, 1 << 5 // RFC 8878, section 3.1.1.1.1
	if len(head) < 6 {
		return
	}
	descriptor := head[4]
	var options []string
	if descriptor&checksum == 0 {
		options = append(options, "--no-check")
	}
	sized := descriptor>>6 != 0 || descriptor&singleSegment != 0
	if sized {
		options = append(options, "--stream-size="+strconv.FormatInt(contentBytes, 10))
	}
	window := uint64(contentBytes) // of a single segment
	if descriptor&singleSegment == 0 {
		window = 1 << (head[5]>>3 + zstdMinWindowLog) // the mantissa is never used by zstd's own levels
	}
	t.tell("a window of %d bytes, %s checksum, size %s beforehand", window, yes(descriptor&checksum != 0, "a", "no"), yes(sized, "known", "not known"))
	t.NotTried = "other versions of zstd, of which each may give other bytes, and levels that give another window in zstd 1.5"
	smaller := func(log int) uint64 { // what the encoder makes of its window if it knows the size
		if sized {
			log = min(log, max(zstdMinWindowLog, bits.Len64(uint64(max(contentBytes, 1)-1))))
		}
		return 1 << log
	}
	levels := []int{19, 3, 22, 18, 17, 10, 9, 15, 12, 6, 1, 2, 4, 5, 7, 8, 11, 13, 14, 16, 20, 21} // as people choose them
	for _, n := range levels {
		have := smaller(zstdWindowLogs[n-1])
		if window == have || descriptor&singleSegment != 0 && window < have {
			t.zstdLevel(n, options)
		}
	}
	if window == 1<<zstdLongLog {
		for _, n := range levels {
			t.zstdLevel(n, append([]string{"--long"}, options...))
		}
	}
}

// zstdLevel adds the ways to run one level: with a thread for the compression,
// which gives the same bytes as any number of them, and without.
func (t *Trace) zstdLevel(n int, options []string) {
	for _, mode := range []string{"-T1", "--single-thread"} {
		var args []string
		if n > zstdMaxPlainLevel {
			args = append(args, "--ultra")
		}
		args = append(append(args, "-"+strconv.Itoa(n), mode), options...)
		t.add("zstd", append(args, "-q", "-c")...)
	}
}

func yes(is bool, a, b string) string {
	if is {
		return a
	}
	return b
}
