package buildrecord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countermark/countermark/internal/digest"
)

// MaxBytes is the largest record that is read: room for 200,000 files.
const MaxBytes = 64 << 20

// Encode returns the bytes of the record: the one way in which it is written
// (section 1).
func (r *Record) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	r.fill()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return nil, fmt.Errorf("writing the build record: %w", err)
	}
	return b.Bytes(), nil
}

// Parse reads a record. What Encode would not write is no record: an unknown,
// doubled or missing key, another order or spacing, what follows it. The error is
// one sentence.
func Parse(data []byte) (*Record, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("the build record has %d bytes, more than %d", len(data), MaxBytes)
	}
	var r Record
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("it is no build record: at byte %d: %w", d.InputOffset(), err)
	}
	again, err := r.Encode()
	if err != nil {
		return nil, err
	}
	if at := firstDifference(again, data); at >= 0 {
		return nil, fmt.Errorf("the build record is not written as records are: it differs from byte %d on", at)
	}
	return &r, nil
}

// firstDifference returns the offset of the first byte in which both differ, -1
// if they are equal.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return min(len(a), len(b))
}

// check reports what no record may lack.
func (r *Record) check() error {
	switch {
	case r.Format != FormatVersion:
		return fmt.Errorf("the build record has the format %d, and %d is the one known here", r.Format, FormatVersion)
	case r.Recipe.Origin != RecipeOfSource && r.Recipe.Origin != RecipeOfFile:
		return errors.New("the build record does not say where its recipe comes from")
	case r.Version == "" || r.Source.Ref == "" || r.Source.Commit.IsZero() || r.Built.Commit.IsZero() || r.Recipe.SHA256.IsZero():
		return errors.New("the build record does not say what was built of what")
	case r.Source.Commit.Format() != r.Built.Commit.Format():
		return errors.New("the build record names source and built commit in two object formats")
	}
	for _, id := range []digest.ObjectID{r.Source.TreeSHA256, r.Built.TreeSHA256, r.Tar.TreeSHA256} {
		if !id.IsZero() && id.Format() != digest.SHA256Format {
			return errors.New("the build record names a tree by an id that is none of git's SHA-256 format")
		}
	}
	return nil
}

// fill makes empty lists of absent ones: the keys are always the same.
func (r *Record) fill() {
	list(&r.Source.Submodules)
	list(&r.Environment.Packages)
	list(&r.Environment.MadeBy)
	list(&r.Environment.Variables)
	list(&r.Environment.Tools)
	list(&r.Inputs)
	list(&r.Steps)
	for i := range r.Steps {
		s := &r.Steps[i]
		list(&s.Run)
		list(&s.Opened)
		list(&s.Outputs)
		list(&s.Changes)
		list(&s.Removed)
	}
	list(&r.Built.Parents)
	list(&r.Filtered)
	for i := range r.Filtered {
		list(&r.Filtered[i].By)
	}
	list(&r.Archives)
	for i := range r.Archives {
		list(&r.Archives[i].Encoder)
	}
}

func list[T any](s *[]T) {
	if *s == nil {
		*s = []T{}
	}
}
