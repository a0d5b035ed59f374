package lineage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitobject/treewalk"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
)

func add(t *testing.T, o *lineage.Objects, kind digest.ObjectType, content []byte) digest.ObjectID {
	t.Helper()
	id, err := digest.HashObject(digest.SHA1Format, kind, content)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Add(id, kind, content); err != nil {
		t.Fatal(err)
	}
	return id
}

func ruleOf(err error) refusal.Rule {
	refused, ok := errors.AsType[*refusal.Refusal](err)
	if !ok {
		return ""
	}
	return refused.Rule
}

// An object is what its id says, in type, content and format.
func TestAdd(t *testing.T) {
	var o lineage.Objects
	id := add(t, &o, digest.Tag, []byte("x"))
	for name, err := range map[string]error{
		"another content": o.Add(id, digest.Tag, []byte("y")),
		"another type":    o.Add(id, digest.Commit, []byte("x")),
	} {
		if ruleOf(err) != refusal.GitHash {
			t.Errorf("%s: %v, want %s", name, err, refusal.GitHash)
		}
	}
	if err := o.Add(id, digest.Tag, []byte("x")); err != nil {
		t.Errorf("twice: %v", err)
	}
}

// folder makes a tree object of entries of one mode.
func folder(t *testing.T, o *lineage.Objects, mode uint32, id digest.ObjectID, names ...string) digest.ObjectID {
	t.Helper()
	var entries []gitobject.TreeEntry
	for _, name := range names {
		entries = append(entries, gitobject.TreeEntry{Mode: mode, Name: name, ID: id})
	}
	content, err := gitobject.EncodeTree(digest.SHA1Format, entries)
	if err != nil {
		t.Fatal(err)
	}
	return add(t, o, digest.Tree, content)
}

// A tree is laid out only with all that it consists of, and only up to a size: a few
// small objects that name each other many times are found out soon.
func TestTree(t *testing.T) {
	var o lineage.Objects
	blob, err := digest.HashObject(digest.SHA1Format, digest.Blob, nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf := folder(t, &o, 0o100644, blob, "a", "b")
	top := folder(t, &o, treewalk.ModeDirectory, leaf, "x", "y")
	if laid, err := o.Tree(top); err != nil || laid.Len() != 4 {
		t.Errorf("%v, %v", laid, err)
	}
	missing := folder(t, &o, treewalk.ModeDirectory, blob, "x")
	if _, err := o.Tree(missing); err == nil || !strings.Contains(err.Error(), "not at hand") {
		t.Errorf("a tree that is not at hand: %v", err)
	}
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("%03d", i)
	}
	wide := leaf
	for range 10 {
		wide = folder(t, &o, treewalk.ModeDirectory, wide, names...)
	}
	deep := leaf
	for range gitobject.MaxTreeDepth + 1 {
		deep = folder(t, &o, treewalk.ModeDirectory, deep, "d")
	}
	for name, id := range map[string]digest.ObjectID{"100 to the tenth": wide, "deep": deep} {
		if _, err := o.Tree(id); ruleOf(err) != refusal.GitLimit {
			t.Errorf("%s: %v, want %s", name, err, refusal.GitLimit)
		}
	}
}

// Nothing at hand is no answer, to any question: never that it holds.
func TestNothingAtHand(t *testing.T) {
	s := &statement.Statement{}
	s.Identity.Commit.ID = mustID(t)
	s.Identity.Tree.ID, s.Outcome.Commit.ID, s.Outcome.BuiltTree.ID = mustID(t), mustID(t), mustID(t)
	for _, e := range []lineage.Evidence{{}, {Objects: &lineage.Objects{}}} {
		l := lineage.Trace(s, e)
		if l.Holds() {
			t.Error("it holds")
		}
		for q, a := range l.Answers {
			if a.State != lineage.NotLooked || a.Text == "" || a.Rule != "" {
				t.Errorf("%v: %+v", lineage.Question(q), a)
			}
		}
	}
	if new(lineage.Lineage).Holds() {
		t.Error("a lineage that nobody traced holds")
	}
}

func mustID(t *testing.T) digest.ObjectID {
	t.Helper()
	id, err := digest.ParseObjectID("1111111111111111111111111111111111111111")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Questions and states have names of their own.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for q := range lineage.IsSource + 2 {
		seen[q.String()] = true
	}
	for s := range lineage.Fails + 1 {
		seen[s.String()] = true
	}
	if len(seen) != int(lineage.IsSource)+2+int(lineage.Fails)+1 {
		t.Errorf("two have one name: %v", seen)
	}
}
