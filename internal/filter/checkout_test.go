package filter

import (
	"bytes"
	"testing"

	"github.com/countermark/countermark/internal/digest"
)

// git archive without a configuration writes what a checkout has, but for
// export-subst; of each file that is held to it.
func TestCheckoutIsGits(t *testing.T) {
	contents := map[string]string{
		"plain": "a\nb\n", "id": "$Id$\n", "expanded": "x $Id: old $ y\n$Id: two words here $\n", "crlf": "a\r\nb\n", "binary": "a\n\x00\n", "none": "", "cr": "a\rb\n",
	}
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		h := simpleHistory(f)
		h.attributes = ""
		for dir, attributes := range map[string]string{
			"none": "", "ident": "ident", "crlf": "text eol=crlf", "auto": "text=auto eol=crlf", "lf": "text eol=lf", "text": "text", "both": "ident eol=crlf", "binary": "-text eol=crlf ident", "older": "crlf eol=crlf",
		} {
			h.attributes += dir + "/* " + attributes + "\n"
			for name, content := range contents {
				h.files[dir+"/"+name] = []byte(content)
			}
		}
		r := newRepository(t, h)
		images, attributes := r.archive("core.eol=lf"), r.attributes(h.files)
		converted := 0
		for name, content := range h.files {
			got, by := Checkout(blobOf(t, f, content), attributes[name])
			if !bytes.Equal(got, images[name]) {
				t.Errorf("%s: %q by %v, git has %q", name, got, by, images[name])
			}
			if same := bytes.Equal(got, content); same != (len(by) == 0) {
				t.Errorf("%s: changed %v by %v", name, !same, by)
			}
			if len(by) > 0 {
				converted++
			}
		}
		if converted < 10 {
			t.Errorf("only %d files were converted", converted)
		}
	}
}
