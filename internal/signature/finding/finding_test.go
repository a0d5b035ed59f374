package finding_test

import (
	"math/big"
	"testing"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
)

func TestNames(t *testing.T) {
	named := 0
	seen := map[string]bool{}
	for s := range finding.Bad + 1 {
		if seen[s.String()] {
			t.Errorf("two states are called %q", s)
		}
		seen[s.String()] = true
		if s.Names() {
			named++
		}
	}
	if named != 5 || finding.Unchecked.Names() || finding.NoKey.Names() || finding.Bad.Names() || (finding.Bad + 1).Names() {
		t.Errorf("%d states name a key", named)
	}
	for f := range finding.Signify + 1 {
		if seen[f.String()] {
			t.Errorf("two forms are called %q", f)
		}
		seen[f.String()] = true
	}
	if (finding.Bad+1).String() != finding.Unchecked.String() || (finding.Signify+1).String() != finding.Form(0).String() {
		t.Error("a state or form that is none has a name of its own")
	}
}

func TestNot(t *testing.T) {
	f := finding.Not(finding.Bad, refusal.SigBad, "%d bytes", 3)
	if f != (finding.Finding{State: finding.Bad, Holder: finding.NoHolder, Rule: "SIG_BAD", Why: "3 bytes"}) {
		t.Errorf("%+v", f)
	}
}

func TestStrength(t *testing.T) {
	for bits, want := range map[int]struct {
		note string
		weak bool
	}{1024: {"RSA 1024", true}, 2047: {"RSA 2047", true}, 2048: {"RSA 2048", false}, 3071: {"RSA 3071", false}, 3072: {"", false}} {
		k, err := publickey.NewRSA(new(big.Int).SetBit(big.NewInt(1), bits-1, 1), 65537)
		if note, weak := finding.Strength(k); err != nil || note != want.note || weak != want.weak {
			t.Errorf("RSA of %d bits: %q, weak %v, %v", bits, note, weak, err)
		}
	}
	if _, weak := finding.Strength(publickey.Key{}); !weak {
		t.Error("no key is strong")
	}
	one := big.NewInt(1)
	if k, err := publickey.NewDSA(one, one, one, one); err != nil {
		t.Error(err)
	} else if _, weak := finding.Strength(k); !weak {
		t.Error("DSA is strong")
	}
	if k, err := publickey.NewEd448(make([]byte, 57)); err != nil {
		t.Error(err)
	} else if note, weak := finding.Strength(k); weak || note != "" {
		t.Errorf("Ed448: %q, weak %v", note, weak)
	}
}
