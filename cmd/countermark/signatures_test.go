package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/verification"
	"github.com/countermark/countermark/internal/verification/signatures"
)

// releaseKeys returns the options with the keys that are known of a case: those
// that Debian's packagers keep, and those of ssh that the project keeps itself.
func releaseKeys(t *testing.T, c releaseCase, packaging string) signatures.Options {
	t.Helper()
	o := signatures.Options{Now: 1_780_000_000} // 2026-05-28
	if packaging != "" {
		found, err := filepath.Glob(filepath.Join(testkit.Releases(t), packaging))
		if err != nil || len(found) == 0 {
			testkit.Missing(t, "there is no %s: run ../shared/cases/get", packaging)
		}
		keys, err := exec.Command("tar", "-xOf", found[0], "debian/upstream/signing-key.asc").Output()
		if err != nil {
			t.Fatal(err)
		}
		o.Keyrings = []string{testkit.Write(t, filepath.Join(t.TempDir(), "signing-key.asc"), string(keys))}
	}
	repo := filepath.Join(casesDir, c.name, "repo.git")
	if signers, err := exec.Command("git", "--git-dir", repo, "cat-file", "blob", c.revision+":.git_allowed_signers").Output(); err == nil {
		o.AllowedSigners = []string{testkit.Write(t, filepath.Join(t.TempDir(), "signers"), string(signers))}
	}
	if !o.Asked() { // then some key, which signed nothing here
		o.Keyrings = []string{testkit.Write(t, filepath.Join(t.TempDir(), "minisign.pub"), "untrusted comment: minisign public key\nRWTXWpgBgrEKt9dZ8ZbAjO4KFzC0dCKTLUBxQSfUL2vt7C5u07A9RBTB\n")}
	}
	return o
}

// The signatures of published releases, as their projects made them.
// docs/signatures-of-releases.md says more of each.
func TestSignaturesOfReleases(t *testing.T) {
	want := map[string]struct {
		packaging string
		hold      bool
		agreement string
		states    []string // of the tag, and of the archive
	}{
		"xz-5.4.1": {"xz-utils_5.4.1-*.debian.tar.xz", true, "the same key",
			[]string{"good, but the key has expired since", "good, but the key has expired since"}},
		"curl-7.88.1":   {"curl_7.88.1-*.debian.tar.xz", true, "the same key", []string{"good", "good"}},
		"openssh-9.2p1": {"openssh_9.2p1-*.debian.tar.xz", true, "another key than the tag's", []string{"good", "good"}},
		"git-2.39.5":    {"", false, "", []string{"no key", "not signed"}},
		"htop-3.2.2":    {"", false, "", []string{"no key", "not signed"}},
		"jq-1.6":        {"", false, "", []string{"not signed", "not signed"}},
		"php-7.4.33":    {"php7.4_7.4.33-*.debian.tar.xz", true, "", []string{"not signed", "good"}},
	}
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			w, known := want[c.name]
			if !known {
				t.Fatal("there is no expectation")
			}
			archive := archiveOf(t, c)
			if _, err := os.Stat(archive + ".asc"); err != nil && w.packaging != "" {
				testkit.Missing(t, "%v: run ../shared/cases/get", err)
			}
			o := verification.Options{Archives: []string{archive}, Repository: filepath.Join(casesDir, c.name, "repo.git"), Decoder: "auto", Signatures: releaseKeys(t, c, w.packaging)}
			if o.Tag = c.revision; len(c.revision) == 40 {
				o.Tag, o.Commit = "", c.revision
			}
			doc, err := verification.Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			var states []string
			for _, s := range doc.Signatures.Found {
				states = append(states, s.State)
			}
			if doc.Signatures.Hold != w.hold || doc.Signatures.Agreement != w.agreement || !slices.Equal(states, w.states) {
				t.Errorf("%+v", doc.Signatures)
			}
			if fails := c.exit != 0 || !w.hold; doc.Exit != 0 != fails {
				t.Errorf("exit status %d", doc.Exit)
			}
		})
	}
}
