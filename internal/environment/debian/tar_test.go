package debian

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"
)

// member returns the content of a member of a tar.
func member(t *testing.T, data []byte, name string) string {
	t.Helper()
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if h.Name == name {
			content, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(content)
		}
	}
}
