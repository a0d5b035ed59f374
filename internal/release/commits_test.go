package release_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
)

// gitSigned returns a commit with a signature of git's own.
func gitSigned(raw, sig []byte) []byte {
	header, message, _ := bytes.Cut(raw, []byte("\n\n"))
	folded := strings.ReplaceAll(strings.TrimRight(string(sig), "\n"), "\n", "\n ")
	return fmt.Appendf(nil, "%s\ngpgsig %s\n\n%s", header, folded, message)
}

// gitSign returns a commit signed by a party.
func (w *world) gitSign(raw []byte, name string) []byte {
	return gitSigned(raw, w.parties[name].key.Sign(signature.GitNamespace.Namespace(), raw))
}

// objectsWith returns the objects of a release, with its built commit replaced by
// others, and with what else is given.
func (w *world) objectsWith(m *made, commits ...[]byte) *lineage.Objects {
	o := &lineage.Objects{}
	for id, object := range m.objects {
		if id != m.outcome.Commit.ID {
			w.must(o.Add(id, object.kind, object.content))
		}
	}
	for _, raw := range commits {
		id, err := digest.HashObject(format, digest.Commit, raw)
		w.must(err)
		w.must(o.Add(id, digest.Commit, raw))
	}
	return o
}

// builtCommit is the built commit, unsigned.
func (m *made) builtCommit() []byte { return m.objects[m.outcome.Commit.ID].content }

// rewritten returns the objects with the built commit as git commit --amend
// --signoff makes it.
func (w *world) rewritten(m *made) *lineage.Objects {
	return w.objectsWith(m, append(bytes.Clone(m.builtCommit()), "Signed-off-by: Ben <ben@example.org>\n"...))
}

// merged returns the evidence of a release whose source commit holds a tag that saki
// signed, but whose own tag is as the change says.
func (w *world) merged(change func(*plan)) release.Evidence {
	tag := []byte("object 1111111111111111111111111111111111111111\ntype commit\ntag v1.0\ntagger A U Thor <a@example.org> 1700000000 +0000\n\nother\n")
	tag = append(tag, w.parties["saki"].key.Sign(signature.GitNamespace.Namespace(), tag)...)
	folded := strings.ReplaceAll(strings.TrimRight(string(tag), "\n"), "\n", "\n ")
	return w.fresh(func(p *plan) {
		p.headers = "mergetag " + folded + "\n"
		change(p)
	})
}

// blessing returns a commit that blesses a built one by a statement.
func (w *world) blessing(m *made, parent, tree digest.ObjectID, statement digest.SHA256) []byte {
	return fmt.Appendf(nil, "tree %v\nparent %v\nauthor Ben <ben@example.org> %d +0000\ncommitter Ben <ben@example.org> %d +0000\n\nBless hello %s\n\nStatement-sha256: %v\nSigned-off-by: Ben <ben@example.org>\n", tree, parent, epoch, epoch, m.version, statement)
}

func commitID(w *world, raw []byte) digest.ObjectID {
	id, err := digest.HashObject(format, digest.Commit, raw)
	w.must(err)
	return id
}

// flipped returns an armoured signature with one bit of its value changed.
func flipped(raw []byte) []byte {
	at := bytes.LastIndex(raw, []byte("\n -----END")) - 12
	raw = bytes.Clone(raw)
	raw[at] = map[bool]byte{true: 'B', false: 'A'}[raw[at] == 'A']
	return raw
}

// Signatures of git's own never count, but must be good where they are; and what
// blesses a release must bless it and no other.
func TestCommits(t *testing.T) {
	type commits func(w *world, m *made, released digest.SHA256) [][]byte
	signedBuilt := func(w *world, m *made) []byte { return w.gitSign(m.builtCommit(), "ci") }
	blessed := func(w *world, m *made, change func(parent, tree *digest.ObjectID, d *digest.SHA256), by string, d digest.SHA256) [][]byte {
		built := signedBuilt(w, m)
		parent, tree := commitID(w, built), m.outcome.BuiltTree.ID
		change(&parent, &tree, &d)
		b := w.blessing(m, parent, tree, d)
		if by != "" {
			b = w.gitSign(b, by)
		}
		return [][]byte{built, b}
	}
	keep := func(*digest.ObjectID, *digest.ObjectID, *digest.SHA256) {}
	insert := func(old, new string) commits {
		return func(w *world, m *made, _ digest.SHA256) [][]byte {
			return [][]byte{bytes.Replace(signedBuilt(w, m), []byte(old), []byte(new), 1)}
		}
	}
	for _, c := range []struct {
		name    string
		commits commits
		want    string
		exit    int
	}{
		{"an unsigned built commit", func(_ *world, m *made, _ digest.SHA256) [][]byte { return [][]byte{m.builtCommit()} }, "", 0},
		{"signed by the builder", func(w *world, m *made, _ digest.SHA256) [][]byte { return [][]byte{signedBuilt(w, m)} }, "", 0},
		{"both", func(w *world, m *made, _ digest.SHA256) [][]byte { return [][]byte{signedBuilt(w, m), m.builtCommit()} }, "", 0},
		{"a flipped bit", func(w *world, m *made, _ digest.SHA256) [][]byte { return [][]byte{flipped(signedBuilt(w, m))} }, "REL_BUILT", 1},
		{"signed by a stranger", func(w *world, m *made, _ digest.SHA256) [][]byte {
			return [][]byte{w.gitSign(m.builtCommit(), "stranger")}
		}, "REL_BUILT", 1},
		{"a good one and one by a stranger", func(w *world, m *made, _ digest.SHA256) [][]byte {
			return [][]byte{signedBuilt(w, m), w.gitSign(m.builtCommit(), "stranger")}
		}, "REL_BUILT", 1},
		{"a signature over another commit", func(w *world, m *made, _ digest.SHA256) [][]byte {
			other := append(bytes.Clone(m.builtCommit()), '\n')
			return [][]byte{gitSigned(m.builtCommit(), w.parties["ci"].key.Sign("git", other))}
		}, "REL_BUILT", 1},
		{"a signature for statements", func(w *world, m *made, _ digest.SHA256) [][]byte {
			return [][]byte{gitSigned(m.builtCommit(), w.parties["ci"].key.Sign(signature.StatementNamespace.Namespace(), m.builtCommit()))}
		}, "REL_BUILT", 1},
		{"G13 two trees", insert("\nparent", "\ntree 1111111111111111111111111111111111111111\nparent"), "", 3},
		{"G13 an unknown header", insert("\ngpgsig ", "\nx y\ngpgsig "), "", 3},
		{"G13 a parent more", insert("\nauthor", "\nparent 1111111111111111111111111111111111111111\nauthor"), "", 3},
		{"G14 a header that git does not sign", insert("\ngpgsig ", "\ngpgsig-sha256 x\ngpgsig "), "", 3},
		{"G14 text behind the armour", insert("SIGNATURE-----\n\n", "SIGNATURE-----\n x\n\n"), "", 3},
		{"a blessing", func(w *world, m *made, d digest.SHA256) [][]byte { return blessed(w, m, keep, "ben", d) }, "", 0},
		{"an unsigned blessing", func(w *world, m *made, d digest.SHA256) [][]byte { return blessed(w, m, keep, "", d) }, "", 0},
		{"two blessings", func(w *world, m *made, d digest.SHA256) [][]byte {
			return append(blessed(w, m, keep, "ben", d), blessed(w, m, keep, "", d)[1])
		}, "", 0},
		{"a blessing of the unsigned commit", func(w *world, m *made, d digest.SHA256) [][]byte {
			return blessed(w, m, func(parent, _ *digest.ObjectID, _ *digest.SHA256) { *parent = m.outcome.Commit.ID }, "ben", d)
		}, "", 0},
		{"a blessing with a flipped bit", func(w *world, m *made, d digest.SHA256) [][]byte {
			all := blessed(w, m, keep, "ben", d)
			return [][]byte{all[0], flipped(all[1])}
		}, "REL_BUILT", 1},
		{"a blessing by a stranger", func(w *world, m *made, d digest.SHA256) [][]byte { return blessed(w, m, keep, "stranger", d) }, "REL_BUILT", 1},
		{"a blessing by another statement", func(w *world, m *made, d digest.SHA256) [][]byte {
			return blessed(w, m, func(_, _ *digest.ObjectID, d *digest.SHA256) { d[0] ^= 1 }, "ben", d)
		}, "REL_BUILT", 1},
		{"a blessing by a build statement", func(w *world, m *made, d digest.SHA256) [][]byte {
			return blessed(w, m, func(_, _ *digest.ObjectID, d *digest.SHA256) { *d = sha256.Sum256(encoded(w, m.build())) }, "ben", d)
		}, "REL_BUILT", 1},
		{"a blessing of another tree", func(w *world, m *made, d digest.SHA256) [][]byte {
			return blessed(w, m, func(_, tree *digest.ObjectID, _ *digest.SHA256) { *tree = m.identity.Tree.ID }, "ben", d)
		}, "REL_BUILT", 1},
		{"a blessing of another parent", func(w *world, m *made, d digest.SHA256) [][]byte {
			return blessed(w, m, func(parent, _ *digest.ObjectID, _ *digest.SHA256) { *parent = m.identity.Commit.ID }, "ben", d)
		}, "REL_BUILT", 1},
		{"a blessing of another release", func(w *world, m *made, d digest.SHA256) [][]byte {
			return blessed(w, m, func(parent, _ *digest.ObjectID, d *digest.SHA256) { *parent, d[0] = m.identity.Commit.ID, d[0]^1 }, "ben", d)
		}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, helloPolicy)
			w.addKey("stranger")
			m := w.makeRelease(honest())
			e := w.evidence(m, w.vouch(m)...)
			e.Objects = w.objectsWith(m, c.commits(w, m, sha256.Sum256(e.Statements[3].Payload))...)
			if rule, exit, text := answer(e); rule != c.want || exit != c.exit {
				t.Errorf("exit %d, want %d; %q, want %q: %s", exit, c.exit, rule, c.want, text)
			}
		})
	}
}
