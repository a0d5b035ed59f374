package compare_test

import (
	"testing"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/tree"
)

const (
	acceptArchive = "f a=1, f added=1, x mode=1, f changed=2, s special, d empty"
	acceptCommit  = "f a=1, f mode=1, f changed=1, f missing=1"
)

func compared(t testing.TB) *compare.Report {
	t.Helper()
	r, err := compare.Compare(compare.Input{Archive: treeOf(t, acceptArchive), Commit: treeOf(t, acceptCommit)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAcceptAll: a lock file made of the differences accepts them, and goes
// through its own format.
func TestAcceptAll(t *testing.T) {
	r := compared(t)
	lock := &lockfile.Lock{Accepted: r.Differences(nil, nil)}
	if len(lock.Accepted) != 6 || r.Verdict() != compare.Differs {
		t.Fatalf("%d differences, %v", len(lock.Accepted), r.Verdict())
	}
	raw, err := lock.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if lock, err = lockfile.Parse(raw); err != nil {
		t.Fatal(err)
	}
	r.Accept(lock, nil)
	if r.Verdict() != compare.Recorded || r.Accepted() != 6 || len(r.Stale()) != 0 {
		t.Errorf("%v, %d accepted, stale %v", r.Verdict(), r.Accepted(), r.Stale())
	}
	for result := range r.Results() {
		if !result.Accepted {
			t.Errorf("%s is not accepted", result.Path)
		}
	}
	r.Accept(&lockfile.Lock{}, nil)
	if r.Verdict() != compare.Differs || r.Accepted() != 0 {
		t.Errorf("accepting nothing: %v, %d accepted", r.Verdict(), r.Accepted())
	}
	for result := range r.Results() {
		if result.Accepted {
			t.Errorf("%s is still accepted", result.Path)
		}
	}
}

// TestAcceptIsExact alters each accepted line in each field.
func TestAcceptIsExact(t *testing.T) {
	full, other := compared(t).Differences(nil, nil), entry("f x=another")
	for i := range full {
		for name, alter := range map[string]func(*lockfile.Accepted){
			"class": func(a *lockfile.Accepted) { a.Class = lockfile.FilteredRefs },
			"blob":  func(a *lockfile.Accepted) { a.Blob = other.IDs.In(digest.SHA256Format) },
			"mode":  func(a *lockfile.Accepted) { a.Mode = 0o120000 },
			"path":  func(a *lockfile.Accepted) { a.Path += "x" },
		} {
			lock := &lockfile.Lock{Accepted: compared(t).Differences(nil, nil)}
			alter(&lock.Accepted[i])
			r := compared(t)
			r.Accept(lock, nil)
			if r.Verdict().Exit() == 0 || r.Accepted() != 5 || len(r.Stale()) != 1 {
				t.Errorf("%s of %s: %v, %d accepted, stale %v", name, full[i].Path, r.Verdict(), r.Accepted(), r.Stale())
			}
		}
	}
}

// TestStaleLinesDoNotMatter: what is recorded and no longer occurs is named,
// and does not worsen the verdict.
func TestStaleLinesDoNotMatter(t *testing.T) {
	r := compared(t)
	r.Accept(&lockfile.Lock{Accepted: append(r.Differences(nil, nil), lockfile.Accepted{Class: lockfile.Missing, Path: "gone"})}, nil)
	if r.Verdict() != compare.Recorded || len(r.Stale()) != 1 || r.Stale()[0].Path != "gone" {
		t.Errorf("%v, stale %v", r.Verdict(), r.Stale())
	}
}

// TestWhatCannotBeAccepted: collisions, undecided files, and evidence against
// the commit.
func TestWhatCannotBeAccepted(t *testing.T) {
	e := entry("f a=1")
	e.Collision = true
	collided, err := compare.Compare(compare.Input{Archive: build(t, []tree.Entry{e})})
	if err != nil || len(collided.Differences(nil, nil)) != 0 {
		t.Errorf("%v, %v", err, collided.Differences(nil, nil))
	}
	collided.Accept(&lockfile.Lock{Accepted: []lockfile.Accepted{{Class: lockfile.Changed, Path: "a", Mode: 0o100644, Blob: e.IDs.In(digest.SHA256Format)}}}, nil)
	if collided.Verdict() != compare.Differs {
		t.Errorf("a collision was accepted: %v", collided.Verdict())
	}
	limbo := compare.Input{Archive: treeOf(t, "f a=1"), Commit: treeOf(t, "f a=2"), Limbo: func(tree.Path) string { return "unknown" }}
	undecided, err := compare.Compare(limbo)
	if err != nil || len(undecided.Differences(nil, nil)) != 0 {
		t.Errorf("%v, %v", err, undecided.Differences(nil, nil))
	}
	for _, refuteFirst := range []bool{true, false} {
		r := compared(t)
		lock := &lockfile.Lock{Accepted: r.Differences(nil, nil)}
		if refuteFirst {
			r.Refute()
		}
		r.Accept(lock, nil)
		if !refuteFirst {
			r.Refute()
		}
		if r.Verdict() != compare.Differs {
			t.Errorf("refuted first: %v: the verdict is %v", refuteFirst, r.Verdict())
		}
	}
}
