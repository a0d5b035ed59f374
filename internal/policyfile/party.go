package policyfile

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature"
)

// readParty reads the table people.NAME or machines.NAME of a party whose name
// and kind are known.
func readParty(t *document.Table, p policy.Party) policy.Party {
	defer t.Close()
	if t.Take("keys") == nil {
		t.Fail(t.Place, document.Wrong("add a line keys = [\"...\"], each key in full", "the key %q is missing", "keys"))
	}
	p.Texts = list(t, "keys", text)
	for i, line := range p.Texts {
		h, err := readKey(line)
		if err != nil {
			t.Fail(document.ItemPlace(document.KeyPlace(t.Place, "keys"), i), err)
		}
		p.Holders = append(p.Holders, h)
	}
	p.Domain = document.Optional(t, "domain", "", text)
	p.Toolchain = document.Optional(t, "toolchain", "", text)
	if p.Kind == policy.Machine {
		p.Operators = list(t, "operators", text)
	}
	return p
}

// The first line of an armoured certificate, and its last (RFC 9580, section 6.2).
const (
	armourBegin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	armourEnd   = "-----END PGP PUBLIC KEY BLOCK-----"
)

// readKey reads one key in full. The forms are those in which a party can sign
// statements; a line of allowed_signers(5) says more than a key, and nobody
// would heed it.
func readKey(line string) (signature.Holder, error) {
	const hint = "write one ssh public key, one minisign public key or one armoured OpenPGP certificate"
	holders, err := signature.ParseHolders([]byte(line))
	switch {
	case err != nil:
		return signature.Holder{}, document.Wrong(hint, "the key cannot be read: %s", escape.Sentence(err.Error()))
	case len(holders) != 1:
		return signature.Holder{}, document.Wrong(hint, "there are %d keys in one text, expected one", len(holders))
	}
	h := holders[0]
	if trimmed := strings.TrimSpace(line); h.Form == signature.OpenPGP && !(strings.HasPrefix(trimmed, armourBegin) && strings.HasSuffix(trimmed, armourEnd)) || h.Form == signature.SSH && strings.Contains(trimmed, "\n") {
		return signature.Holder{}, document.Wrong(hint, "something stands around the key, and could be taken for a part of the policy")
	}
	if h.Unusable != "" {
		return signature.Holder{}, document.Wrong("export it again, with all its binding signatures", "nothing can be verified with the certificate: %s", escape.Sentence(h.Unusable))
	}
	switch h.Form {
	case signature.OpenPGP, signature.Minisign:
	case signature.SSH:
		if first, _, _ := strings.Cut(line, " "); !strings.HasPrefix(first, "ssh-") && !strings.HasPrefix(first, "ecdsa-") && !strings.HasPrefix(first, "sk-") {
			return signature.Holder{}, document.Wrong("write the line of the .pub file alone", "the ssh key does not begin with its type")
		}
	default:
		return signature.Holder{}, document.Wrong(hint, "nobody can sign statements with a key of the form %s", h.Form)
	}
	return h, nil
}

func readRevocations(t *document.Table, p *policy.Policy) {
	byText := map[string]publickey.Key{}
	for i := range p.Parties {
		for _, k := range p.Parties[i].Keys() {
			byText[k.String()] = k
		}
	}
	parse := func(s string) (publickey.Key, error) {
		k, known := byText[s]
		if !known {
			return k, document.Wrong("write the key as \"policy show\" does, as in \"ed25519:...\", and leave it among its party's keys",
				"no party has the revoked key %s", document.Excerpt(s))
		}
		return k, nil
	}
	for _, table := range filled(t, "revoked", t.Tables("revoked")) {
		p.Revocations = append(p.Revocations, policy.Revocation{Key: document.Required(table, "key", parse), Keeps: list(table, "keeps", digest.ParseSHA256)})
		table.Close()
	}
}

// Format returns the policy as a file that Parse reads as the same policy, if
// it passes policy.Check.
func Format(p *policy.Policy) []byte {
	w := &writer{}
	w.line("countermark-policy = %d", formatVersion)
	w.line("version = %d", p.Version)
	if !p.Previous.IsZero() {
		w.line("previous = %s", quote(p.Previous.String()))
	}
	w.line("project = %s", quote(p.Project))
	w.digests("recipes", p.Recipes)
	w.waived(p.Requirements)
	w.pairs(p.Combine)
	for i := range p.Parties {
		w.party(&p.Parties[i])
	}
	w.quorum("owners", p.Owners)
	w.quorums("quorum.", p.Requirements)
	if p.Withdrawers.Need != 0 {
		w.quorum("quorum."+policy.Withdrawer.String(), p.Withdrawers)
	}
	for _, e := range p.Exceptions {
		w.line("\n[[for]]")
		var patterns []string
		for _, v := range e.Versions {
			patterns = append(patterns, v.String())
		}
		w.list("versions", patterns)
		w.waived(e.Requirements)
		w.quorums("for.quorum.", e.Requirements)
	}
	w.conditions(p.Conditions)
	for _, r := range p.Revocations {
		w.line("\n[[revoked]]\nkey = %s", quote(r.Key.String()))
		w.digests("keeps", r.Keeps)
	}
	for _, k := range p.Kept {
		w.line("\n[[kept]]\nrelease = %s\npolicy = %d", quote(k.Release.String()), k.Policy)
	}
	return []byte(w.String())
}

type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// list writes an array, one item a line if there are several.
func (w *writer) list(key string, items []string) {
	switch len(items) {
	case 0:
	case 1:
		w.line("%s = [%s]", key, quote(items[0]))
	default:
		w.line("%s = [", key)
		for _, item := range items {
			w.line("  %s,", quote(item))
		}
		w.line("]")
	}
}

func (w *writer) digests(key string, all []digest.SHA256) {
	var items []string
	for _, d := range all {
		items = append(items, d.String())
	}
	w.list(key, items)
}

func (w *writer) waived(all []policy.Requirement) {
	var names []string
	for _, r := range all {
		if r.Waived {
			names = append(names, r.Role.String())
		}
	}
	w.list("waive", names)
}

func (w *writer) pairs(all []policy.Pair) {
	var items []string
	for _, pair := range all {
		items = append(items, fmt.Sprintf("[%q, %q]", pair[0], pair[1]))
	}
	if items != nil {
		w.line("may-combine = [%s]", strings.Join(items, ", "))
	}
}

func (w *writer) party(p *policy.Party) {
	w.line("\n[%s.%s]", map[policy.Kind]string{policy.Person: "people", policy.Machine: "machines"}[p.Kind], quote(p.Name))
	w.list("keys", p.Texts)
	if p.Domain != "" {
		w.line("domain = %s", quote(p.Domain))
	}
	if p.Toolchain != "" {
		w.line("toolchain = %s", quote(p.Toolchain))
	}
	w.list("operators", p.Operators)
}

func (w *writer) quorum(table string, q policy.Quorum) {
	w.line("\n[%s]\nneed = %d", table, q.Need)
	w.list("of", q.Of)
}

func (w *writer) quorums(prefix string, all []policy.Requirement) {
	for _, r := range all {
		if !r.Waived {
			w.quorum(prefix+r.Role.String(), r.Quorum)
		}
	}
}

func (w *writer) conditions(c policy.Conditions) {
	if c == (policy.Conditions{}) {
		return
	}
	w.line("\n[conditions]")
	for _, n := range []struct {
		key string
		n   int
	}{{"hosting-domains", c.HostingDomains}, {"toolchain-origins", c.ToolchainOrigins}, {"rsa-bits", c.RSABits}} {
		if n.n != 0 {
			w.line("%s = %d", n.key, n.n)
		}
	}
	if c.Unreproduced {
		w.line("review = %s", quote(unreproduced))
	}
	if c.PortableNames {
		w.line("portable-names = true")
	}
}

// quote writes a TOML string: of several lines as such, so that a certificate
// can be read.
func quote(s string) string {
	plain := func(r rune) bool { return r >= ' ' && r <= '~' || r == '\n' }
	if strings.Contains(s, "\n") && !strings.Contains(s, "'''") && !strings.HasSuffix(s, "'") && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return "'''\n" + s + "'''"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString("\\" + string(r))
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
