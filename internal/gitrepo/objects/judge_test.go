package objects

import (
	"errors"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// No git object that carries a SHA-1 collision is public, so the finding is
// put in where the hash returns it. Reading is tested in package gitrepo.
func TestJudge(t *testing.T) {
	content := []byte("content")
	id, err := digest.HashObject(digest.SHA1Format, digest.Blob, content)
	if err != nil {
		t.Fatal(err)
	}
	var ids, other digest.IDs
	ids.Set(id)
	other.SHA1[0] = 1
	o := Object{Type: digest.Blob, SizeBytes: int64(len(content)), Content: content}
	for _, tt := range []struct {
		name string
		ids  digest.IDs
		err  error
		rule refusal.Rule
	}{
		{"the same", ids, nil, ""},
		{"another", other, nil, refusal.GitHash},
		{"none", digest.IDs{}, nil, refusal.GitHash},
		{"a collision", ids, digest.ErrCollision, refusal.GitSHA1Collision},
		{"a collision with another id", other, digest.ErrCollision, refusal.GitSHA1Collision},
	} {
		err := judge(id, o, tt.ids, tt.err)
		if tt.rule == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != tt.rule || r.Member != id.String() {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.rule)
		}
	}
}
