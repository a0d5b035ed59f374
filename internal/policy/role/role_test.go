package role

import (
	"slices"
	"testing"
)

func TestRole(t *testing.T) {
	seen := map[string]bool{}
	for r := range Withdrawer + 1 {
		if seen[r.String()] {
			t.Errorf("two roles are called %q", r)
		}
		seen[r.String()] = true
	}
	if (Withdrawer+1).String() != "none" || len(All()) != int(ReleaseManager) || Builder.ByPeople() || Rebuilder.ByPeople() || !Owner.ByPeople() {
		t.Error("the roles are not those that they were")
	}
}

func TestSet(t *testing.T) {
	s := SetOf(Source, ReleaseManager)
	if !s.Has(Source) || s.Has(Builder) || !s.Has(ReleaseManager) || s.Has(0) || !slices.Equal(s.Roles(), []Role{Source, ReleaseManager}) || Set(0).Roles() != nil {
		t.Errorf("got %b", s)
	}
	if !slices.Equal(Made().Roles(), []Role{Builder, Rebuilder, ReleaseManager}) {
		t.Error("those who make a release are others")
	}
}
