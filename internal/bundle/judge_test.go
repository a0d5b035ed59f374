package bundle

import (
	"errors"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// No collision is known that is one behind git's header, so none can be read here.
func TestJudge(t *testing.T) {
	id, err := digest.HashObject(digest.SHA1Format, digest.Tree, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := Object{Type: digest.Tree, ID: id}
	if err := o.judge(id, nil); err != nil {
		t.Error(err)
	}
	for rule, err := range map[refusal.Rule]error{
		refusal.GitSHA1Collision: o.judge(id, digest.ErrCollision),
		refusal.GitHash:          o.judge(digest.ObjectID{}, nil),
	} {
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
			t.Errorf("%v, want %s", err, rule)
		}
	}
}
