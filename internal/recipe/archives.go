package recipe

import (
	"github.com/countermark/countermark/internal/tree"
)

// Archives says what is published, and who writes it (section 3.9).
type Archives struct {
	Prefix  Template // name of the one directory at the top, without its slash
	Formats []Compression
	Mtime   Mtime    // 0 if there is a Command
	Command *Command // nil: countermark's own writer
}

// Compression is one format of archive and how it is compressed.
type Compression struct {
	Format  Format
	Level   int // as the format's own program counts; 0 if a Command chooses
	Threads int // of xz: 1 makes one block, more cut the data into blocks; 0 for others
}

// Command is the project's own program that makes the archives.
type Command struct {
	Invocation
	Folder tree.Path // where it leaves them, "" for the top
}

// Format is a format of archive.
type Format uint8

// The formats of archives.
const (
	TarGz Format = iota + 1
	TarBz2
	TarXz
	TarZst
	Zip
)

func formatNames() []string {
	return []string{TarGz: "tar.gz", TarBz2: "tar.bz2", TarXz: "tar.xz", TarZst: "tar.zst", Zip: "zip"}
}

// String returns the extension of the format, without the leading dot.
func (f Format) String() string { return nameOf(formatNames(), f) }

// levels returns the least and the most level of the format, and the default:
// the most that needs no further option (gzip(1), bzip2(1), xz(1), zstd(1),
// zip(1)).
func (f Format) levels() (least, most, usual int64) {
	if f == TarZst {
		return 1, 19, 19
	}
	return 1, 9, 9
}

// Mtime is the rule for the times in an archive.
type Mtime uint8

// The rules for times.
const (
	SourceTime           Mtime = iota + 1 // everything has the source commit's committer time
	GeneratedAfterSource                  // what is generated has one second more
)

func mtimeNames() []string {
	return []string{SourceTime: "source", GeneratedAfterSource: "generated-after-source"}
}

// String returns the word of the recipe.
func (m Mtime) String() string { return nameOf(mtimeNames(), m) }
