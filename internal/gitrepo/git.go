// Package gitrepo reads git repositories, local and remote, that nobody vouches
// for. It runs the git program, but never in a repository that it did not make
// itself: objects are read through an empty bare repository of our own, whose
// environment names the other one's object directory as an alternate; the only
// command that reads a foreign configuration is for-each-ref. Every object read
// is hashed again here, so the repository need not be trusted, only the id that
// was asked for (docs/spec/git.md, "How git is run").
//
// Refusals are *refusal.Refusal with a GIT_ rule; a server that cannot be
// reached or will not answer is a *TransportError.
package gitrepo

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
	MaxRefBytes   = 256 << 20       // of the list of refs: two million names of usual length
	StallTimeout  = 2 * time.Minute // without a byte of pack, answer or progress
	MaxFetchTime  = 2 * time.Hour   // of one fetch
	MaxReadTime   = 5 * time.Minute // of listing the refs of a local repository: its configuration may include a pipe
)

// The oldest git that is used: 2.36 has cat-file --batch-command, 2.39 is what
// the rules were tried with.
const (
	minMajor = 2
	minMinor = 39
)

// Git is a git program that was found and is new enough. It may be used by
// several goroutines.
type Git struct {
	path    string
	version string
	limits  limits
}

// limits are the constants above; tests set smaller ones.
type limits struct {
	fetchBytes int64
	stall      time.Duration
}

// Find looks for git in PATH and asks for its version. The error says what is
// wrong in one sentence.
func Find(ctx context.Context) (*Git, error) {
	path, err := exec.LookPath("git")
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for git: %v", err)
	}
	g := &Git{path: path, limits: limits{fetchBytes: MaxFetchBytes, stall: StallTimeout}}
	var out bytes.Buffer
	if err := g.run(ctx, call{args: []string{"--version"}, stdout: &out}); err != nil {
		return nil, err
	}
	version, found := strings.CutPrefix(strings.TrimSpace(out.String()), "git version ")
	if !found {
		return nil, fmt.Errorf("asking %q for its version: it answered %s", path, escape.Quote(out.String()))
	}
	if !newEnough(version) {
		return nil, fmt.Errorf("looking for git: %q is git %s, at least %d.%d is needed", path, escape.Text(version), minMajor, minMinor)
	}
	g.version = version
	return g, nil
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
func (g *Git) Version() string { return g.version }
