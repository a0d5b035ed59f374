package pgp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/pgp"
	"github.com/countermark/countermark/internal/testkit"
)

// upstreamKeys returns the upstream keys that a Debian source package ships.
func upstreamKeys(t *testing.T, glob string) []byte {
	t.Helper()
	found, err := filepath.Glob(glob)
	if err != nil || len(found) == 0 {
		testkit.Missing(t, "there is no %s: run ../shared/cases/get", glob)
	}
	keys, err := exec.Command("tar", "-xOf", found[0], "debian/upstream/signing-key.asc").Output()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// The signatures of real releases, as their projects published them, with the
// keys that Debian's packagers keep for them.
func TestReleases(t *testing.T) {
	dir := testkit.Releases(t)
	for _, c := range []struct {
		archive, packaging string
		now                int64
		want               finding.State
		fingerprint, note  string
		certificates       int
	}{
		{"xz-utils_5.4.1.orig.tar.xz", "xz-utils_5.4.1-*.debian.tar.xz", 1_700_000_000, finding.Good, "3690c240ce51b4670d30ad1c38ee757d69184620", "", 1},
		// The key expired on 2 February 2024.
		{"xz-utils_5.4.1.orig.tar.xz", "xz-utils_5.4.1-*.debian.tar.xz", 1_710_000_000, finding.GoodExpired, "3690c240ce51b4670d30ad1c38ee757d69184620", "", 1},
		{"curl_7.88.1.orig.tar.gz", "curl_7.88.1-*.debian.tar.xz", now, finding.Good, "27edeaf22f3abceb50db9a125cc908fdb71e12c2", "RSA 2048", 3},
		{"openssh_9.2p1.orig.tar.gz", "openssh_9.2p1-*.debian.tar.xz", now, finding.Good, "7168b983815a5eef59a4adfd2a3f414e736060ba", "", 2},
		// The key file has two armoured blocks.
		{"php7.4_7.4.33.orig.tar.xz", "php7.4_7.4.33-*.debian.tar.xz", now, finding.Good, "5a52880781f755608bf815fc910deb46f53ea312", "", 2},
	} {
		t.Run(c.archive, func(t *testing.T) {
			sig, err := os.ReadFile(filepath.Join(dir, c.archive+".asc"))
			if err != nil {
				testkit.Missing(t, "%v: run ../shared/cases/get", err)
			}
			certificates := parse(t, upstreamKeys(t, filepath.Join(dir, c.packaging)))
			if len(certificates) != c.certificates {
				t.Errorf("%d certificates, expected %d", len(certificates), c.certificates)
			}
			archive, err := os.Open(filepath.Join(dir, c.archive))
			if err != nil {
				t.Fatal(err)
			}
			f, err := pgp.Verify(sig, archive, certificates, c.now)
			if err != nil || f.State != c.want || f.Fingerprint != c.fingerprint || f.Note != c.note {
				t.Errorf("%+v, %v", f, err)
			}
			f, err = pgp.Verify(sig, strings.NewReader("xz"), certificates, c.now)
			if err != nil || f.State != finding.Bad {
				t.Errorf("another file: %+v, %v", f, err)
			}
			if err := archive.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
