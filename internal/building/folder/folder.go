// Package folder is the folder of a release: the archives, the record of how they
// were made, the unsigned statement of that, and the logs. It is gathered in a
// temporary place and appears whole.
package folder

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/scratch"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/statement"
)

// Folder is the folder of a release while it is gathered.
type Folder struct {
	Dir  string // where that happens
	Base string // what the names of archives, record and statement begin with
	Logs string // folder of what the steps printed, which need not exist
}

// RecordName returns the name of the record's file.
func (f *Folder) RecordName() string { return f.Base + ".build.json" }

// StatementName returns the name of the statement's file.
func (f *Folder) StatementName() string { return f.Base + ".statement.json" }

// WriteRecord writes the record.
func (f *Folder) WriteRecord(r *buildrecord.Record) error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.Dir, f.RecordName()), data, 0o644)
}

// WriteStatement writes the statement of what is in the record, which was written
// before, and returns it. A *refusal.Refusal says that there is none.
func (f *Folder) WriteStatement(r *buildrecord.Record, claims statement.Claims, rebuild *statement.Rebuild) ([]byte, error) {
	record, err := os.ReadFile(filepath.Join(f.Dir, f.RecordName()))
	if err != nil {
		return nil, err
	}
	s, err := statement.FromRecord(r, statement.Making{Claims: claims, RecordName: f.RecordName(), RecordDigest: sha256.Sum256(record), Rebuild: rebuild})
	if err != nil {
		return nil, err
	}
	payload, err := s.Encode()
	if err != nil {
		return nil, err
	}
	return payload, os.WriteFile(filepath.Join(f.Dir, f.StatementName()), payload, 0o644)
}

// Move lets the folder appear at a place where nothing is.
func (f *Folder) Move(to string) error {
	near, err := scratch.New(filepath.Dir(to), gathering) // the temporary folder may lie on another file system
	if err != nil {
		return cannotBeMade(filepath.Dir(to), err)
	}
	staged := filepath.Join(near.Dir, "release")
	err = durable.CopyFolder(staged, f.Dir)
	if err == nil {
		if err = durable.CopyFolder(filepath.Join(staged, "logs"), f.Logs); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(staged, to)
	}
	if err = errors.Join(err, near.Remove()); err != nil {
		return fmt.Errorf("writing the release: %w", err)
	}
	return durable.SyncFolder(filepath.Dir(to))
}

// CheckSame reports why a folder does not hold the same release: a run that was
// interrupted may have written it.
func (f *Folder) CheckSame(dir string, r *buildrecord.Record) error {
	err := f.sameRecord(dir, r)
	if err == nil {
		err = f.sameStatement(dir)
	}
	if err == nil {
		err = f.nothingElse(dir, r)
	}
	for _, a := range r.Archives {
		if err != nil {
			break
		}
		var got digest.SHA256
		if got, _, err = finding.SumFile(filepath.Join(dir, a.Name)); err == nil && got != a.SHA256 {
			err = fmt.Errorf("its %s is another", a.Name)
		}
	}
	return isAnother(dir, err)
}

func (f *Folder) sameRecord(dir string, r *buildrecord.Record) error {
	there, err := f.readRecord(dir)
	switch {
	case err != nil:
		return err
	case there.Built.Commit != r.Built.Commit:
		return fmt.Errorf("its record is of the built commit %v, not %v", there.Built.Commit, r.Built.Commit)
	case !reflect.DeepEqual(there.Environment, r.Environment):
		return errors.New("its record says that it was built in another environment")
	}
	return nil
}

// sameStatement compares the two statements in what they say of the release: times
// and builders may differ.
func (f *Folder) sameStatement(dir string) error {
	var said [2]digest.SHA256
	for i, at := range []string{dir, f.Dir} {
		data, err := os.ReadFile(filepath.Join(at, f.StatementName()))
		if err != nil {
			return err
		}
		s, err := statement.Parse(data)
		if err != nil {
			return err
		}
		said[i] = s.ReleaseDigest()
	}
	if said[0] != said[1] {
		return errors.New("its statement is of another release")
	}
	return nil
}

// nothingElse reports what a folder of a release holds beside it and signatures of
// it.
func (f *Folder) nothingElse(dir string, r *buildrecord.Record) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		known := strings.HasSuffix(e.Name(), entry.Extension) || e.Name() == f.RecordName() || e.Name() == f.StatementName() || e.Name() == "logs"
		for _, a := range r.Archives {
			known = known || e.Name() == a.Name
		}
		if !known {
			return fmt.Errorf("it holds %q, too", e.Name())
		}
	}
	return err
}
