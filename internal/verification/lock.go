package verification

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/revision"
	"github.com/countermark/countermark/internal/verification/input"
)

// readLock reads the lock file: --lock's, which must exist unless it is about
// to be written, or the current folder's, if there is one.
func (v *verification) readLock() error {
	v.lockPath = v.o.Lock
	if v.lockPath == "" {
		v.lockPath = LockFileName
	}
	var err error
	v.lock, err = ReadLock(v.lockPath, v.o.Lock == "" || v.o.UpdateLock || v.o.MayLackLock)
	return err
}

// ReadLock reads a lock file, nil if there is none and it may lack. The error is a
// *report.Failure.
func ReadLock(path string, mayLack bool) (*lockfile.Lock, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && mayLack {
		return nil, nil
	}
	if err != nil {
		return nil, report.UsageFailure("", "reading the lock file: %v", err)
	}
	if !info.Mode().IsRegular() { // a device or pipe, perhaps through a link, may never end
		return nil, report.UsageFailure("", "the lock file %q is no regular file", path)
	}
	if info.Size() > lockfile.MaxFileBytes {
		return nil, report.UsageFailure("", "the lock file %q has %d bytes, at most %d are read", path, info.Size(), lockfile.MaxFileBytes)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, report.UsageFailure("", "reading the lock file: %v", err)
	}
	lock, err := lockfile.Parse(raw)
	if err != nil {
		return nil, report.UsageFailure("docs/spec/lock.md has the grammar", "reading the lock file %q: %v", path, err)
	}
	return lock, nil
}

// updateLock records this version and its differences. A run that finds
// unrecorded differences still ends with status 1: that a person has looked
// shows when the next run passes.
func (v *verification) updateLock(result *compare.Report, contents *archive.Contents) error {
	if v.doc.Exit == compare.Incomplete.Exit() || result.Count(compare.Unchecked) > 0 {
		return &report.Failure{Code: report.NotComplete, Detail: "the lock file was not written: some paths could not be decided", Hint: "--all lists them"}
	}
	if v.doc.Claim != nil && !v.doc.Claim.SameTree {
		return &report.Failure{Code: report.Failed, Detail: "the lock file was not written: the archive says that it was made from another commit"}
	}
	if v.doc.Moved != nil && !v.doc.Moved.SameTree {
		return &report.Failure{Code: report.Failed, Detail: fmt.Sprintf("the lock file was not written: %s led to commit %s when it was recorded", v.target.ref, v.doc.Moved.Commit),
			Hint: "ask the project why the tag moved; to accept it, replace the verified lines of the lock file by \"verified -\""}
	}
	if result.Collided() || contents.Identity.Collision {
		return &report.Failure{Code: report.Failed, Detail: "the lock file was not written: a file carries a SHA-1 collision attack", Hint: "do not use this release"}
	}
	if err := v.unsigned(); err != nil {
		return err
	}
	next := &lockfile.Lock{ToolFiles: v.toolFileLines(result)}
	next.Accepted = result.Differences(next.ToolFiles, v.known)
	if v.lock != nil {
		next.Repository, next.TagPattern, next.Root = v.lock.Repository, v.lock.TagPattern, v.lock.Root
	}
	if v.signed != nil {
		next.TagKeys, next.ArchiveKeys = v.signed.Pins()
	}
	if gitrepo.IsRemote(v.o.Repository) {
		next.Repository = v.o.Repository
	}
	_, version, ok := revision.VersionOfName(input.BaseName(v.o.Archives[0]))
	if !ok {
		version = strings.TrimPrefix(v.target.ref, "refs/tags/")
	}
	if lockfile.CheckVersion(version) != nil {
		version = v.target.ID.Short()
	}
	if tag := strings.TrimPrefix(v.target.ref, "refs/tags/"); next.TagPattern == "" && strings.Count(tag, version) == 1 {
		next.TagPattern = strings.Replace(tag, version, lockfile.Placeholder, 1)
	}
	next.Verified = &lockfile.Verified{Version: version, Ref: v.target.ref, Tag: v.target.tag, Commit: v.target.ID,
		Tree: v.target.Tree, Archive: contents.SHA256, Tar: contents.TarSHA256}
	data, err := next.Marshal()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(v.lockPath, data); err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	if next.Repository == "" {
		v.doc.Notes = append(v.doc.Notes, "the lock file names no repository, so the next run needs --repo too; recording with --repo URL would name it")
	}
	v.doc.Lock = &report.Lock{File: v.lockPath, Accepted: result.Accepted(), AsTools: result.AcceptedAsToolFiles(), Stale: []string{}, Updated: true}
	return nil
}

// toolFileLines returns the lines for tools' files of the next lock file: those
// of the last one, and with --by-label one for each tool's file that none of
// these accepts, from the lowest version on that ships this content.
func (v *verification) toolFileLines(result *compare.Report) []lockfile.ToolFile {
	var lines []lockfile.ToolFile
	if v.lock != nil {
		lines = slices.Clone(v.lock.ToolFiles)
	}
	if !v.o.ByLabel {
		return lines
	}
	for _, a := range result.Differences(lines, v.known) {
		origins := v.known[a.Path]
		name := filepath.Base(string(a.Path))
		if len(origins) == 0 || slices.ContainsFunc(lines, func(t lockfile.ToolFile) bool { return t.Path == string(a.Path) }) {
			continue
		}
		if best := knownfile.Best(origins, name); filepath.Base(best.Path) == name {
			lines = append(lines, lockfile.ToolFile{Class: a.Class, Tool: best.Tool, MinVersion: best.First, Mode: a.Mode, Path: string(a.Path)})
		}
	}
	return lines
}
