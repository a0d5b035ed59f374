package attribution

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// The output is compared with the file whatever the pieces in which it comes.
func TestComparison(t *testing.T) {
	const head, file = "HEAD", "Head-and-name|the rest"
	rest := int64(strings.Index(file, "|"))
	for _, c := range []struct {
		head, output string
		rest         int64
		equal        int64
		differs      bool
		whole        bool
	}{
		{"", file, 0, int64(len(file)), false, true},
		{"", file[:5], 0, 5, false, false},
		{"", "", 0, 0, false, false},
		{"", file + "!", 0, int64(len(file)), true, false},
		{"", "Head!", 0, 4, true, false},
		{"", "!", 0, 0, true, false},
		{head, "HEAD|the rest", rest, int64(len(file)), false, true},
		{head, "HEAD|the rest!", rest, int64(len(file)), true, false},
		{head, "HEAD|the", rest, rest + 4, false, false},
		{head, "HEAD", rest, rest, false, false},
		{head, "HEA", rest, 3, false, false},
		{head, "HEAd|the rest", rest, 3, true, false},
		{head, "HEAD|the west", rest, rest + 5, true, false},
		{head, "", rest, 0, false, false},
	} {
		for name, pieces := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "bytes": iotest.OneByteReader} {
			same := &comparison{file: strings.NewReader(file), size: int64(len(file)), head: []byte(c.head), rest: c.rest}
			_, err := io.Copy(same, onlyReader{pieces(strings.NewReader(c.output))})
			if same.equal() != c.equal || errors.Is(err, errDiffers) != c.differs || same.whole() && !c.differs != c.whole || same.err != nil {
				t.Errorf("%q after %q, in %s: %d equal, %v, whole: %v", c.output, c.head, name, same.equal(), err, same.whole())
			}
		}
	}
}

// onlyReader hides WriteTo, which would give all at once.
type onlyReader struct{ io.Reader }

// A file that became shorter is no difference, but an error.
func TestComparisonOfAChangedFile(t *testing.T) {
	same := &comparison{file: strings.NewReader("abc"), size: 5}
	if _, err := same.Write([]byte("abcde")); !errors.Is(err, io.EOF) || same.err == nil || errors.Is(err, errDiffers) {
		t.Errorf("%v, %v", err, same.err)
	}
}
