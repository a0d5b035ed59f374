package unpack

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPinned(t *testing.T) {
	plain := words(t, "d a/", "f a/b x")
	for _, data := range [][]byte{plain, zipped(t, plain)} {
		f, dir := folder(t, Limits{})
		if err := f.Pinned(t.Context(), Archive{What: "it", Bytes: bytes.NewReader(data), SHA256: sha256.Sum256(data)}); err != nil {
			t.Error(err)
		}
		if got := list(t, dir); got != "a/\na/b x\n" {
			t.Errorf("got\n%s", got)
		}
	}
}

// That it is another archive is said first, whatever else is wrong with it.
func TestPinnedMismatch(t *testing.T) {
	want := digest.SHA256(sha256.Sum256([]byte("want")))
	for name, data := range map[string][]byte{
		"good": words(t, "f a x"), "hostile": words(t, "f ../a x"), "no archive": []byte(strings.Repeat("text ", 1000)), "empty": nil,
		"hostile, and long": append(words(t, "f ../a x"), make([]byte, 1<<20)...),
	} {
		f, _ := folder(t, Limits{})
		err := f.Pinned(t.Context(), Archive{What: "it", Bytes: bytes.NewReader(data), SHA256: want})
		mismatch, ok := errors.AsType[*MismatchError](err)
		if !ok || mismatch.Want != want || mismatch.Got != sha256.Sum256(data) || !strings.Contains(err.Error(), "it has the SHA-256") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPinnedRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		rule refusal.Rule
	}{
		"hostile": {zipped(t, words(t, "f ../a x")), refusal.NamePath}, "no archive": {[]byte(strings.Repeat("text ", 1000)), refusal.ZFormat},
		"two members": {append(zipped(t, words(t, "f a x")), zipped(t, nil)...), refusal.ZMulti},
		"cut":         {zipped(t, words(t, "f a x"))[:60], refusal.ZTruncated},
	} {
		f, _ := folder(t, Limits{})
		err := f.Pinned(t.Context(), Archive{Bytes: bytes.NewReader(c.data), SHA256: sha256.Sum256(c.data)})
		if refused, ok := errors.AsType[*refusal.Refusal](err); !ok || refused.Rule != c.rule {
			t.Errorf("%s: %v, want %s", name, err, c.rule)
		}
	}
}

func TestPinnedInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	data := words(t, "f a "+strings.Repeat("x", 200_000))
	f, _ := folder(t, Limits{})
	half := io.MultiReader(bytes.NewReader(data[:100_000]), after(cancel), bytes.NewReader(data[100_000:]))
	if err := f.Pinned(ctx, Archive{Bytes: half, SHA256: sha256.Sum256(data)}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
