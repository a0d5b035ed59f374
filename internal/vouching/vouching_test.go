package vouching_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit/signer"
	"github.com/countermark/countermark/internal/vouching"
)

// policyText is a policy of one owner, version by version.
func policyText(version int, previous, key string) []byte {
	text := fmt.Sprintf("countermark-policy = 1\nversion = %d\n", version)
	if previous != "" {
		text += fmt.Sprintf("previous = %q\n", previous)
	}
	return fmt.Appendf(nil, `%sproject = "https://git.example.org/hello"
recipes = ["%064x"]
waive = ["source", "builder", "rebuilder", "reviewer"]
[people.saki]
keys = ["%s"]
[owners]
need = 1
of = ["saki"]
[quorum.release-manager]
need = 1
of = ["saki"]
`, text, 7, key)
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// setting is a folder with an archive, and two bundles without statements: one
// with the first policy, one with the second as well.
type setting struct {
	folder, root string
}

func newSetting(t *testing.T) setting {
	t.Helper()
	s := setting{folder: t.TempDir()}
	key := signer.NewSSH(t, "ssh-ed25519")
	first := policyText(1, "", key.Line())
	second := policyText(2, sum(first), key.Line())
	s.root = sum(first)
	var links []dsse.Envelope
	for i, raw := range [][]byte{first, second} {
		sig := key.Sign(signature.PolicyNamespace.Namespace(), dsse.PAE(dsse.PolicyType, raw))
		id, err := signature.KeyID(sig)
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, dsse.Envelope{PayloadType: dsse.PolicyType, Payload: raw, Signatures: []dsse.Signature{{KeyID: id, Sig: sig}}})
		data, err := (&bundle.Bundle{Policies: links}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, fmt.Sprintf("%d.countermark", i+1), data)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "hello-1.0/README", Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.write(t, "hello-1.0.tar", b.Bytes())
	return s
}

func (s setting) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run verifies the archive with a bundle, after o.
func (s setting) run(t *testing.T, bundleName string, o vouching.Options) *vouching.Result {
	t.Helper()
	o.Archives, o.Bundles = []string{filepath.Join(s.folder, "hello-1.0.tar")}, []string{filepath.Join(s.folder, bundleName)}
	o.Root, o.Memory, o.Read.Decoder = s.root, filepath.Join(s.folder, "seen"), "go"
	r, err := vouching.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A policy that was seen is remembered though the release was not good, else who
// shows the older one, by which it was, would be better off.
func TestPolicyIsRememberedWhateverBecomesOfTheRelease(t *testing.T) {
	s := newSetting(t)
	if r := s.run(t, "2.countermark", vouching.Options{}); r.Exit() != 1 || strings.Contains(string(r.JSON()), "POL_ROLLBACK") {
		t.Fatalf("without a release statement: exit %d\n%s", r.Exit(), r.Text())
	}
	if r := s.run(t, "1.countermark", vouching.Options{}); r.Exit() != 1 || !strings.Contains(r.Text(), "POL_ROLLBACK") {
		t.Fatalf("the older policy after the newer one: exit %d\n%s", r.Exit(), r.Text())
	}
	if r := s.run(t, "2.countermark", vouching.Options{}); strings.Contains(r.Text(), "POL_ROLLBACK") {
		t.Fatalf("the newer one again:\n%s", r.Text())
	}
}

// A root that a file of the current folder names is not trusted: nothing is
// remembered by it, and the verdict is open at best.
func TestUnconfirmedRootIsNotTrusted(t *testing.T) {
	s := newSetting(t)
	r := s.run(t, "2.countermark", vouching.Options{Unconfirmed: "countermark.lock"})
	if r.Verdict.Trusted || len(r.Verdict.Open) == 0 || !strings.Contains(r.Text(), `named by "countermark.lock", which may be the upstream's`) {
		t.Errorf("trusted %v, open %q\n%s", r.Verdict.Trusted, r.Verdict.Open, r.Text())
	}
	if _, err := os.Stat(filepath.Join(s.folder, "seen")); !os.IsNotExist(err) {
		t.Errorf("something was remembered by an unconfirmed root: %v", err)
	}
}

// Documents have empty lists, never null in their place.
func TestDocumentHasLists(t *testing.T) {
	s := newSetting(t)
	data := string(s.run(t, "2.countermark", vouching.Options{}).JSON())
	for _, key := range []string{"checks", "roles", "votes", "open", "notes"} {
		if !strings.Contains(data, `"`+key+`": []`) {
			t.Errorf("%s is no empty list in\n%s", key, data)
		}
	}
}
