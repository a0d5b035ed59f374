package folder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/building/scratch"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/report"
)

// gathering begins the names of the folders, beside its place, in which a release
// is put together.
const gathering = ".countermark-release-"

// Release is what is known of a release before it is built.
type Release struct {
	Source digest.ObjectID // commit
	Recipe digest.SHA256
}

// CheckPlace looks at a place before anything is built, which may take an hour: it
// holds what seems to be this very release, or does not exist and lies where a folder
// can be made. What killed builds left beside it is removed. The error is a
// *report.Failure, or the file system's if there is no room.
func (f *Folder) CheckPlace(to string, r Release) error {
	parent := filepath.Dir(to)
	scratch.RemoveStale(parent, gathering)
	if _, err := os.Lstat(to); err == nil {
		return isAnother(to, f.seemsSame(to, r))
	}
	probe, err := scratch.New(parent, gathering)
	if err == nil {
		err = probe.Remove()
	}
	return cannotBeMade(parent, err)
}

// cannotBeMade is the failure of a place where no folder can be made.
func cannotBeMade(parent string, err error) error {
	if err == nil || report.FailureOf(err, report.Usage).Code != report.Usage { // no room
		return err
	}
	if p, ok := errors.AsType[*os.PathError](err); ok {
		err = fmt.Errorf("%s: %w", parent, p.Err)
	}
	return report.UsageFailure("--output names the folder to be made", "the folder of the release cannot be made: %v", err)
}

// isAnother is the failure of a place that is taken, by what err says.
func isAnother(dir string, err error) error {
	if err == nil {
		return nil
	}
	return report.UsageFailure("name another one with --output, or move this one away", "the folder %q is there and is not this release: %v", dir, err)
}

// seemsSame reports why a folder cannot be that of the release.
func (f *Folder) seemsSame(dir string, r Release) error {
	record, err := f.readRecord(dir)
	switch {
	case err != nil:
		return err
	case record.Source.Commit != r.Source:
		return fmt.Errorf("its record is of the source commit %v, not %v", record.Source.Commit, r.Source)
	case record.Recipe.SHA256 != r.Recipe:
		return fmt.Errorf("its record is of the recipe %v, not %v", record.Recipe.SHA256, r.Recipe)
	}
	return f.nothingElse(dir, record)
}

func (f *Folder) readRecord(dir string) (*buildrecord.Record, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, errors.New("it is no folder")
	}
	return ReadRecord(filepath.Join(dir, f.RecordName()))
}

// ReadRecord reads the file of a record. The error is an *os.PathError, or says what
// in the file is no record.
func ReadRecord(path string) (*buildrecord.Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, buildrecord.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return buildrecord.Parse(data)
}
