package release_test

import (
	"bytes"
	"fmt"
	"strings"

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
