package building

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/recipe"
)

// finishRecord fills in what is known from the beginning, and writes the record
// into the folder of the release.
func (b *build) finishRecord() error {
	r := b.record
	r.Project, r.Version = string(b.source.Recipe.Project.URL), string(b.source.Version)
	r.Recipe = buildrecord.Recipe{SHA256: b.source.Recipe.Digest, Origin: b.source.Origin}
	r.Source.Ref, r.Source.Tag, r.Source.Commit = b.source.Ref.Name, b.source.TagID, b.source.CommitID
	r.Source.Tree, r.Source.Time, r.Source.Submodules = b.source.Commit.Tree, b.source.Epoch(), b.source.Submodules
	slices.SortFunc(r.Inputs, func(x, y buildrecord.Input) int { return strings.Compare(string(x.Path), string(y.Path)) })
	data, err := r.Encode()
	if err != nil {
		return err
	}
	b.result.Record = r
	return os.WriteFile(filepath.Join(b.release(), b.recordName()), data, 0o644)
}

// recordName returns the name of the record's file.
func (b *build) recordName() string {
	return strings.TrimSuffix(b.source.Recipe.ArchiveName(b.source.Version, recipe.TarGz), "."+recipe.TarGz.String()) + ".build.json"
}
