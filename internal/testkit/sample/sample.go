// Package sample makes statements and envelopes that are well-formed and mean
// nothing, for the tests of packages that only carry them. The signatures are
// none: whoever verifies needs others.
package sample

import (
	"fmt"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/statement"
)

// Statement returns a withdrawal of a version, with n in its reason.
func Statement(tb testing.TB, version string, n int) *statement.Statement {
	tb.Helper()
	raw := make([]byte, digest.SHA1Format.Size())
	raw[0] = 1
	id := digest.ObjectIDFromBytes(digest.SHA1Format, raw)
	sum := digest.SHA256{1}
	long := digest.ObjectIDFromBytes(digest.SHA256Format, sum[:])
	object, tree := statement.Object{ID: id, SHA256: sum}, statement.Tree{ID: id, SHA256: long}
	return &statement.Statement{
		Kind: statement.KindWithdrawal, Issued: 1711713600,
		Identity:   statement.Identity{Project: "https://hello.example", Version: version, TagRef: "refs/tags/v" + version, Tag: object, Commit: object, Tree: tree, Recipe: sum},
		Outcome:    statement.Outcome{Top: "hello-" + version, Commit: object, BuiltTree: tree, ArchiveTree: tree, Tar: sum},
		Archives:   []statement.Archive{{Name: "hello-" + version + ".tar.gz", SHA256: sum}},
		Withdrawal: &statement.Withdrawal{Why: fmt.Sprintf("reason %d", n)},
	}
}

// Envelope returns the envelope of Statement.
func Envelope(tb testing.TB, version string, n int) dsse.Envelope {
	tb.Helper()
	payload, err := Statement(tb, version, n).Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return dsse.Envelope{PayloadType: dsse.StatementType, Payload: payload, Signatures: []dsse.Signature{{KeyID: "SHA256:none", Sig: []byte("none")}}}
}

// Policy returns an envelope of a policy, with n in it.
func Policy(n int) dsse.Envelope {
	return dsse.Envelope{PayloadType: dsse.PolicyType, Payload: fmt.Appendf(nil, "version = %d\n", n), Signatures: []dsse.Signature{{KeyID: "SHA256:none", Sig: []byte("none")}}}
}
