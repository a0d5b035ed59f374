package publickey

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// checkEdwards holds 32 bytes to be the canonical encoding of a point of
// edwards25519 that is not of small order. crypto/ed25519 itself accepts points
// whose y is not reduced, and those of small order, for which there are
// signatures that hold for any message.
func checkEdwards(point []byte) error {
	const size = 32
	if len(point) != size {
		return fmt.Errorf("an Ed25519 key has %d bytes, expected %d", len(point), size)
	}
	// RFC 8032, section 5.1: p = 2^255 - 19.
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	bigEndian := slices.Clone(point)
	bigEndian[size-1] &^= 0x80 // the sign of x
	slices.Reverse(bigEndian)
	y := new(big.Int).SetBytes(bigEndian)
	if y.Cmp(p) >= 0 {
		return errors.New("the Ed25519 key is not written in the canonical way")
	}
	if !isOnEdwards(y, p) {
		return errors.New("the Ed25519 key is no point of the curve")
	}
	if hasSmallOrder(y, p) {
		return errors.New("the Ed25519 key is a point of small order, for which anybody can make signatures")
	}
	return nil
}

// isOnEdwards reports whether some x goes with y: whether x² = (y²-1)/(dy²+1)
// has a root, where d = -121665/121666 (RFC 8032, sections 5.1 and 5.1.3).
func isOnEdwards(y, p *big.Int) bool {
	one := big.NewInt(1)
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	y2 := new(big.Int).Mul(y, y)
	v := new(big.Int).Mul(d, y2)
	v.Add(v, one).Mod(v, p)
	x2 := new(big.Int).Sub(y2, one)
	// v is never 0, as -1/d is no square.
	x2.Mul(x2, v.ModInverse(v, p)).Mod(x2, p)
	return big.Jacobi(x2, p) >= 0
}

// hasSmallOrder reports whether the point of y has the order 1, 2, 4 or 8. These
// are y = 1, -1 and 0, and the two y of the four points of order 8, for which
// doubling gives y = 0: y² = (-1 ± sqrt(1+d))/d, hence dy⁴ + 2y² - 1 = 0.
func hasSmallOrder(y, p *big.Int) bool {
	one := big.NewInt(1)
	y2 := new(big.Int).Mul(y, y)
	y2.Mod(y2, p)
	if y2.Sign() == 0 || y2.Cmp(one) == 0 {
		return true
	}
	// Multiplied by 121666: -121665y⁴ + 243332y² - 121666 = 0.
	sum := new(big.Int).Mul(y2, y2)
	sum.Mul(sum, big.NewInt(-121665))
	sum.Add(sum, new(big.Int).Mul(big.NewInt(2*121666), y2))
	sum.Sub(sum, big.NewInt(121666))
	return sum.Mod(sum, p).Sign() == 0
}
