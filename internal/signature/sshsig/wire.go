package sshsig

import (
	"encoding/binary"
	"math/big"
)

// reader reads the data types of RFC 4251, section 5. Once something is missing
// or malformed, it stays broken and returns zero values.
type reader struct {
	rest   []byte
	broken bool
}

// take returns the next n bytes.
func (r *reader) take(n int) []byte {
	if r.broken || n < 0 || n > len(r.rest) {
		r.broken = true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) string() []byte {
	n := r.uint32()
	if uint64(n) > uint64(len(r.rest)) {
		r.broken = true
		return nil
	}
	return r.take(int(n))
}

// positive reads an mpint that is greater than 0, written in the one shortest
// way: a zero byte stands before it exactly if its first bit is set.
func (r *reader) positive() *big.Int {
	b := r.string()
	if len(b) == 0 || b[0]&0x80 != 0 || b[0] == 0 && (len(b) == 1 || b[1]&0x80 == 0) {
		r.broken = true
		return new(big.Int)
	}
	return new(big.Int).SetBytes(b)
}

// done reports whether all was well-formed and nothing is left.
func (r *reader) done() bool { return !r.broken && len(r.rest) == 0 }

// appendString appends s as a string of RFC 4251.
func appendString(out, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(s))), s...)
}
