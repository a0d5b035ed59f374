package zipfile

import (
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Systems that a central header may name (4.4.2.2).
const (
	hostDOS    = 0 // what writers name that do not state Unix modes
	hostUnix   = 3
	hostDarwin = 19
)

// External attributes (4.4.15): the low byte is that of MS-DOS,
// the high half is st_mode where the system is a Unix.
const (
	dosReadOnly   = 0x01
	dosDirectory  = 0x10
	dosArchive    = 0x20
	unixExtension = 0x8000 // 7-Zip's mark that the high half is st_mode
	modeShift     = 16
)

// File type bits of st_mode (POSIX <sys/stat.h>; the values are every Unix's).
const (
	modeType      = 0o170000
	modeFile      = 0o100000
	modeDirectory = 0o040000
	modeSymlink   = 0o120000
	modePerm      = 0o007777
	// unstatedPerm stands in for permissions that the zip does not state.
	unstatedPerm = 0o644
)

// member returns what the entry is, by its name and its attributes, which
// must not contradict each other. A link's target is not yet in it.
func (e *entry) member() (Member, error) {
	m := Member{Name: e.name, Offset: int64(e.offset), Size: int64(e.size), Perm: unstatedPerm, Kind: tree.File, Exec: tree.ExecUnknown}
	if e.isDirectory() {
		m.Kind, m.Exec = tree.Directory, tree.NotExecutable
	}
	unix := e.host == hostUnix || e.host == hostDarwin
	mode := e.attributes >> modeShift
	switch {
	case !unix && e.host != hostDOS:
		return m, refusal.New(refusal.Mode, "the attributes are those of system %d, expected 0 (MS-DOS), 3 (Unix) or 19 (OS X)", e.host)
	case !unix && mode != 0:
		return m, refusal.New(refusal.Mode, "a Unix mode (%06o) in the attributes of an MS-DOS file: readers disagree whether it counts", mode)
	}
	if err := e.checkDOS(unix); err != nil || mode == 0 {
		return m, err
	}
	wanted := uint32(modeFile)
	if e.isDirectory() {
		wanted = modeDirectory
	}
	switch mode & modeType {
	case 0, wanted: // Python's zipfile leaves the type out for content that came from no file
	case modeSymlink:
		if e.isDirectory() {
			return m, refusal.New(refusal.Mode, "the mode %06o says symbolic link, the name's final slash directory", mode)
		}
		m.Kind = tree.Symlink
	default:
		return m, refusal.New(refusal.Mode, "the mode is %06o, which does not agree with the name, or is no file, directory or symbolic link", mode)
	}
	m.Perm = uint16(mode & modePerm)
	m.Exec = tree.NotExecutable
	if m.Kind == tree.File && mode&0o111 != 0 {
		m.Exec = tree.Executable
	}
	return m, nil
}

// checkDOS judges the low half of the attributes. Writers for Unix may leave
// the directory bit out; Go's archive/zip leaves all attributes out.
func (e *entry) checkDOS(unix bool) error {
	low := e.attributes & (1<<modeShift - 1)
	accepted := uint32(dosReadOnly | dosArchive)
	if e.isDirectory() {
		accepted |= dosDirectory
	}
	if unix && e.attributes>>modeShift != 0 {
		accepted |= unixExtension
	}
	if low&^accepted != 0 {
		return refusal.New(refusal.Mode, "the MS-DOS attributes are %#x, of which %#x does not agree with the name, or is not accepted", low, low&^accepted)
	}
	if !unix && e.isDirectory() && low != 0 && low&dosDirectory == 0 {
		return refusal.New(refusal.Mode, "the MS-DOS attributes %#x say file, the name's final slash directory", low)
	}
	return nil
}
