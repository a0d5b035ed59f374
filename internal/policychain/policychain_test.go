package policychain

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// people are keys by the names of those who have them.
type people map[string]*signer.SSH

func newPeople(tb testing.TB, names ...string) people {
	tb.Helper()
	p := people{}
	for _, name := range names {
		p[name] = signer.NewSSH(tb, "ssh-ed25519")
	}
	return p
}

// policy returns the bytes of a version, with owners of whom so many are needed.
func (p people) policy(version int, previous []byte, need int, owners ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "countermark-policy = 1\nversion = %d\nproject = \"https://example.org/p\"\n", version)
	if previous != nil {
		fmt.Fprintf(&b, "previous = \"%x\"\n", sha256.Sum256(previous))
	}
	fmt.Fprintf(&b, "recipes = [\"%064d\"]\nwaive = [\"source\", \"builder\", \"rebuilder\", \"reviewer\"]\n", 1)
	for _, name := range owners {
		fmt.Fprintf(&b, "[people.%s]\nkeys = [\"%s\"]\n", name, p[name].Line())
	}
	list := `["` + strings.Join(owners, `", "`) + `"]`
	fmt.Fprintf(&b, "[owners]\nneed = %d\nof = %s\n[quorum.release-manager]\nneed = 1\nof = %s\n", need, list, list)
	return []byte(b.String())
}

// signed returns a link with the signatures of the people.
func (p people) signed(raw []byte, names ...string) Link {
	link := Link{Policy: raw}
	for _, name := range names {
		sig := p[name].Sign(signature.PolicyNamespace.Namespace(), dsse.PAE(dsse.PolicyType, raw))
		link.Signatures = append(link.Signatures, dsse.Signature{KeyID: keyID(sig), Sig: sig})
	}
	return link
}

func keyID(sig []byte) string {
	id, err := signature.KeyID(sig)
	if err != nil {
		panic(err)
	}
	return id
}

func rootOf(link Link) digest.SHA256 { return sha256.Sum256(link.Policy) }

func TestVerify(t *testing.T) {
	p := newPeople(t, "saki", "ben", "ada", "eve")
	one := p.signed(p.policy(1, nil, 1, "saki"), "saki")
	two := p.signed(p.policy(2, one.Policy, 2, "saki", "ben"), "saki", "ben")
	three := p.signed(p.policy(3, two.Policy, 1, "ada", "ben"), "saki", "ben", "eve")
	links := []Link{three, one, two}
	for i, root := range []Link{one, two, three} {
		chain, err := Verify(links, rootOf(root), 0)
		if err != nil {
			t.Fatal(err)
		}
		if chain.Newest().Digest != rootOf(three) || len(chain.Versions) != 3 || chain.Root != rootOf(root) {
			t.Errorf("got %+v", chain)
		}
		for number := range 5 {
			v, ok := chain.At(number)
			if ok != (number >= 1 && number <= 3) || ok && v.Policy.Version != number {
				t.Errorf("version %d: %v, %v", number, v.Policy, ok)
			}
			if ok && (v.Own != nil) != (number > i+1) {
				t.Errorf("root %d: version %d was judged: %v", i+1, number, v.Own != nil)
			}
		}
	}
	if chain, err := Verify([]Link{one}, rootOf(one), 0); err != nil || len(chain.Versions) != 1 {
		t.Errorf("one version: %v", err)
	}
	halves := []Link{one, {two.Policy, two.Signatures[:1]}, {two.Policy, two.Signatures[1:]}, two}
	if _, err := Verify(halves, rootOf(one), 0); err != nil {
		t.Errorf("signatures that came one by one: %v", err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	p := newPeople(t, "saki", "ben", "ada", "eve")
	one := p.signed(p.policy(1, nil, 2, "saki", "ben"))
	raw := p.policy(2, one.Policy, 2, "ben", "ada")
	good := p.signed(raw, "saki", "ben", "ada")
	three := p.signed(p.policy(3, raw, 2, "ben", "ada"), "ben", "ada")
	spoilt := p.signed(raw, "saki", "ben", "ada")
	spoilt.Signatures[0].Sig = p.signed(one.Policy, "saki").Signatures[0].Sig
	renamed := p.signed(raw, "saki", "ben", "ada")
	renamed.Signatures[0].KeyID = renamed.Signatures[1].KeyID
	otherPurpose := Link{Policy: raw}
	bare := p["saki"].Sign(signature.StatementNamespace.Namespace(), dsse.PAE(dsse.PolicyType, raw))
	otherPurpose.Signatures = append(slices.Clone(p.signed(raw, "ben", "ada").Signatures), dsse.Signature{KeyID: keyID(bare), Sig: bare})
	statement := Link{Policy: raw}
	asStatement := p["saki"].Sign(signature.PolicyNamespace.Namespace(), dsse.PAE(dsse.StatementType, raw))
	statement.Signatures = append(slices.Clone(p.signed(raw, "ben", "ada").Signatures), dsse.Signature{KeyID: keyID(asStatement), Sig: asStatement})
	many := good
	for range MaxSignatures {
		many.Signatures = append(many.Signatures, dsse.Signature{KeyID: fmt.Sprint(len(many.Signatures))})
	}
	elsewhere := []byte(strings.Replace(string(raw), "example.org/p", "example.org/q", 1))
	for _, c := range []struct {
		name  string
		links []Link
		root  digest.SHA256
		rule  refusal.Rule
	}{
		{"nothing", nil, rootOf(one), refusal.PolChain},
		{"another root", []Link{one, good}, digest.SHA256{1}, refusal.PolChain},
		{"no root", []Link{one, good}, digest.SHA256{}, refusal.PolChain},
		{"the root is missing", []Link{good, three}, rootOf(one), refusal.PolChain},
		{"a gap", []Link{one, three}, rootOf(one), refusal.PolChain},
		{"a repeat", []Link{one, good, p.signed(append(slices.Clone(raw), "# other\n"...), "saki", "ben", "ada")}, rootOf(one), refusal.PolChain},
		{"a repeat of the root", []Link{one, p.signed(p.policy(1, nil, 1, "eve"), "eve")}, rootOf(one), refusal.PolChain},
		{"not signed", []Link{one, p.signed(raw)}, rootOf(one), refusal.PolChain},
		{"by too few of the version before", []Link{one, p.signed(raw, "ben", "ada")}, rootOf(one), refusal.PolChain},
		{"by too few of its own", []Link{one, p.signed(raw, "saki", "ben")}, rootOf(one), refusal.PolChain},
		{"by one twice", []Link{one, p.signed(raw, "saki", "saki", "ada", "ada")}, rootOf(one), refusal.PolChain},
		{"by strangers", []Link{one, p.signed(raw, "eve", "ben", "ada")}, rootOf(one), refusal.PolChain},
		{"signatures of the version after", []Link{one, {raw, three.Signatures}}, rootOf(one), refusal.SigBad},
		{"a bad signature", []Link{one, spoilt}, rootOf(one), refusal.SigBad},
		{"a key that is not the signature's", []Link{one, renamed}, rootOf(one), refusal.SigFormat},
		{"signed as a statement", []Link{one, otherPurpose}, rootOf(one), refusal.SigNamespace},
		{"the type of statements", []Link{one, statement}, rootOf(one), refusal.SigBad},
		{"another predecessor", []Link{one, p.signed(p.policy(2, three.Policy, 2, "ben", "ada"), "saki", "ben", "ada")}, rootOf(one), refusal.PolChain},
		{"another predecessor of the root", []Link{p.signed(p.policy(1, nil, 1, "eve"), "eve"), good}, rootOf(good), refusal.PolChain},
		{"another project", []Link{one, p.signed(elsewhere, "saki", "ben", "ada")}, rootOf(one), refusal.PolChain},
		{"a policy at fault", []Link{one, {Policy: []byte(strings.Replace(string(raw), "need = 2", "need = 0", 1))}}, rootOf(one), refusal.PolInvalid},
		{"no signature at all in one", []Link{one, {raw, []dsse.Signature{{KeyID: "x", Sig: []byte("x")}}}}, rootOf(one), refusal.SigFormat},
		{"too many signatures", []Link{one, many}, rootOf(one), refusal.PolChain},
	} {
		chain, err := Verify(c.links, c.root, 0)
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != c.rule || chain != nil {
			t.Errorf("%s: got %v, want %s", c.name, err, c.rule)
		}
	}
}

// A revoked owner's key signs nothing more under the version that revokes it.
func TestRevokedOwner(t *testing.T) {
	p := newPeople(t, "saki", "ben")
	one := p.signed(p.policy(1, nil, 1, "saki", "ben"))
	parsed, err := Verify([]Link{one}, rootOf(one), 0)
	if err != nil {
		t.Fatal(err)
	}
	saki := parsed.Newest().Policy.Party("saki").Keys()[0]
	text := p.policy(2, one.Policy, 1, "saki", "ben")
	text = append(text, fmt.Sprintf("[[revoked]]\nkey = %q\n", saki)...)
	if _, err := Verify([]Link{one, p.signed(text, "saki")}, rootOf(one), 0); err == nil {
		t.Error("a version is signed by a key that it revokes alone")
	}
	two := p.signed(text, "ben")
	if _, err := Verify([]Link{one, two}, rootOf(one), 0); err != nil {
		t.Error(err)
	}
	third := p.policy(3, text, 1, "saki", "ben")
	if _, err := Verify([]Link{one, two, p.signed(third, "saki")}, rootOf(one), 0); err == nil {
		t.Error("a revoked key gives itself life again")
	}
}

// The version that judges a release is the newest, or the one by which it is kept.
func TestJudge(t *testing.T) {
	release, other := digest.SHA256{7}, digest.SHA256{8}
	chain := &Chain{Versions: []Version{
		{Policy: &policy.Policy{Version: 4}}, {Policy: &policy.Policy{Version: 5, Kept: []policy.Kept{{Release: release, Policy: 4}, {Release: other, Policy: 2}}}},
	}}
	if v, ok := chain.Judge(release); !ok || v.Policy.Version != 4 {
		t.Error("a kept release is not judged by its policy")
	}
	if v, ok := chain.Judge(digest.SHA256{9}); !ok || v.Policy.Version != 5 {
		t.Error("a release is not judged by the newest policy")
	}
	if _, ok := chain.Judge(other); ok {
		t.Error("a release is judged by a policy that is not there")
	}
}

// ssh-keygen signs what Signed accepts, and accepts what is signed here.
func TestSSHKeygen(t *testing.T) {
	program := testkit.Program(t, "ssh-keygen")
	dir := t.TempDir()
	p := newPeople(t, "saki")
	raw := p.policy(1, nil, 1, "saki")
	message := testkit.Write(t, filepath.Join(dir, "pae"), string(dsse.PAE(dsse.PolicyType, raw)))
	key := testkit.Write(t, filepath.Join(dir, "key"), string(p["saki"].Private(t)))
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "-Y", "sign", "-n", "countermark-policy-v1", "-f", key, message).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sig, err := os.ReadFile(message + ".sig")
	if err != nil {
		t.Fatal(err)
	}
	chain, err := Verify([]Link{{Policy: raw}}, sha256.Sum256(raw), 0)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Signed(raw, []dsse.Signature{{KeyID: keyID(sig), Sig: sig}}, chain.Newest().Policy, 0)
	if err != nil || !policy.JudgePolicy(chain.Newest().Policy, signed).Met() {
		t.Errorf("what ssh-keygen signs does not count: %v, %v", signed, err)
	}
}

// No bit of a version and of its only signatures can be changed.
func TestEveryBit(t *testing.T) {
	p := newPeople(t, "saki")
	one := p.signed(p.policy(1, nil, 1, "saki"), "saki")
	two := p.signed(p.policy(2, one.Policy, 1, "saki"), "saki")
	if _, err := Verify([]Link{one, two}, rootOf(one), 0); err != nil {
		t.Fatal(err)
	}
	accepted := func() bool {
		_, err := Verify([]Link{one, two}, rootOf(one), 0)
		return err == nil
	}
	for name, flipped := range map[string][]byte{"policy": two.Policy, "signature": two.Signatures[0].Sig} {
		for bit := range 8 * len(flipped) {
			flipped[bit/8] ^= 1 << (bit % 8)
			if accepted() {
				t.Errorf("bit %d of the %s may be changed", bit, name)
			}
			flipped[bit/8] ^= 1 << (bit % 8)
		}
	}
}
