package knownfile

import (
	"fmt"
	"testing"
)

// A text of 100 lines, so that bins have several, in one of which the byte of the
// least is 0. What it must be was computed by another implementation.
func TestSketchOfManyLines(t *testing.T) {
	f := form(numbered("golden 6", 100))
	got := fmt.Sprintf("%x %x %d", f.Digest, f.Sketch, f.Lines)
	if want := "b666b17c3a8646e3d2db9e8a54f5e3b7 6e85feab0d71aaceefd22e105d9301265b32e5ea8de050e3 100"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
