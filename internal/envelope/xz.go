package envelope

import (
	"fmt"
	"io"
	"math"

	xzdecode "github.com/mikelolasagasti/xz"

	"github.com/countermark/countermark/internal/envelope/framing"
)

// xzOverheadBytes is what an xz decoder may use besides the dictionary:
// liblzma counts less than 1 MiB.
const xzOverheadBytes = 4 << 20

// xzBody reads a file of exactly one xz stream. Its ratio is judged by the
// scanner, chunk by chunk, so that it does not depend on how far a decoder
// reads ahead.
type xzBody struct{ scannedBody }

func (xzBody) consumed() int64 { return -1 }

func newXZ(src *source, limits Limits, d XZDecoder) *xzBody {
	if d.Start == nil {
		d = XZDecoder{Name: "go xz", Start: startGoXZ}
	}
	b := &xzBody{scannedBody{feed: newFeed(src, framing.NewXZ(limits)), name: d.Name}}
	b.start = func(f *feed) (io.ReadCloser, error) { return d.Start(f, limits.MaxWindowBytes+xzOverheadBytes) }
	return b
}

// startGoXZ starts the decoder that is built in.
func startGoXZ(compressed io.Reader, memLimitBytes int64) (io.ReadCloser, error) {
	z, err := xzdecode.NewReader(compressed, uint32(min(memLimitBytes, math.MaxUint32)))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	z.Multistream(false)
	return strictDecoder{Reader: z}, nil
}
