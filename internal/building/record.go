package building

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/recipe"
)

// finishRecord fills in what is known from the beginning, and writes the record
// into the folder of the release.
func (b *build) finishRecord(ctx context.Context) error {
	r := b.record
	r.Project, r.Version = string(b.source.Recipe.Project.URL), string(b.source.Version)
	r.Recipe = buildrecord.Recipe{SHA256: b.source.Recipe.Digest, Origin: b.source.Origin}
	var err error
	if r.Source, err = b.source.Record(ctx, b.laid); err != nil {
		return err
	}
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
