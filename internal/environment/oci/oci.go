// Package oci reads the OCI image layout (image specification 1.1, "Image
// Layout"): a folder of blobs that are named by their digest, such as skopeo and
// podman write. An image is named by the digest of its manifest; index.json,
// which could name another tomorrow, is read for messages only. What an image
// says of how it is run (its configuration) does not count here.
package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/environment/unpack"
	"github.com/countermark/countermark/internal/escape"
)

// Limits of an image.
const (
	maxManifestBytes = 4 << 20 // what registries take
	maxLayers        = 500     // Docker makes 127 at most
)

// The media types that are read ("Image Manifest", "Image Layer Filesystem
// Changeset").
const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// FormatError says why a folder is no image layout that can be read, or what
// the layout lacks. Callers may look for it with errors.As.
type FormatError struct {
	Path   string // in the layout
	Detail string // one sentence, escaped
}

// Error returns one line, escaped.
func (e *FormatError) Error() string {
	return fmt.Sprintf("reading the image layout: %s: %s", escape.Text(e.Path), e.Detail)
}

func malformed(path, format string, args ...any) error {
	return &FormatError{Path: path, Detail: fmt.Sprintf(format, args...)}
}

// descriptor names a blob ("Content Descriptors").
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// sum returns the digest, which must be a SHA-256.
func (d descriptor) sum() (digest.SHA256, error) {
	text, _ := strings.CutPrefix(d.Digest, "sha256:")
	sum, err := digest.ParseSHA256(text)
	if err != nil || d.Digest != "sha256:"+text || d.Size < 0 {
		return sum, fmt.Errorf("%s is no digest of sha256 with a size", escape.Quote(d.Digest))
	}
	return sum, nil
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Layers        []descriptor `json:"layers"`
}

// Unpack lays out the layers of the image, one over the other, and holds every
// byte that it reads of manifest and layers to its digest. Whoever calls it
// drops the folder after an error: a *FormatError, or one of
// unpack.Folder.Pinned.
func Unpack(ctx context.Context, layout string, want digest.SHA256, into *unpack.Folder) error {
	root, err := os.OpenRoot(layout)
	if err != nil {
		return fmt.Errorf("reading the image layout: %w", err)
	}
	defer root.Close()
	layers, err := readManifest(root, want)
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := unpackLayer(ctx, root, layer, into); err != nil {
			return err
		}
	}
	return nil
}

// blobPath is where a layout has the blob of a digest.
func blobPath(sum digest.SHA256) string { return filepath.Join("blobs", "sha256", sum.String()) }

// open opens a regular file of the layout.
func open(root *os.Root, path string) (*os.File, error) {
	info, err := root.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, malformed(path, "there is no such file")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the image layout: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, malformed(path, "it is no regular file")
	}
	return root.Open(path)
}

// readSmall reads a file of the layout that is held in memory.
func readSmall(root *os.Root, path string) ([]byte, error) {
	f, err := open(root, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifestBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the image layout: %w", err)
	}
	if len(data) > maxManifestBytes {
		return nil, malformed(path, "it has more than %d bytes", maxManifestBytes)
	}
	return data, nil
}

func readManifest(root *os.Root, want digest.SHA256) ([]descriptor, error) {
	var layout struct {
		Version string `json:"imageLayoutVersion"`
	}
	data, err := readSmall(root, "oci-layout")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &layout); err != nil || layout.Version != "1.0.0" {
		return nil, malformed("oci-layout", "it names no image layout of version 1.0.0")
	}
	path := blobPath(want)
	data, err = readSmall(root, path)
	if format, ok := errors.AsType[*FormatError](err); ok {
		format.Detail += named(root)
	}
	if err != nil {
		return nil, err
	}
	if got := digest.SHA256(sha256.Sum256(data)); got != want {
		return nil, &unpack.MismatchError{What: "the image's manifest", Want: want, Got: got}
	}
	return parseManifest(data, path)
}

// named says which images the layout's index names, for a message.
func named(root *os.Root) string {
	var index struct {
		Manifests []descriptor `json:"manifests"`
	}
	data, err := readSmall(root, "index.json")
	if err != nil || json.Unmarshal(data, &index) != nil {
		return ""
	}
	for _, m := range index.Manifests {
		if sum, err := m.sum(); err == nil && m.MediaType == manifestType {
			return "; index.json names the image " + sum.String()
		}
	}
	return ""
}

// parseManifest returns the layers, the lowest first.
func parseManifest(data []byte, path string) ([]descriptor, error) {
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&m); err != nil {
		return nil, malformed(path, "it is no manifest: %s", escape.Sentence(err.Error()))
	}
	if decoder.More() || m.SchemaVersion != 2 || m.MediaType != "" && m.MediaType != manifestType {
		return nil, malformed(path, "it is no manifest of an OCI image, but %s", escape.Quote(m.MediaType))
	}
	if len(m.Layers) == 0 || len(m.Layers) > maxLayers {
		return nil, malformed(path, "it has %d layers, expected 1 to %d", len(m.Layers), maxLayers)
	}
	for _, layer := range m.Layers {
		if _, err := layer.sum(); err != nil {
			return nil, malformed(path, "%v", err)
		}
		if compression, ok := strings.CutPrefix(layer.MediaType, layerType); !ok || compression != "" && compression != "+gzip" && compression != "+zstd" {
			return nil, malformed(path, "layers of the type %s are not read", escape.Quote(layer.MediaType))
		}
	}
	return m.Layers, nil
}

func unpackLayer(ctx context.Context, root *os.Root, layer descriptor, into *unpack.Folder) error {
	sum, err := layer.sum()
	if err != nil {
		return err
	}
	f, err := open(root, blobPath(sum))
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != layer.Size {
		return malformed(blobPath(sum), "the layer has not the %d bytes that the manifest says", layer.Size)
	}
	return into.Pinned(ctx, unpack.Archive{What: "the layer " + sum.String(), Bytes: f, SHA256: sum, Layer: true})
}
