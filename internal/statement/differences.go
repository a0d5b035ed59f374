package statement

import (
	"bytes"

	"github.com/countermark/countermark/internal/canonicaljson"
)

// Differences returns in what of identity and outcome two statements differ, in
// words: none just if their release digests are equal.
func (s *Statement) Differences(other *Statement) []string {
	var found []string
	for _, part := range []struct {
		one, other object
		names      [][2]string // member, in words
	}{
		{s.Identity.json(), other.Identity.json(), [][2]string{
			{"project", "project"}, {"version", "version"}, {"tagRef", "name of the source tag"}, {"tag", "source tag"},
			{"commit", "source commit"}, {"tree", "source tree"}, {"recipe", "recipe"},
		}},
		{s.Outcome.json(), other.Outcome.json(), [][2]string{
			{"top", "top directory"}, {"commit", "built commit"}, {"builtTree", "built tree"}, {"archiveTree", "tree of the archives"},
			{"tar", "tar"}, {"filtered", "files that git's filters make"},
		}},
	} {
		for _, name := range part.names {
			if !bytes.Equal(canonicaljson.Encode(part.one[name[0]]), canonicaljson.Encode(part.other[name[0]])) {
				found = append(found, name[1])
			}
		}
	}
	return found
}
