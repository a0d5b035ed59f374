package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// TestEncodersOfRealReleases finds the commands that made published archives. The
// programs and versions are those of Debian 12; docs/envelopes.md has all that
// were tried by hand.
func TestEncodersOfRealReleases(t *testing.T) {
	for _, program := range []string{"gzip", "xz", "python3"} {
		testkit.Program(t, program)
	}
	want := map[string]string{
		"xz-5.4.1": "xz --lzma2=preset=6e,pb=0 -T1 -C sha256 -c", "curl-7.88.1": "gzip -9 -n -c", "htop-3.2.2": "gzip -6 -n -c", "jq-1.6": "gzip -6 -n -c",
		"openssh-9.2p1": "zlib at level 6, as git archive and libarchive use it",
	}
	looked := 0
	for _, c := range readCases(t) {
		if want[c.name] == "" {
			continue // takes half a minute or more
		}
		looked++
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			exit := run(context.Background(), []string{"envelope", "--json", archiveOf(t, c)}, streams{in: strings.NewReader(""), out: &out, err: &errs})
			var doc struct {
				Archive struct{ SHA256 string }
				Remade  *struct {
					Command []string
					Means   string
				}
			}
			if err := json.Unmarshal(out.Bytes(), &doc); err != nil || exit != 0 || doc.Remade == nil || errs.Len() > 0 {
				t.Fatalf("exit %d, %v: %s\nstderr: %s", exit, err, &out, &errs)
			}
			if got := strings.Join(doc.Remade.Command, " "); got != want[c.name] && doc.Remade.Means != want[c.name] || doc.Archive.SHA256 != c.sha256 {
				t.Errorf("remade by %s (%s), want %s; the file is %s", got, doc.Remade.Means, want[c.name], doc.Archive.SHA256)
			}
		})
	}
	if looked != len(want) {
		t.Errorf("%d of %d releases are among the cases", looked, len(want))
	}
}
