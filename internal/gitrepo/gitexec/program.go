// Package gitexec runs the git program near repositories that nobody vouches
// for: with its full path, an environment of our own, settings that win over
// every configuration file, in a session of its own, so that all that it starts
// can be killed at once (docs/spec/git.md, "How git is run").
package gitexec

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
)

// Limits of what a server may send, and of how long it may take.
const (
	MaxFetchBytes = 4 << 30         // of packs in one fetch; the Linux kernel with every blob has 1.5 GB, without history 0.3 GB
	StallTimeout  = 2 * time.Minute // without a byte of pack, answer or progress
	MaxFetchTime  = 2 * time.Hour   // of one fetch
)

// The oldest git that is used: 2.36 has cat-file --batch-command, 2.39 is what
// the rules were tried with.
const (
	minMajor = 2
	minMinor = 39
)

// Program is a git program that was found and is new enough. It may be used by
// several goroutines.
type Program struct {
	Limits  Limits
	path    string
	version string
}

// Limits bound every call that talks to a server; Find sets MaxFetchBytes and
// StallTimeout.
type Limits struct {
	FetchBytes int64
	Stall      time.Duration
}

// Find looks for git in PATH and asks for its version. The error says what is
// wrong in one sentence.
func Find(ctx context.Context) (*Program, error) {
	path, err := exec.LookPath("git")
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for git: %v", err)
	}
	p := &Program{path: path, Limits: Limits{FetchBytes: MaxFetchBytes, Stall: StallTimeout}}
	var out bytes.Buffer
	if err := p.Run(ctx, Call{Args: []string{"--version"}, Stdout: &out}); err != nil {
		return nil, err
	}
	version, found := strings.CutPrefix(strings.TrimSpace(out.String()), "git version ")
	if !found {
		return nil, fmt.Errorf("asking %q for its version: it answered %s", path, escape.Quote(out.String()))
	}
	if !newEnough(version) {
		return nil, fmt.Errorf("looking for git: %q is git %s, at least %d.%d is needed", path, escape.Text(version), minMajor, minMinor)
	}
	p.version = version
	return p, nil
}

// newEnough compares the first two numbers of a version such as
// "2.39.5 (Apple Git-154)".
func newEnough(version string) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	return err1 == nil && err2 == nil && (major > minMajor || major == minMajor && minor >= minMinor)
}

// Version returns what git says of itself after "git version ".
func (p *Program) Version() string { return p.version }
