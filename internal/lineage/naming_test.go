package lineage_test

import (
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/statement"
)

// A file is one that a statement names if name and bytes are those of one archive;
// else by its tar, which no zip has.
func TestNamed(t *testing.T) {
	gz, zip, tar := digest.SHA256{1}, digest.SHA256{2}, digest.SHA256{3}
	s := &statement.Statement{Outcome: statement.Outcome{Tar: tar}, Archives: []statement.Archive{{Name: "a-1.tar.gz", SHA256: gz}, {Name: "a-1.zip", SHA256: zip}}}
	for _, c := range []struct {
		name           string
		sum, tar       digest.SHA256
		same, repacked bool
	}{
		{"a-1.tar.gz", gz, tar, true, true},
		{"a-1.tar.gz", digest.SHA256{9}, tar, false, true},
		{"a-1.tar.gz", digest.SHA256{9}, digest.SHA256{9}, false, false},
		{"a-1.tar.gz", zip, digest.SHA256{}, false, false},
		{"a-1.zip", zip, digest.SHA256{}, true, false},
		{"a-1.zip", gz, tar, false, false},
		{"a-1.zip", digest.SHA256{9}, digest.SHA256{}, false, false},
		{"a-2.zip", zip, digest.SHA256{}, false, false},
		{"", zip, digest.SHA256{}, true, false},
		{"", digest.SHA256{9}, tar, false, true},
		{"", digest.SHA256{9}, digest.SHA256{}, false, false},
	} {
		same, repacked := lineage.Named(s, lineage.File{Name: c.name, Contents: &archive.Contents{SHA256: c.sum, TarSHA256: c.tar}})
		if same != c.same || repacked != c.repacked {
			t.Errorf("%q, %v, %v: %t, %t", c.name, c.sum, c.tar, same, repacked)
		}
	}
	none := &statement.Statement{Archives: s.Archives[1:]}
	if _, repacked := lineage.Named(none, lineage.File{Contents: &archive.Contents{TarSHA256: digest.SHA256{}}}); repacked {
		t.Error("a release of zips alone has no tar")
	}
}
