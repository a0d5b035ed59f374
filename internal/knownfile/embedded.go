package knownfile

import _ "embed" // for the file below

// embedded is the index that comes with the program: docs/provenance.md says of
// what it is made, and internal/knownfile/remake makes it.
//
//go:embed known.index
var embedded []byte //nolint:gochecknoglobals // go:embed needs a variable

// Embedded returns the bytes of the index that comes with the program. They must
// not be changed.
func Embedded() []byte { return embedded }
