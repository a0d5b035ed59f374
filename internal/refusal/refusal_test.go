package refusal_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/refusal"
)

// declared returns the rules that rule.go declares, name and value, in order.
func declared(t *testing.T) (names []string, values []refusal.Rule) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "rule.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Rule" || len(spec.Names) != 1 || len(spec.Values) != 1 {
			t.Errorf("%s is not declared as one constant of type Rule with its value", spec.Names[0].Name)
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, spec.Names[0].Name)
		values = append(values, refusal.Rule(value))
		return true
	})
	if len(values) == 0 {
		t.Fatal("rule.go declares no rule")
	}
	return names, values
}

func TestRulesAreComplete(t *testing.T) {
	names, values := declared(t)
	if !slices.Equal(refusal.Rules(), values) {
		t.Errorf("Rules lists %v\nrule.go declares %v", refusal.Rules(), values)
	}
	grammar := regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
	seen := map[refusal.Rule]bool{}
	for i, rule := range values {
		if !grammar.MatchString(string(rule)) || seen[rule] {
			t.Errorf("rule %q is doubled or oddly written", rule)
		}
		seen[rule] = true
		// A constant reads as its rule: NAME_DUP is NameDup.
		if !strings.EqualFold(names[i], strings.ReplaceAll(string(rule), "_", "")) {
			t.Errorf("rule %s is called %s", rule, names[i])
		}
	}
	refusal.Rules()[0] = "CHANGED"
	if refusal.Rules()[0] != values[0] {
		t.Error("a caller can change the list")
	}
}

func TestExit(t *testing.T) {
	want := map[refusal.Rule]int{
		refusal.GitHash:          1,
		refusal.GitSHA1Collision: 1,
		refusal.GitTagName:       1,
		refusal.GitTagTarget:     1,
		refusal.ZEnvelopes:       1,
		refusal.GitMissing:       3,
		refusal.SigBad:           1,
		refusal.SigNoKey:         1,
		refusal.SigWeak:          1,
		refusal.SigExpired:       1,
		refusal.SigRevoked:       1,
		refusal.SigKeyUse:        1,
		refusal.SigUnsigned:      1,
		refusal.SigOtherKey:      1,
		refusal.LedgerLost:       1,
		refusal.PolChain:         1,
		refusal.PolRollback:      1,
		refusal.PolQuorum:        1,
		refusal.PolOperator:      1,
		refusal.PolMixed:         1,
		refusal.PolCondition:     1,
		refusal.RelArchive:       1,
		refusal.RelTree:          1,
		refusal.RelBuilt:         1,
		refusal.RelRecipe:        1,
		refusal.RelSource:        1,
		refusal.RelBinding:       1,
		refusal.RelNone:          1,
		refusal.RelDrawn:         1,
	}
	for _, rule := range append(refusal.Rules(), "", "UNKNOWN") {
		status, special := want[rule]
		if !special {
			status = 2
		}
		if rule.Exit() != status {
			t.Errorf("%s asks for exit status %d, expected %d", rule, rule.Exit(), status)
		}
	}
}

func TestError(t *testing.T) {
	plain := refusal.New(refusal.TarNum, "the size is %q, expected octal digits", "9")
	for _, c := range []struct {
		name string
		r    *refusal.Refusal
		want string
	}{
		{"no place", plain, `TAR_NUM: the size is "9", expected octal digits`},
		{"a place", plain.At(512, "a/b"), `TAR_NUM: the size is "9", expected octal digits, in "a/b", at byte 512`},
		{"first byte", plain.At(0, ""), `TAR_NUM: the size is "9", expected octal digits, at byte 0`},
		{"hostile member", plain.At(refusal.Unknown, "a\x1b[2J\"\u202e\n"), `TAR_NUM: the size is "9", expected octal digits, in "a\x1b[2J\"\u202e\n"`},
		{"hostile detail", refusal.New(refusal.PaxValue, "found \x1b]0;x\a"), `PAX_VALUE: found \x1b]0;x\a`},
	} {
		if got := c.r.Error(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// The place that is nearest to the fault is kept, and the value is not changed
// under those who hold it.
func TestAt(t *testing.T) {
	r := refusal.New(refusal.PaxDup, "twice")
	inner := r.At(7, "")
	outer := inner.At(99, "member").At(1000, "other")
	if outer.Offset != 7 || outer.Member != "member" || outer.Rule != refusal.PaxDup || outer.Detail != "twice" {
		t.Errorf("got %+v", outer)
	}
	if r.Offset != refusal.Unknown || r.Member != "" || inner.Member != "" {
		t.Errorf("At changed what it was called on: %+v, %+v", r, inner)
	}
}

func TestRefusalIsFoundInAChain(t *testing.T) {
	err := fmt.Errorf("reading archive %q: %w", "x.tar", refusal.New(refusal.TarEmpty, "no member"))
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok || r.Rule != refusal.TarEmpty {
		t.Errorf("got %v, %v", r, ok)
	}
}
