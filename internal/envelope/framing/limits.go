package framing

import "github.com/countermark/countermark/internal/refusal"

// The limits that hold where Limits has a zero.
const (
	// DefaultMaxWindowBytes is twice what xz -9 needs, and what zstd
	// decoders accept when they are not told otherwise.
	DefaultMaxWindowBytes = 128 << 20
	// DefaultMaxUncompressedBytes is some forty times the largest source
	// releases that are common (a Linux kernel is 1.3 GiB).
	DefaultMaxUncompressedBytes = 64 << 30
	// DefaultRatioFreeBytes may come out of any file, however small.
	DefaultRatioFreeBytes = 64 << 20
	// DefaultMaxRatio lies below deflate's best, 1032:1, which only a bomb
	// reaches: releases compress 4:1 to 20:1.
	DefaultMaxRatio = 1000
)

// Limits bounds what a container may ask for. A zero field means its default.
type Limits struct {
	MaxWindowBytes       int64 // declared dictionary or window (Z_MEM)
	MaxUncompressedBytes int64 // all uncompressed bytes (TAR_TOO_BIG)
	RatioFreeBytes       int64 // uncompressed bytes to which MaxRatio does not apply
	MaxRatio             int64 // uncompressed bytes for each compressed byte (Z_RATIO)
}

// WithDefaults returns l with its zero fields set.
func (l Limits) WithDefaults() Limits {
	for _, f := range []struct {
		field *int64
		value int64
	}{
		{&l.MaxWindowBytes, DefaultMaxWindowBytes},
		{&l.MaxUncompressedBytes, DefaultMaxUncompressedBytes},
		{&l.RatioFreeBytes, DefaultRatioFreeBytes},
		{&l.MaxRatio, DefaultMaxRatio},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// CheckSize refuses (TAR_TOO_BIG) too many uncompressed bytes.
func (l Limits) CheckSize(out int64) error {
	if out > l.MaxUncompressedBytes {
		return refuse(refusal.TarTooBig, l.MaxUncompressedBytes, "the file holds more than %d uncompressed bytes, the limit", l.MaxUncompressedBytes)
	}
	return nil
}

// CheckRatio refuses (Z_RATIO) too many uncompressed bytes out of the first in
// compressed ones.
func (l Limits) CheckRatio(out, in int64) error {
	if out > l.RatioFreeBytes && out/l.MaxRatio > in {
		return refuse(refusal.ZRatio, in, "%d compressed bytes expand to more than %d times as much, the limit", in, l.MaxRatio)
	}
	return nil
}

// CheckWindow refuses (Z_MEM) too large a dictionary or window, declared by the
// header at offset.
func (l Limits) CheckWindow(bytes uint64, offset int64) error {
	if bytes > uint64(l.MaxWindowBytes) {
		return refuse(refusal.ZMem, offset, "the data needs a dictionary or window of %d bytes, the limit is %d", bytes, l.MaxWindowBytes)
	}
	return nil
}
