// Package command holds the command lines of the programs that compress: gzip,
// bzip2, xz, zstd, zip. It starts nothing, so that they can be run here, or in a
// sandbox, or be written down and run by somebody else.
//
// The same line of the same version of a program gives the same bytes from the
// same input, however the input comes through the pipe. What other versions give
// is up to them.
package command

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/envelope"
)

// Line is a program and its arguments. But for zip's it compresses standard input
// to standard output.
type Line struct {
	Program string // its name, looked up in PATH
	Args    []string
}

// Vector returns the program's name and its arguments.
func (l Line) Vector() []string { return slices.Concat([]string{l.Program}, l.Args) }

// String returns the line as a POSIX shell reads it.
func (l Line) String() string {
	words := l.Vector()
	for i, w := range words {
		if w == "" || strings.ContainsFunc(w, needsQuote) {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// needsQuote reports whether a character may mean something to a shell.
func needsQuote(r rune) bool {
	plain := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_=,./+:@%", r)
	return !plain
}

// Environment is all that the programs are to find in their environment, beside
// PATH: no GZIP, BZIP2, XZ_DEFAULTS, XZ_OPT, ZSTD_CLEVEL, ZIPOPT, which would add
// options. zip writes local times.
func Environment() []string { return []string{"LC_ALL=C", "TZ=UTC"} }

// Settings are what a release chooses.
type Settings struct {
	Format  envelope.Format // Gzip, Bzip2, XZ, Zstd or Zip
	Level   int             // gzip, bzip2 and zip: 1 to 9; xz: 0 to 9; zstd: 1 to 22
	Threads int             // 1, or for xz and zstd also more; never changes the bytes but from 1 to 2 of xz
}

// maxThreads is more than machines have; it keeps a typing error from xz.
const maxThreads = 1024

// New returns the line of the settings, with all that decides about the bytes
// spelled out. The error says which setting means nothing.
//
// With one thread xz writes one block without its sizes; with two or more it
// writes blocks of three times the dictionary (xz(1), --block-size) with
// their sizes, the same for any number. In either mode --no-adjust keeps it from
// choosing a smaller dictionary where memory is limited: it fails instead. gzip
// gets -n, bzip2 keeps nothing of its input's name and time, and as all of
// them read a pipe, zstd cannot tell the size of the content in its header.
func New(s Settings) (Line, error) {
	lowest, highest := 1, 9
	switch s.Format {
	case envelope.XZ:
		lowest = 0
	case envelope.Zstd:
		highest = 22
	}
	parallel := s.Format == envelope.XZ || s.Format == envelope.Zstd
	level, threads := "-"+strconv.Itoa(s.Level), "-T"+strconv.Itoa(s.Threads)
	switch {
	case s.Level < lowest || s.Level > highest:
		return Line{}, fmt.Errorf("the level of %v is %d, expected %d to %d", s.Format, s.Level, lowest, highest)
	case s.Threads < 1 || s.Threads > maxThreads:
		return Line{}, fmt.Errorf("the number of threads is %d, expected 1 to %d", s.Threads, maxThreads)
	case s.Threads > 1 && !parallel:
		return Line{}, fmt.Errorf("%v has %d threads, only xz and zstd can have more than 1", s.Format, s.Threads)
	}
	switch s.Format {
	case envelope.Gzip:
		return Line{"gzip", []string{level, "-n", "-c"}}, nil
	case envelope.Bzip2:
		return Line{"bzip2", []string{level, "-z", "-c"}}, nil
	case envelope.XZ:
		return Line{"xz", []string{level, threads, "--format=xz", "--check=crc64", "--no-adjust", "-z", "-c"}}, nil
	case envelope.Zstd:
		args := []string{level, threads, "--check", "-q", "-z", "-c"}
		if s.Level > maxPlainZstdLevel {
			args = slices.Insert(args, 0, "--ultra")
		}
		return Line{"zstd", args}, nil
	case envelope.Zip:
		return zip(level), nil
	}
	return Line{}, fmt.Errorf("no program compresses to %v", s.Format)
}

// maxPlainZstdLevel is the highest level that zstd accepts without --ultra
// (zstd(1)).
const maxPlainZstdLevel = 19

// zip reads the list of ZipList from standard input, runs in the folder that holds
// what it lists, and writes the zip to standard output. -X leaves out owners and
// the times other than that of MS-DOS, -D directories; -y keeps links, -nw takes
// names as they are. The times are those of the files, to two seconds.
func zip(level string) Line {
	return Line{"zip", []string{level, "-X", "-D", "-y", "-nw", "-q", "-", "-@"}}
}

// ZipList returns the list of what a zip is to hold: the paths of files and links,
// below the folder in which zip runs. The order of the list is that of the zip.
// Info-ZIP 3.0 copies names byte by byte, and has no way to mark one as UTF-8, without
// which readers disagree about it (docs/spec/zip.md): whoever runs it does that
// (package zipname). A path that is not visible UTF-8 is an error, as is one that zip
// would take for something else, and an empty list.
func ZipList(paths []string) (string, error) {
	for _, p := range paths {
		switch {
		case p == "" || strings.HasPrefix(p, "-") || strings.HasPrefix(p, "@"):
			return "", fmt.Errorf("zip would take the path %q for something else: put everything below one directory", p)
		case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
			return "", fmt.Errorf("the path %+q is not visible UTF-8: leave zip out of the formats, or rename it", p)
		}
	}
	if len(paths) == 0 {
		return "", errors.New("zip writes no zip that holds nothing")
	}
	return strings.Join(paths, "\n") + "\n", nil
}
