// Package trust is what the user of this machine trusts of a project: the root
// that they name, and the newest policy that they have seen (package memory).
package trust

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/memory"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
)

// ReadRoot returns the digest that a root is given by: 64 hexadecimal digits, or
// the file of the policy itself; zero for "".
func ReadRoot(given string) (digest.SHA256, error) {
	if given == "" {
		return digest.SHA256{}, nil
	}
	if d, err := digest.ParseSHA256(strings.TrimPrefix(given, "sha256:")); err == nil {
		return d, nil
	}
	data, err := ReadFile(given, policyfile.MaxFileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return digest.SHA256{}, report.UsageFailure("--root takes the SHA-256 of a policy, 64 lower-case hexadecimal digits, or the file of that policy", "--root: %s is neither", escape.Quote(given))
	}
	if err != nil {
		return digest.SHA256{}, err
	}
	if _, err := policyfile.Parse(given, data); err != nil {
		return digest.SHA256{}, err
	}
	return sha256.Sum256(data), nil
}

// ReadFile reads a regular file of at most maxBytes.
func ReadFile(path string, maxBytes int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a device or pipe may never end
		return nil, &report.Failure{Code: report.Rejected, File: path, Detail: fmt.Sprintf("%s is no regular file", escape.Quote(path))}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err == nil && int64(len(data)) > maxBytes {
		return nil, &report.Failure{Code: report.Rejected, File: path, Detail: fmt.Sprintf("%s has more than %d bytes", escape.Quote(path), maxBytes)}
	}
	return data, err
}

// Memory is what this user remembers.
type Memory struct{ folder memory.Folder }

// Open returns the memory in a folder; "" is the user's own.
func Open(dir string) (*Memory, error) {
	if dir == "" {
		var err error
		if dir, err = memory.DefaultDir(); err != nil {
			return nil, report.UsageFailure("", "%v", err)
		}
	}
	return &Memory{memory.Folder{Dir: dir, Write: durable.WriteFile}}, nil
}

// Seen returns what is remembered of the project that policies name, zero if
// there are none. The error is that of reading the policy, or a *report.Failure.
func (m *Memory) Seen(links []policychain.Link) (memory.Seen, error) {
	if len(links) == 0 {
		return memory.Seen{}, nil
	}
	p, err := policyfile.Parse("the policy", links[0].Policy)
	if err != nil {
		return memory.Seen{}, err
	}
	seen, err := m.folder.Read(p.Project)
	if err != nil { // nothing that a release holds does that
		return seen, report.UsageFailure("", "%v", err)
	}
	return seen, nil
}

// Remembered is Seen as the judge takes it.
func Remembered(s memory.Seen) release.Remembered {
	return release.Remembered{Version: s.Version, Policy: s.Policy}
}

// Establish returns the root that is given, or else remembered, and the newest
// policy that was seen of the project that policies name. The memory is in a
// folder; "" is the user's own.
func Establish(root, dir string, links []policychain.Link) (digest.SHA256, release.Remembered, error) {
	d, err := ReadRoot(root)
	if err != nil {
		return d, release.Remembered{}, err
	}
	m, err := Open(dir)
	if err != nil {
		return d, release.Remembered{}, err
	}
	seen, err := m.Seen(links)
	if err != nil {
		return d, release.Remembered{}, err
	}
	if d.IsZero() {
		d = seen.Root
	}
	return d, Remembered(seen), nil
}

// Keep remembers the newest policy of a chain from the root on. It returns what
// people should know if that cannot be written; the error says that the chain is
// older than what was seen, or another.
func (m *Memory) Keep(ctx context.Context, versions []policychain.Version, root digest.SHA256) (note string, err error) {
	chain, project := memory.Chain{Root: root}, ""
	for _, version := range versions {
		if version.Digest == root {
			chain.First, project = version.Policy.Version, version.Policy.Project
		}
		if chain.First > 0 {
			chain.Policies = append(chain.Policies, version.Digest)
		}
	}
	verdict, _, err := m.folder.Advance(ctx, project, chain)
	switch {
	case err != nil:
		return "the policy that was seen could not be remembered: " + escape.Sentence(err.Error()), nil
	case !verdict.InOrder():
		return "", &report.Failure{Code: report.Failed, Detail: fmt.Sprintf("the policies are %v than those that were seen", verdict)}
	}
	return "", nil
}
