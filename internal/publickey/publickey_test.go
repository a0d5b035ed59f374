package publickey_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/publickey"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 8032, section 7.1, test 1.
const rfc8032 = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

func TestEd25519(t *testing.T) {
	k, err := publickey.NewEd25519(unhex(t, rfc8032))
	if err != nil {
		t.Fatal(err)
	}
	if k.Algorithm() != publickey.Ed25519 || k.Bits() != 255 || k.IsZero() || k.String() != "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" {
		t.Errorf("the key is %v, %d bits", k, k.Bits())
	}
	for range 50 {
		point, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := publickey.NewEd25519(point); err != nil {
			t.Errorf("%x: %v", point, err)
		}
	}
}

// The points are those of libsodium's list in ge25519_has_small_order, with
// their signs, and the encodings of RFC 8032 that are not reduced.
func TestEd25519Refused(t *testing.T) {
	for _, c := range []struct{ name, point, want string }{
		{"order 4", "0000000000000000000000000000000000000000000000000000000000000000", "small order"},
		{"order 4, other sign", "0000000000000000000000000000000000000000000000000000000000000080", "small order"},
		{"order 1", "0100000000000000000000000000000000000000000000000000000000000000", "small order"},
		{"order 1, sign of zero", "0100000000000000000000000000000000000000000000000000000000000080", "small order"},
		{"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "small order"},
		{"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "small order"},
		{"order 8, other sign", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", "small order"},
		{"order 8, second", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "small order"},
		{"order 8, second, other sign", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "small order"},
		{"p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "canonical"},
		{"p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "canonical"},
		{"p + 3, on the curve", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "canonical"},
		{"2^255 - 1", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "canonical"},
		{"y = 2, no x", "0200000000000000000000000000000000000000000000000000000000000000", "no point"},
		{"31 bytes", rfc8032[2:], "31 bytes"},
		{"33 bytes", rfc8032 + "00", "33 bytes"},
		{"none", "", "0 bytes"},
	} {
		k, err := publickey.NewEd25519(unhex(t, c.point))
		if err == nil || !regexp.MustCompile(c.want).MatchString(err.Error()) || !k.IsZero() {
			t.Errorf("%s: %v, %v, expected an error with %q", c.name, k, err, c.want)
		}
	}
}

// Half of all y have an x; which they are, crypto/ed25519 knows as well: it
// answers with false at once for a key that is none, and so does Verify for any
// other signature, but it panics for no key. The judge is the curve's equation.
func TestEd25519OnCurve(t *testing.T) {
	on := 0
	for y := range 256 {
		point := make([]byte, 32)
		point[0], point[1] = byte(y), 7
		if _, err := publickey.NewEd25519(point); err == nil {
			on++
		}
	}
	if on < 90 || on > 166 {
		t.Errorf("%d of 256 numbers are taken for points, expected about half", on)
	}
}

func TestECDSA(t *testing.T) {
	for algorithm, curve := range map[publickey.Algorithm]elliptic.Curve{
		publickey.ECDSAP256: elliptic.P256(), publickey.ECDSAP384: elliptic.P384(), publickey.ECDSAP521: elliptic.P521(),
	} {
		secret, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := secret.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		k, err := publickey.NewECDSA(algorithm, point)
		if err != nil || k.Algorithm() != algorithm || k.Bits() != curve.Params().BitSize {
			t.Errorf("%v: %v, %v", algorithm, k, err)
		}
		point[len(point)-1] ^= 1
		if k, err := publickey.NewECDSA(algorithm, point); err == nil {
			t.Errorf("%v: a point beside the curve is the key %v", algorithm, k)
		}
		if k, err := publickey.NewECDSA(algorithm, []byte{0}); err == nil {
			t.Errorf("%v: infinity is the key %v", algorithm, k)
		}
		compressed := append([]byte{2}, point[1:1+len(point)/2]...)
		if k, err := publickey.NewECDSA(algorithm, compressed); err == nil {
			t.Errorf("%v: a compressed point is the key %v", algorithm, k)
		}
	}
	if k, err := publickey.NewECDSA(publickey.Ed25519, make([]byte, 65)); err == nil {
		t.Errorf("a curve that is none gives the key %v", k)
	}
}

// SEC 1's compressed form of the generator of P-256 (FIPS 186-5, D.1.2.3).
func TestECDSAText(t *testing.T) {
	k, err := publickey.NewECDSA(publickey.ECDSAP256, unhex(t, "04"+
		"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"+
		"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"))
	if err != nil || k.String() != "ecdsa-p256:A2sX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKW" {
		t.Errorf("%v, %v", k, err)
	}
}

func TestRSA(t *testing.T) {
	secret, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	k, err := publickey.NewRSA(secret.N, secret.E)
	if err != nil || k.Bits() != 2048 || k.Algorithm() != publickey.RSA || !regexp.MustCompile(`^rsa:[0-9a-f]{64}$`).MatchString(k.String()) {
		t.Errorf("%v, %d bits, %v", k, k.Bits(), err)
	}
	if other, err := publickey.NewRSA(secret.N, 3); err != nil || other == k || other.String() == k.String() {
		t.Errorf("another exponent gives %v, %v", other, err)
	}
	for name, c := range map[string]struct {
		n *big.Int
		e int
	}{
		"e = 1":     {secret.N, 1},
		"e = 0":     {secret.N, 0},
		"e = -3":    {secret.N, -3},
		"e even":    {secret.N, 65536},
		"n even":    {new(big.Int).Lsh(secret.N, 1), 65537},
		"n = 0":     {new(big.Int), 65537},
		"n < 0":     {new(big.Int).Neg(secret.N), 65537},
		"no n":      {nil, 65537},
		"n is long": {new(big.Int).SetBit(secret.N, publickey.MaxBits, 1), 65537},
	} {
		if k, err := publickey.NewRSA(c.n, c.e); err == nil || !k.IsZero() {
			t.Errorf("%s is the key %v", name, k)
		}
	}
}

func TestOthers(t *testing.T) {
	k, err := publickey.NewEd448(make([]byte, 57))
	if err != nil || k.Bits() != 448 || k.Algorithm() != publickey.Ed448 {
		t.Errorf("%v, %v", k, err)
	}
	if k, err := publickey.NewEd448(make([]byte, 56)); err == nil {
		t.Errorf("56 bytes are the key %v", k)
	}
	// The length of each number is part of the material: moving a byte from one
	// to the next gives another key.
	g, y := big.NewInt(7), big.NewInt(8)
	a, err := publickey.NewDSA(big.NewInt(0x1234), big.NewInt(0x56), g, y)
	if err != nil || a.Algorithm() != publickey.DSA || a.Bits() != 13 {
		t.Errorf("%v, %v", a, err)
	}
	b, err := publickey.NewDSA(big.NewInt(0x12), big.NewInt(0x3456), g, y)
	if err != nil || a == b || a.String() == b.String() {
		t.Errorf("%v and %v, %v", a, b, err)
	}
	for _, n := range []*big.Int{nil, new(big.Int), big.NewInt(-1), new(big.Int).Lsh(big.NewInt(1), publickey.MaxBits)} {
		if k, err := publickey.NewDSA(big.NewInt(0x1234), big.NewInt(0x56), g, n); err == nil {
			t.Errorf("%v is a number of the key %v", n, k)
		}
	}
}

func TestZeroIsNoKey(t *testing.T) {
	var k publickey.Key
	if !k.IsZero() || k.Algorithm() != 0 || k.Bits() != 0 || k.String() != "none" {
		t.Errorf("the zero key is %v", k)
	}
	seen := map[string]bool{}
	for a := range publickey.DSA + 2 {
		if seen[a.String()] && a != publickey.DSA+1 {
			t.Errorf("two algorithms are called %v", a)
		}
		seen[a.String()] = true
	}
}

// FuzzKeys holds that equal keys have equal texts and different keys different
// ones, whatever the bytes.
func TestCheckText(t *testing.T) {
	const point, digest = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	compressed := "A" + strings.Repeat("A", 43) // of a P-256 point, which begins with 0
	for s, good := range map[string]bool{
		"ed25519:" + point:               true,
		"rsa:" + digest:                  true,
		"dsa:" + digest:                  true,
		"ecdsa-p256:Ag" + compressed[2:]: true,
		"ecdsa-p256:" + compressed:       false,
		"ecdsa-p384:Ag" + compressed[2:]: false,
		"":                               false,
		"none":                           false,
		point:                            false,
		"ed25519":                        false,
		"ed25519:":                       false,
		"ed25519: " + point:              false,
		"ed25519:" + point[:43]:          false,
		"ed25519:" + point[:42] + "p=":   false, // bits that say nothing
		"ed25519:" + point[:20] + "\n" + point[20:]: false,
		"ed25519:" + strings.Repeat("A", 43) + "=":  false, // of small order
		"Ed25519:" + point:                          false,
		"rsa:" + strings.ToUpper(digest):            false,
		"rsa:" + digest[2:]:                         false,
		"rsa:" + digest + "00":                      false,
		"rsa:" + digest + "\n":                      false,
		"rsa:" + digest + ":":                       false,
	} {
		if err := publickey.CheckText(s); (err == nil) != good {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("x"), []byte("y"))
	f.Fuzz(func(t *testing.T, x, y []byte) {
		var keys []publickey.Key
		for _, b := range [][]byte{x, y} {
			n := new(big.Int).SetBytes(b)
			for _, make := range []func() (publickey.Key, error){
				func() (publickey.Key, error) { return publickey.NewEd25519(b) },
				func() (publickey.Key, error) { return publickey.NewEd448(b) },
				func() (publickey.Key, error) { return publickey.NewECDSA(publickey.ECDSAP256, b) },
				func() (publickey.Key, error) { return publickey.NewRSA(n, 3) },
				func() (publickey.Key, error) { return publickey.NewDSA(n, n, n, n) },
			} {
				k, err := make()
				if textErr := publickey.CheckText(k.String()); (textErr != nil) != k.IsZero() {
					t.Errorf("the text %s: %v", k, textErr)
				}
				if (err != nil) != k.IsZero() {
					t.Errorf("%v with the error %v", k, err)
				}
				keys = append(keys, k)
			}
		}
		for _, a := range keys {
			for _, b := range keys {
				if (a == b) != (a.String() == b.String()) {
					t.Errorf("%v and %v", a, b)
				}
			}
		}
	})
}
