package signature_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

var update = flag.Bool("update", false, "make the vectors of testdata/vectors/signature anew, with new keys")

const vectors = "../../testdata/vectors/signature"

// vectorTime is "now" in the vectors: 2023-11-14 22:13:20 UTC.
const vectorTime = 1700000000

// question is the input of a vector: what is asked of Verify.
type question struct {
	purpose   string // the namespace
	keys      string
	message   string
	signature string
}

// The parts of the text of a question, after its first two lines.
const (
	keysLine      = "-- keys --\n"
	messageLine   = "-- message --\n"
	signatureLine = "-- signature --\n"
)

func (q question) text() string {
	return fmt.Sprintf("purpose: %s\nnow: %d\n", q.purpose, vectorTime) + keysLine + q.keys + messageLine + q.message + signatureLine + q.signature
}

// ask reads the text of a question and gives it to Verify.
func ask(t *testing.T, text string) (signature.Finding, error) {
	t.Helper()
	header, rest, _ := strings.Cut(text, keysLine)
	keys, rest, _ := strings.Cut(rest, messageLine)
	message, sig, found := strings.Cut(rest, signatureLine)
	purpose, at, _ := strings.Cut(strings.TrimSuffix(header, "\n"), "\nnow: ")
	now, err := strconv.ParseInt(at, 10, 64)
	if !found || err != nil {
		t.Fatalf("%q is no question: %v", text, err)
	}
	domain := signature.Domain(0)
	for _, d := range []signature.Domain{signature.StatementNamespace, signature.PolicyNamespace, signature.GitNamespace, signature.FileNamespace} {
		if purpose == "purpose: "+d.Namespace() {
			domain = d
		}
	}
	h, err := signature.ParseHolders([]byte(keys))
	if err != nil {
		return signature.Finding{}, err
	}
	return signature.Verify(domain, []byte(sig), strings.NewReader(message), h, now)
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	n := 0
	for _, v := range testkit.Vectors(t, vectors) {
		n++
		f, err := ask(t, string(v.Input))
		got := string(ruleOf(f, err))
		if f.State == signature.Good && err == nil {
			got = "accepted"
		}
		if got != v.Expect {
			t.Errorf("%s: %s (%+v, %v), expected %s", v.Name, got, f, err, v.Expect)
		}
		gives := map[string]string{}
		if got == "accepted" {
			gives = map[string]string{"key": f.Key.String(), "keyid": f.Fingerprint}
		}
		if !maps.Equal(gives, v.Gives) {
			t.Errorf("%s gives %v, expected %v", v.Name, gives, v.Gives)
		}
	}
	if n < 60 {
		t.Errorf("there are %d vectors", n)
	}
}

// variant is a question with one thing changed.
type variant struct {
	name   string
	change func(*question)
	expect refusal.Rule // "" is accepted
}

// vectorFile is a file of vectors, as testkit.Vectors reads it.
type vectorFile struct {
	Format  int      `json:"format"`
	About   string   `json:"about"`
	Input   string   `json:"input"`
	Vectors []vector `json:"vectors"`
}

type vector struct {
	Name    string            `json:"name"`
	Replace string            `json:"replace,omitempty"`
	With    *string           `json:"with,omitempty"`
	Expect  string            `json:"expect"`
	Gives   map[string]string `json:"gives,omitempty"`
}

// writeVectors makes all files anew.
func writeVectors(t *testing.T) {
	t.Helper()
	for name, of := range map[string]func(*testing.T) (string, question, []variant){
		"ssh-signature": sshVectors, "ssh-hardware": hardwareVectors, "ssh-keys": keyVectors, "minisign": minisignVectors, "minisign-envelope": envelopeVectors, "signify": signifyVectors,
		"openpgp": openPGPVectors,
	} {
		about, q, variants := of(t)
		file := vectorFile{Format: 1, About: about, Input: q.text()}
		for _, v := range append([]variant{{"as it is", func(*question) {}, ""}}, variants...) {
			changed := q
			v.change(&changed)
			file.Vectors = append(file.Vectors, newVector(t, file.Input, changed.text(), v))
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(file); err != nil {
			t.Fatal(err)
		}
		testkit.Write(t, filepath.Join(vectors, name+".json"), b.String())
	}
	if entries, err := os.ReadDir(vectors); err != nil || len(entries) != 7 {
		t.Errorf("%s has files that are not made here: %v", vectors, err)
	}
}

// newVector says in which one place the texts differ: the shortest that is there
// once.
func newVector(t *testing.T, from, to string, v variant) vector {
	t.Helper()
	made := vector{Name: v.name, Expect: "accepted"}
	if v.expect != "" {
		made.Expect = string(v.expect)
	} else {
		f, err := ask(t, to)
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		made.Gives = map[string]string{"key": f.Key.String(), "keyid": f.Fingerprint}
	}
	if from == to {
		return made
	}
	begin := 0
	for begin < len(from) && begin < len(to) && from[begin] == to[begin] {
		begin++
	}
	end := 0
	for end < len(from)-begin && end < len(to)-begin && from[len(from)-1-end] == to[len(to)-1-end] {
		end++
	}
	for begin > 0 && strings.Count(from, from[begin:len(from)-end]) != 1 {
		begin--
	}
	with := to[begin : len(to)-end]
	made.Replace, made.With = from[begin:len(from)-end], &with
	return made
}

func sshVectors(t *testing.T) (string, question, []variant) {
	key, other, rsa := signer.NewSSH(t, "ssh-ed25519"), signer.NewSSH(t, "ssh-ed25519"), signer.NewSSH(t, "rsa-1024")
	p256, p384, p521 := signer.NewSSH(t, "ecdsa-sha2-nistp256"), signer.NewSSH(t, "ecdsa-sha2-nistp384"), signer.NewSSH(t, "ecdsa-sha2-nistp521")
	namespace := signature.StatementNamespace.Namespace()
	message := []byte("hello\n")
	q := question{namespace, key.Line() + "\n", string(message), string(key.Sign(namespace, message))}
	sig := func(sig []byte) func(*question) { return func(q *question) { q.signature = string(sig) } }
	spoil := func(change func(p *signer.SSHSignature)) func(*question) {
		return func(q *question) {
			p := key.Make(namespace, message)
			change(&p)
			q.signature = string(p.Armour())
		}
	}
	with := func(k *signer.SSH) func(*question) {
		return func(q *question) { q.keys, q.signature = k.Line()+"\n", string(k.Sign(namespace, message)) }
	}
	armour := func(old, new string) func(*question) {
		return func(q *question) { q.signature = strings.Replace(q.signature, old, new, 1) }
	}
	return "One ssh signature by an Ed25519 key over a message in a namespace.", q, []variant{
		{"another message", func(q *question) { q.message = "hullo\n" }, refusal.SigBad},
		{"another key", func(q *question) { q.keys = other.Line() + "\n" }, refusal.SigNoKey},
		{"two keys", func(q *question) { q.keys = other.Line() + "\n" + q.keys }, ""},
		{"ECDSA P-256", with(p256), ""},
		{"ECDSA P-384", with(p384), ""},
		{"ECDSA P-521", with(p521), ""},
		{"RSA of 1024 bits", with(rsa), refusal.SigWeak},
		{"namespace of policies", sig(key.Sign("countermark-policy-v1", message)), refusal.SigNamespace},
		{"namespace of files", sig(key.Sign("file", message)), refusal.SigNamespace},
		{"no namespace", sig(key.Sign("", message)), refusal.SigFormat},
		{"version 2", spoil(func(p *signer.SSHSignature) { p.Version = 2 }), refusal.SigFormat},
		{"version 0", spoil(func(p *signer.SSHSignature) { p.Version = 0 }), refusal.SigFormat},
		{"reserved field", spoil(func(p *signer.SSHSignature) { p.Reserved = "hi" }), refusal.SigFormat},
		{"digest sha1", spoil(func(p *signer.SSHSignature) { p.Hash = "sha1" }), refusal.SigAlg},
		{"digest sha256, signed as sha512", spoil(func(p *signer.SSHSignature) { p.Hash = "sha256" }), refusal.SigBad},
		{"byte at the end", spoil(func(p *signer.SSHSignature) { p.Rest = []byte{0} }), refusal.SigFormat},
		{"byte after the key", spoil(func(p *signer.SSHSignature) { p.Key = append(p.Key, 0) }), refusal.SigKey},
		{"byte after the value", spoil(func(p *signer.SSHSignature) { p.Value = append(p.Value, 0) }), refusal.SigFormat},
		{"value of another algorithm", spoil(func(p *signer.SSHSignature) { p.Value = p256.Value([]byte("x")) }), refusal.SigAlg},
		{"text before", func(q *question) { q.signature = "x\n" + q.signature }, refusal.SigFormat},
		{"text after", func(q *question) { q.signature += "x\n" }, refusal.SigFormat},
		{"empty line after", func(q *question) { q.signature += "\n" }, refusal.SigFormat},
		{"two blocks", func(q *question) { q.signature += q.signature }, refusal.SigMulti},
		{"CR at the end of a line", armour("SIGNATURE-----\n", "SIGNATURE-----\r\n"), refusal.SigFormat},
		{"space in the base64", armour("\nU1NI", "\nU1NI "), refusal.SigFormat},
		{"shorter line", armour("\nU1NI", "\nU1NI\n"), refusal.SigFormat},
		{"first line of PGP", armour("BEGIN SSH", "BEGIN PGP"), refusal.SigFormat},
	}
}

func hardwareVectors(t *testing.T) (string, question, []variant) {
	key, ecdsa := signer.NewSSH(t, signer.SKEd25519), signer.NewSSH(t, signer.SKECDSA)
	message := []byte("hello\n")
	namespace := signature.StatementNamespace.Namespace()
	q := question{namespace, key.Line() + "\n", string(message), string(key.Sign(namespace, message))}
	with := func(k signer.SSH, change func(*signer.SSH)) func(*question) {
		return func(q *question) {
			change(&k)
			q.signature = string(k.Sign(namespace, message))
		}
	}
	last := func(change func(value []byte) []byte) func(*question) {
		return func(q *question) {
			p := key.Make(namespace, message)
			p.Value = change(p.Value)
			q.signature = string(p.Armour())
		}
	}
	return "One ssh signature by an Ed25519 key in hardware, which was touched.", q, []variant{
		{"ECDSA", func(q *question) { q.keys, q.signature = ecdsa.Line()+"\n", string(ecdsa.Sign(namespace, message)) }, ""},
		{"not touched", with(*key, func(k *signer.SSH) { k.Flags = 0 }), refusal.SigKeyUse},
		{"not touched, for a file", func(q *question) {
			untouched := *key
			untouched.Flags = 0
			q.purpose, q.signature = "file", string(untouched.Sign("file", message))
		}, ""},
		{"PIN and no touch", with(*key, func(k *signer.SSH) { k.Flags = 4 }), refusal.SigKeyUse},
		{"PIN and touch", with(*key, func(k *signer.SSH) { k.Flags = 5 }), ""},
		{"another counter", with(*key, func(k *signer.SSH) { k.Counter = 1 << 31 }), ""},
		{"another application", with(*key, func(k *signer.SSH) { k.Application = "ssh:other" }), refusal.SigNoKey},
		{"flag of the PIN changed", last(func(value []byte) []byte { value[len(value)-5] ^= 4; return value }), refusal.SigBad},
		{"counter changed", last(func(value []byte) []byte { value[len(value)-1] ^= 1; return value }), refusal.SigBad},
		{"no flags and counter", last(func(value []byte) []byte { return value[:len(value)-5] }), refusal.SigFormat},
		{"byte after the counter", last(func(value []byte) []byte { return append(value, 0) }), refusal.SigFormat},
	}
}

func keyVectors(t *testing.T) (string, question, []variant) {
	key := signer.NewSSH(t, "ssh-ed25519")
	line := key.Line()
	q := question{"git", "saki@example.org " + line + " comment\n", "hello\n", string(key.Sign("git", []byte("hello\n")))}
	keys := func(format string) func(*question) {
		return func(q *question) { q.keys = fmt.Sprintf(format, line) + "\n" }
	}
	return "One ssh signature, and the line of its key.", q, []variant{
		{"key alone", keys("%s"), ""},
		{"comments and empty lines", keys("# ours\n\n* %s"), ""},
		{"namespaces", keys(`a namespaces="file,git" %s`), ""},
		{"other namespaces", keys(`a namespaces="file" %s`), refusal.SigKeyUse},
		{"pattern of namespaces", keys(`a namespaces="*" %s`), refusal.SigKey},
		{"valid since", keys(`a valid-after="20231114221320Z" %s`), ""},
		{"not valid yet", keys(`a valid-after="20231114221321Z" %s`), refusal.SigExpired},
		{"no longer valid", keys(`a valid-before="20231114221320Z" %s`), refusal.SigExpired},
		{"valid until", keys(`a valid-before="20231114221321Z" %s`), ""},
		{"valid since, in some zones", keys(`a valid-after="202311141014" %s`), refusal.SigExpired},
		{"valid until, in some zones", keys(`a valid-before="202311151213" %s`), refusal.SigExpired},
		{"no date", keys(`a valid-before="20230229Z" %s`), refusal.SigKey},
		{"two lines, one of which permits it", keys("a namespaces=\"file\" %[1]s\nb %[1]s"), ""},
		{"for certificates", keys("a cert-authority %s"), refusal.SigKey},
		{"option of authorized_keys", keys("restrict %s"), refusal.SigKey},
		{"unknown option", keys("a touch-required %s"), refusal.SigKey},
		{"option twice", keys(`a namespaces="git",namespaces="git" %s`), refusal.SigKey},
		{"CR", keys("%s\r"), refusal.SigKey},
		{"a line that is none", keys("%s\nnonsense"), refusal.SigKey},
		{"type of another key", keys("%s\nssh-rsa" + strings.TrimPrefix(line, "ssh-ed25519")), refusal.SigKey},
		{"key for DSA", keys("%s\nssh-dss AAAAB3NzaC1kc3MAAAABAwAAAAEDAAAAAQMAAAABAw=="), refusal.SigAlg},
		{"point of small order", keys("%s\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), refusal.SigKey},
		{"none", func(q *question) { q.keys = "" }, refusal.SigKey},
	}
}

// minisignCommon are the variants of a file of minisign, whatever it is for.
func minisignCommon(k, other *signer.Minisign, message []byte) []variant {
	fourth := strings.SplitAfter(string(other.Sign(message, "timestamp:1\tfile:x")), "\n")[3]
	line := func(n int, change func(string) string) func(*question) {
		return func(q *question) {
			lines := strings.SplitAfter(q.signature, "\n")
			lines[n] = change(lines[n])
			q.signature = strings.Join(lines, "")
		}
	}
	return []variant{
		{"another message", func(q *question) { q.message = "hullo\n" }, refusal.SigBad},
		{"another key", func(q *question) { q.keys = string(other.PublicFile("minisign public key")) }, refusal.SigNoKey},
		{"another key of the same id", func(q *question) {
			same := *other
			same.ID = k.ID
			q.keys = string(same.PublicFile("minisign public key"))
		}, refusal.SigBad},
		{"trusted comment changed", line(2, func(s string) string { return strings.Replace(s, "file:", "file:y", 1) }), refusal.SigBad},
		{"another global signature", line(3, func(string) string { return fourth }), refusal.SigBad},
		{"CR", line(1, func(s string) string { return strings.Replace(s, "\n", "\r\n", 1) }), refusal.SigFormat},
		{"space after the value", line(1, func(s string) string { return strings.Replace(s, "\n", " \n", 1) }), refusal.SigFormat},
		{"escape sequence in the trusted comment", func(q *question) { q.signature = string(k.Sign(message, "timestamp:1\x1b[2K")) }, refusal.SigFormat},
		{"three lines", line(3, func(string) string { return "" }), refusal.SigFormat},
		{"five lines", line(3, func(s string) string { return s + "x\n" }), refusal.SigFormat},
		{"two signatures", func(q *question) { q.signature += q.signature }, refusal.SigMulti},
		{"for a commit", func(q *question) { q.purpose = "git" }, refusal.SigFormat},
	}
}

func minisignVectors(t *testing.T) (string, question, []variant) {
	k, other := signer.NewMinisign(t), signer.NewMinisign(t)
	message := []byte("hello\n")
	q := question{"file", string(k.PublicFile("minisign public key")), string(message), string(k.Sign(message, "timestamp:1\tfile:x"))}
	return "One signature of minisign.", q, slices.Concat(minisignCommon(k, other, message), []variant{
		{"key alone", func(q *question) { q.keys = k.Public() + "\n" }, ""},
		{"key with signify's comment", func(q *question) { q.keys = string(k.PublicFile("signify public key")) }, ""},
		{"another untrusted comment", func(q *question) { q.signature = strings.Replace(q.signature, "signature", "anything", 1) }, ""},
		{"escape sequence in the untrusted comment", func(q *question) { q.signature = strings.Replace(q.signature, "signature", "\x1b[2K", 1) }, refusal.SigFormat},
		{"over the message itself", func(q *question) { q.signature = string(k.SignLegacy(message, "timestamp:1\tfile:x")) }, ""},
		{"algorithm changed", func(q *question) { q.signature = strings.Replace(q.signature, "\nRU", "\nRW", 1) }, refusal.SigBad},
		{"key of small order", func(q *question) {
			q.keys = "untrusted comment: minisign public key\n" + k.Packed("Ed", make([]byte, 32)) + "\n"
		}, refusal.SigKey},
		{"two keys", func(q *question) { q.keys += q.keys }, refusal.SigKey},
	})
}

func envelopeVectors(t *testing.T) (string, question, []variant) {
	k, other := signer.NewMinisign(t), signer.NewMinisign(t)
	message := []byte("hello\n")
	sig, err := signature.Canonical(k.Sign(message, "timestamp:1\tfile:x"))
	if err != nil {
		t.Fatal(err)
	}
	q := question{"countermark-policy-v1", string(k.PublicFile("minisign public key")), string(message), string(sig)}
	return "One signature of minisign as envelopes hold it.", q, slices.Concat(minisignCommon(k, other, message), []variant{
		{"another untrusted comment", func(q *question) {
			q.signature = strings.Replace(q.signature, "comment: countermark", "comment: signature", 1)
		}, refusal.SigFormat},
		{"no last line feed", func(q *question) { q.signature = strings.TrimSuffix(q.signature, "\n") }, refusal.SigFormat},
		{"over the message itself", func(q *question) { q.signature = string(k.SignLegacy(message, "timestamp:1\tfile:x")) }, refusal.SigFormat},
		{"of signify", func(q *question) { q.signature = string(k.SignSignify(message)) }, refusal.SigFormat},
	})
}

func signifyVectors(t *testing.T) (string, question, []variant) {
	k, other := signer.NewMinisign(t), signer.NewMinisign(t)
	message := []byte("hello\n")
	q := question{"file", string(k.PublicFile("x public key")), string(message), string(k.SignSignify(message))}
	return "One signature of signify.", q, []variant{
		{"another message", func(q *question) { q.message = "hullo\n" }, refusal.SigBad},
		{"another key", func(q *question) { q.keys = string(other.PublicFile("x public key")) }, refusal.SigNoKey},
		{"no last line feed", func(q *question) { q.signature = strings.TrimSuffix(q.signature, "\n") }, ""},
		{"message in the file", func(q *question) { q.signature += q.message }, refusal.SigFormat},
		{"two signatures", func(q *question) { q.signature += q.signature }, refusal.SigMulti},
		{"algorithm of minisign", func(q *question) { q.signature = strings.Replace(q.signature, "\nRW", "\nRU", 1) }, refusal.SigAlg},
		{"unknown algorithm", func(q *question) { q.signature = strings.Replace(q.signature, "\nRW", "\nRX", 1) }, refusal.SigAlg},
	}
}
