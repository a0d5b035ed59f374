package envelope

import (
	"compress/bzip2"
	"io"

	"github.com/countermark/countermark/internal/envelope/framing"
)

// newBzip2 reads a file of exactly one bzip2 stream.
func newBzip2(src *source) *scannedBody {
	scan := &framing.Bzip2{}
	return &scannedBody{feed: newFeed(src, scan), name: "go bzip2", start: func(f *feed) (io.ReadCloser, error) {
		return strictDecoder{Reader: bzip2Decoder{bzip2.NewReader(f), f, scan}}, nil
	}}
}

// bzip2Decoder tells a file that ends early, or goes on, from one that is
// corrupt.
type bzip2Decoder struct {
	io.Reader
	feed *feed
	scan *framing.Bzip2
}

func (d bzip2Decoder) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if err == nil || d.feed.drain() != nil {
		return n, err // what ended the feed comes before what the decoder says
	}
	return n, d.scan.Judge(err)
}
