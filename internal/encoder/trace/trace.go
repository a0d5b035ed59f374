// Package trace reads what a compressed file tells of the program that made it,
// and says which command lines may have: the level digit of bzip2 (its own
// bzip2.c), XFL and OS of gzip (RFC 1952), check, dictionary, block sizes and LZMA
// properties of xz (The .xz File Format 1.2.1), window and flags of zstd (RFC 8878).
//
// Traces are claims: that a line made the bytes shows only when it makes them
// again. The file is one that package envelope has accepted; of others it may be
// said that nothing is known to make them.
package trace

import (
	"fmt"
	"io"

	"github.com/countermark/countermark/internal/encoder/command"
	"github.com/countermark/countermark/internal/envelope"
)

// Trace is what a file tells.
type Trace struct {
	Format envelope.Format
	Told   []string // the traces, in words; what the file itself spells is left out

	// Head is how the output of the program begins, and Rest the offset from
	// which on the file holds what follows: of gzip, whose header holds name
	// and time of a file, which no program that reads a pipe can know.
	Head []byte
	Rest int64

	Name  string // the name that a gzip header holds, "" for none; foreign text
	Mtime uint32 // the time that it holds, in seconds since 1970; 0 for none

	Candidates []Candidate // what may have made it, likely ones first
	// NotTried says in words what may have made it too and is no candidate.
	NotTried string
}

// Candidate is a command line that may have made a file.
type Candidate struct {
	command.Line
	Means string // what the line stands for, where it does not say so itself; else ""
}

// headBytes is enough of a file's beginning for every format: the longest gzip
// name, the longest xz block header.
const headBytes = 2048

// Read reads the traces of a file of size bytes whose uncompressed content has
// contentBytes. The error is that of file, or says that there is nothing to trace.
func Read(file io.ReaderAt, size, contentBytes int64) (*Trace, error) {
	head := make([]byte, min(size, headBytes))
	if _, err := file.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err //nolint:wrapcheck // the caller's own file
	}
	format, _ := envelope.Recognise(head)
	t := &Trace{Format: format}
	switch format {
	case envelope.Gzip:
		t.gzip(head)
	case envelope.Bzip2:
		t.bzip2(head)
	case envelope.XZ:
		return t, t.xz(file, size, head)
	case envelope.Zstd:
		t.zstd(head, contentBytes)
	default:
		return nil, fmt.Errorf("only gzip, bzip2, xz and zstd are traced")
	}
	return t, nil
}

// tell adds a trace.
func (t *Trace) tell(format string, args ...any) {
	t.Told = append(t.Told, fmt.Sprintf(format, args...))
}

// add adds a line.
func (t *Trace) add(program string, args ...string) {
	t.Candidates = append(t.Candidates, Candidate{Line: command.Line{Program: program, Args: args}})
}

// addMeaning adds a line that needs an explanation.
func (t *Trace) addMeaning(means, program string, args ...string) {
	t.Candidates = append(t.Candidates, Candidate{command.Line{Program: program, Args: args}, means})
}

// bzip2: the fourth byte is the block size in units of 100,000 bytes. Nothing else
// depends on options.
func (t *Trace) bzip2(head []byte) {
	t.tell("blocks of %c00,000 bytes", head[3])
	level := "-" + string(head[3])
	t.add("bzip2", level, "-c")
	t.add("lbzip2", level, "-c")
	t.NotTried = "7-Zip, and bzip2 before 1.0"
}
