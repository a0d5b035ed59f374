package oci

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/environment/unpack"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

// layout is an image layout that is being made.
type layout struct {
	t      *testing.T
	dir    string
	layers []descriptor
}

func newLayout(t *testing.T) *layout {
	l := &layout{t: t, dir: t.TempDir()}
	testkit.Write(t, filepath.Join(l.dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
	return l
}

func (l *layout) blob(data []byte) digest.SHA256 {
	sum := digest.SHA256(sha256.Sum256(data))
	testkit.Write(l.t, filepath.Join(l.dir, blobPath(sum)), string(data))
	return sum
}

func (l *layout) layer(kind string, data []byte) *layout {
	if kind == "+gzip" {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(data); err != nil {
			l.t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			l.t.Fatal(err)
		}
		data = b.Bytes()
	}
	l.layers = append(l.layers, descriptor{layerType + kind, "sha256:" + l.blob(data).String(), int64(len(data))})
	return l
}

// manifest writes manifest and index, and returns the manifest's digest.
func (l *layout) manifest() digest.SHA256 {
	data, err := json.Marshal(manifest{SchemaVersion: 2, MediaType: manifestType, Layers: l.layers})
	if err != nil {
		l.t.Fatal(err)
	}
	sum := l.blob(data)
	testkit.Write(l.t, filepath.Join(l.dir, "index.json"),
		`{"schemaVersion":2,"manifests":[{"mediaType":"`+manifestType+`","digest":"sha256:`+sum.String()+`","size":1}]}`)
	return sum
}

// unpacked unpacks an image, and lists the files.
func unpacked(ctx context.Context, t *testing.T, dir string, want digest.SHA256) ([]string, error) {
	t.Helper()
	into := t.TempDir()
	root, err := os.OpenRoot(into)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = Unpack(ctx, dir, want, unpack.Into(root, unpack.Limits{}))
	var names []string
	entries, readErr := os.ReadDir(into)
	if readErr != nil {
		t.Fatal(readErr)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func TestUnpack(t *testing.T) {
	l := newLayout(t).layer("", testkit.Tar(t, map[string]string{"a": "1", "b": "2"})).layer("+gzip", testkit.Tar(t, map[string]string{".wh.a": "", "c": "3"}))
	got, err := unpacked(t.Context(), t, l.dir, l.manifest())
	if err != nil || !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// Every blob is held to its digest, whatever the index says.
func TestDoctoredBlobs(t *testing.T) {
	for name, doctor := range map[string]func(l *layout, manifest digest.SHA256) string{
		"manifest": func(_ *layout, m digest.SHA256) string { return blobPath(m) },
		"layer": func(l *layout, _ digest.SHA256) string {
			sum, _ := l.layers[0].sum()
			return blobPath(sum)
		},
	} {
		l := newLayout(t).layer("", testkit.Tar(t, map[string]string{"a": "1"}))
		want := l.manifest()
		path := filepath.Join(l.dir, doctor(l, want))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 1
		testkit.Write(t, path, string(data))
		if _, err := unpacked(t.Context(), t, l.dir, want); err == nil || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%s: %v", name, err)
		} else if _, ok := errors.AsType[*unpack.MismatchError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformedLayouts(t *testing.T) {
	good := testkit.Tar(t, map[string]string{"a": "1"})
	for name, c := range map[string]struct {
		make func(l *layout) digest.SHA256
		says string
	}{
		"no such image": {func(l *layout) digest.SHA256 { l.layer("", good).manifest(); return sha256.Sum256(nil) }, "no such file; index.json names the image "},
		"no layer": {func(l *layout) digest.SHA256 {
			l.layers = []descriptor{{layerType, "sha256:" + strings.Repeat("a", 64), 1}}
			return l.manifest()
		}, "no such file"},
		"layer of another size": {func(l *layout) digest.SHA256 {
			l.layer("", good)
			l.layers[0].Size++
			return l.manifest()
		}, "has not the"},
		"no layers":       {func(l *layout) digest.SHA256 { return l.manifest() }, "0 layers"},
		"too many layers": {func(l *layout) digest.SHA256 { l.layers = make([]descriptor, maxLayers+1); return l.manifest() }, "501 layers"},
		"foreign layer":   {func(l *layout) digest.SHA256 { return l.layer("+gzip+encrypted", good).manifest() }, "are not read"},
		"path as digest": {func(l *layout) digest.SHA256 {
			l.layers = []descriptor{{layerType, "sha256:../../../etc/passwd", 1}}
			return l.manifest()
		}, "is no digest"},
		"sha512": {func(l *layout) digest.SHA256 {
			l.layers = []descriptor{{layerType, "sha512:00", 1}}
			return l.manifest()
		}, "is no digest"},
		"no manifest": {func(l *layout) digest.SHA256 { return l.blob([]byte("\x1b[31m")) }, "no manifest"},
		"an index":    {func(l *layout) digest.SHA256 { return l.blob([]byte(`{"schemaVersion":2,"mediaType":"\u001b[2J"}`)) }, `but "\x1b[2J"`},
		"two values":  {func(l *layout) digest.SHA256 { return l.blob([]byte(`{"schemaVersion":2} {}`)) }, "no manifest of"},
		"no layout": {func(l *layout) digest.SHA256 {
			testkit.Write(t, filepath.Join(l.dir, "oci-layout"), `{"imageLayoutVersion":"2.0.0"}`)
			return l.layer("", good).manifest()
		}, "version 1.0.0"},
		"huge manifest": {func(l *layout) digest.SHA256 { return l.blob(bytes.Repeat([]byte(" "), maxManifestBytes+1)) }, "more than"},
		"folder as a layer": {func(l *layout) digest.SHA256 {
			sum := sha256.Sum256(nil)
			if err := os.MkdirAll(filepath.Join(l.dir, blobPath(sum)), 0o755); err != nil {
				t.Fatal(err)
			}
			l.layers = []descriptor{{layerType, "sha256:" + digest.SHA256(sum).String(), 0}}
			return l.manifest()
		}, "no regular file"},
	} {
		l := newLayout(t)
		_, err := unpacked(t.Context(), t, l.dir, c.make(l))
		if _, ok := errors.AsType[*FormatError](err); !ok || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if _, err := unpacked(t.Context(), t, filepath.Join(t.TempDir(), "absent"), sha256.Sum256(nil)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A link in the layout leads nowhere outside of it.
func TestBlobThatIsALink(t *testing.T) {
	l := newLayout(t).layer("", testkit.Tar(t, map[string]string{"a": "1"}))
	sum, _ := l.layers[0].sum()
	path := filepath.Join(l.dir, blobPath(sum))
	outside := filepath.Join(t.TempDir(), "layer")
	if err := errors.Join(os.Rename(path, outside), os.Symlink(outside, path)); err != nil {
		t.Fatal(err)
	}
	if _, err := unpacked(t.Context(), t, l.dir, l.manifest()); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("%v", err)
	}
}

func TestHostileLayer(t *testing.T) {
	l := newLayout(t).layer("+gzip", testkit.Tar(t, map[string]string{"../evil": "1"}))
	_, err := unpacked(t.Context(), t, l.dir, l.manifest())
	if refused, ok := errors.AsType[*refusal.Refusal](err); !ok || refused.Rule != refusal.NamePath {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := unpacked(ctx, t, l.dir, l.manifest()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"` + manifestType + `","layers":[{"mediaType":"` + layerType + `","digest":"sha256:` + strings.Repeat("a", 64) + `","size":1}]}`))
	f.Add([]byte(`{"schemaVersion":2} {}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		layers, err := parseManifest(data, "x")
		if err != nil {
			if _, ok := errors.AsType[*FormatError](err); !ok || layers != nil {
				t.Fatalf("%v, %v", layers, err)
			}
			return
		}
		for _, l := range layers {
			if _, err := l.sum(); err != nil || l.Size < 0 || !strings.HasPrefix(l.MediaType, layerType) {
				t.Fatalf("%+v, %v", l, err)
			}
		}
	})
}
