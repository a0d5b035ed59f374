package bundle_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/testkit"
)

const vectors = "../../testdata/vectors/bundle"

func ruleOf(err error) string {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return string(r.Rule)
	}
	if err != nil {
		return err.Error()
	}
	return "accepted"
}

func encode(t testing.TB, b *bundle.Bundle) []byte {
	t.Helper()
	data, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestVectors(t *testing.T) {
	expected := map[string]bool{}
	for _, v := range testkit.Vectors(t, vectors) {
		expected[v.Expect] = true
		b, err := bundle.Parse(v.Input)
		if got := ruleOf(err); got != v.Expect {
			t.Errorf("%s: %s, want %s (%v)", v.Name, got, v.Expect, err)
		}
		if err != nil {
			if b != nil || !strings.Contains(err.Error(), "line") && !strings.Contains(err.Error(), "envelope") && !strings.Contains(err.Error(), "type") {
				t.Errorf("%s: refused, and something is read of it, or the place is not said: %v", v.Name, err)
			}
			continue
		}
		got := map[string]string{"policies": fmt.Sprint(len(b.Policies)), "statements": fmt.Sprint(len(b.Statements)), "objects": fmt.Sprint(len(b.Objects)), "recipes": fmt.Sprint(len(b.Recipes)), "digest": statement.Digest(v.Input).String()}
		for name, want := range v.Gives {
			if got[name] != want {
				t.Errorf("%s: %s is %q, want %q", v.Name, name, got[name], want)
			}
		}
	}
	for _, rule := range []refusal.Rule{refusal.BundleFormat, refusal.JSONFormat, refusal.JSONLimit, refusal.DSSEFormat, refusal.GitHash, refusal.BundleLimit} {
		if !expected[string(rule)] {
			t.Errorf("no vector is refused by %s", rule)
		}
	}
}

// sample is the bundle of the first vector.
func sample(t testing.TB) []byte {
	t.Helper()
	for _, v := range testkit.Vectors(t, vectors) {
		if strings.HasSuffix(v.Name, ": as written") {
			return v.Input
		}
	}
	t.Fatal("there is no sample")
	return nil
}

func parse(t testing.TB, data []byte) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A bit that is flipped is refused, or it is one of what is signed or named by
// what is signed: the bundle alone cannot know that a payload, its signature, a
// key id or a recipe is another.
func TestEveryBitCounts(t *testing.T) {
	data := sample(t)
	b := parse(t, data)
	accepted := 0
	for i := range len(data) * 8 {
		flipped := bytes.Clone(data)
		flipped[i/8] ^= 1 << (i % 8)
		other, err := bundle.Parse(flipped)
		if err != nil {
			continue
		}
		accepted++
		if !reflect.DeepEqual(other.Objects, b.Objects) || bytes.Equal(encode(t, other), data) {
			t.Errorf("bit %d of byte %d: objects change, or nothing does", i%8, i/8)
		}
		if reflect.DeepEqual(other.Policies, b.Policies) && reflect.DeepEqual(other.Statements, b.Statements) && reflect.DeepEqual(other.Recipes, b.Recipes) {
			t.Errorf("bit %d of byte %d says nothing", i%8, i/8)
		}
	}
	if accepted == 0 {
		t.Error("not even another signature is read")
	}
}

func TestMerge(t *testing.T) {
	data := sample(t)
	whole := parse(t, data)
	if got := encode(t, bundle.Merge(whole, whole)); !bytes.Equal(got, data) {
		t.Errorf("a bundle with itself is\n%s", got)
	}
	if got := encode(t, bundle.Merge()); !bytes.Equal(got, encode(t, &bundle.Bundle{})) {
		t.Errorf("no bundles are %s", got)
	}
	// In parts of one line each, in the other order.
	lines := bytes.SplitAfter(data, []byte("\n"))
	var parts []*bundle.Bundle
	for _, line := range lines[1 : len(lines)-1] {
		parts = append(parts, parse(t, append(bytes.Clone(lines[0]), line...)))
	}
	slices.Reverse(parts)
	if got := encode(t, bundle.Merge(parts...)); !bytes.Equal(got, data) {
		t.Errorf("the parts are\n%s", got)
	}
	// Signatures of one policy come together.
	one, other := bundle.Merge(whole), bundle.Merge(whole)
	signatures := func(names ...string) []dsse.Signature {
		var all []dsse.Signature
		for _, name := range names {
			all = append(all, dsse.Signature{KeyID: name, Sig: []byte(name)})
		}
		return all
	}
	one.Policies[0].Signatures, other.Policies[0].Signatures = signatures("c", "a"), signatures("b", "a")
	merged := parse(t, encode(t, bundle.Merge(one, other)))
	if got := merged.Policies[0].Signatures; !reflect.DeepEqual(got, signatures("a", "b", "c")) || len(merged.Policies) != 2 {
		t.Errorf("the signatures are %v", got)
	}
	if !reflect.DeepEqual(one.Policies[0].Signatures, signatures("c", "a")) {
		t.Error("a bundle was changed")
	}
	if contents := merged.Contents(); len(contents) != 4 {
		t.Errorf("%d contents", len(contents))
	}
}

func TestEncodeRefuses(t *testing.T) {
	policy := dsse.Envelope{PayloadType: dsse.PolicyType, Signatures: []dsse.Signature{{Sig: []byte{1}}}}
	crowd := policy
	crowd.Signatures = nil
	for i := range dsse.MaxSignatures + 1 {
		crowd.Signatures = append(crowd.Signatures, dsse.Signature{Sig: []byte{byte(i)}})
	}
	unsigned := policy
	unsigned.Signatures = nil
	for name, c := range map[string]struct {
		b    bundle.Bundle
		want refusal.Rule
	}{
		"a policy for a statement": {bundle.Bundle{Statements: []dsse.Envelope{policy}}, refusal.BundleFormat},
		"no signature":             {bundle.Bundle{Policies: []dsse.Envelope{unsigned}}, refusal.BundleFormat},
		"too many signatures":      {bundle.Bundle{Policies: []dsse.Envelope{crowd}}, refusal.BundleLimit},
		"a blob":                   {bundle.Bundle{Objects: []bundle.Object{{Type: digest.Blob}}}, refusal.BundleFormat},
		"too large":                {bundle.Bundle{Objects: []bundle.Object{{Type: digest.Tree, Data: make([]byte, bundle.MaxBytes)}}}, refusal.BundleLimit},
	} {
		if _, err := c.b.Encode(); ruleOf(err) != string(c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	for name, data := range map[string][]byte{
		"too many bytes": make([]byte, bundle.MaxBytes+1),
		"too many lines": bytes.Repeat([]byte("\n"), bundle.MaxLines+1),
	} {
		if _, err := bundle.Parse(data); ruleOf(err) != string(refusal.BundleLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The objects that real repositories of both formats hold.
func TestRealObjects(t *testing.T) {
	git := testkit.Program(t, "git")
	for _, format := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		dir := t.TempDir()
		run := func(args ...string) string {
			t.Helper()
			c := exec.Command(git, append([]string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@example.org"}, args...)...)
			c.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
			out, err := c.Output()
			if err != nil {
				t.Fatalf("git %v: %v", args, err)
			}
			return string(out)
		}
		run("init", "-q", "--object-format="+format.String())
		run("commit", "-q", "--allow-empty", "-m", "one")
		run("tag", "-a", "v1.0", "-m", "one")
		var b bundle.Bundle
		for _, name := range []string{"v1.0", "v1.0^{commit}", "v1.0^{tree}"} {
			id, err := digest.ParseObjectID(strings.TrimSpace(run("rev-parse", name)))
			if err != nil {
				t.Fatal(err)
			}
			kind, _ := digest.ParseObjectType(strings.TrimSpace(run("cat-file", "-t", name)))
			b.Objects = append(b.Objects, bundle.Object{Type: kind, ID: id, Data: []byte(run("cat-file", kind.String(), name))})
		}
		again := parse(t, encode(t, &b))
		if !reflect.DeepEqual(again.Contents(), b.Contents()) || len(again.Objects) != 3 {
			t.Errorf("%v: read %+v", format, again)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range testkit.Vectors(f, vectors) {
		f.Add(v.Input)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := bundle.Parse(data)
		if err != nil {
			return
		}
		if again := encode(t, b); !bytes.Equal(again, data) {
			t.Fatalf("read %q, wrote %q", data, again)
		}
		if merged := encode(t, bundle.Merge(b, &bundle.Bundle{}, b)); !bytes.Equal(merged, data) {
			t.Fatalf("merged with itself: %q", merged)
		}
	})
}

// Sorting and joining lines by hand makes the same file.
func TestIsSortedLines(t *testing.T) {
	data := sample(t)
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Error("the lines are not sorted, or one is there twice")
	}
}

// A recipe is bytes, each once; one that is too long is no recipe.
func TestRecipes(t *testing.T) {
	b := parse(t, sample(t))
	b.Recipes = [][]byte{[]byte("one\x00"), {}, []byte("two\n")}
	merged := bundle.Merge(b, &bundle.Bundle{Recipes: [][]byte{[]byte("two\n")}}, b)
	data := encode(t, merged)
	if again := parse(t, data); len(again.Recipes) != 3 || !bytes.Equal(encode(t, again), data) {
		t.Errorf("%q", again.Recipes)
	}
	b.Recipes = [][]byte{make([]byte, bundle.MaxRecipeBytes+1)}
	if _, err := b.Encode(); ruleOf(err) != string(refusal.BundleLimit) {
		t.Errorf("a recipe that is too long: %v", err)
	}
}
