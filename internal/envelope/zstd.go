package envelope

import (
	"fmt"
	"io"
	"math"

	zstddecode "github.com/klauspost/compress/zstd"

	"github.com/countermark/countermark/internal/envelope/framing"
)

// zstdBody reads a file of exactly one zstd frame.
type zstdBody struct {
	scannedBody
	scan *framing.Zstd
}

func newZstd(src *source, limits Limits) *zstdBody {
	scan := framing.NewZstd(limits)
	b := &zstdBody{scannedBody{feed: newFeed(src, scan), name: "go zstd"}, scan}
	b.start = func(f *feed) (io.ReadCloser, error) { return startZstd(f, limits.MaxWindowBytes) }
	return b
}

func (b *zstdBody) notes() []string {
	if b.scan.LacksChecksum() {
		return []string{"the zstd frame has no checksum"}
	}
	return nil
}

// startZstd starts a decoder without goroutines of its own.
func startZstd(compressed io.Reader, maxWindowBytes int64) (io.ReadCloser, error) {
	// The decoder's own bounds on its options.
	window := min(max(maxWindowBytes, zstddecode.MinWindowSize), 1<<32)
	d, err := zstddecode.NewReader(compressed, zstddecode.WithDecoderConcurrency(1), zstddecode.WithDecoderLowmem(true),
		zstddecode.WithDecoderMaxWindow(uint64(window)), zstddecode.WithDecoderMaxMemory(math.MaxInt64))
	if err != nil {
		return nil, fmt.Errorf("starting: %v", err)
	}
	return strictDecoder{Reader: d, close: d.Close}, nil
}
