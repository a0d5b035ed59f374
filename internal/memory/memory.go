// Package memory remembers, for each project, the newest policy that this user
// has seen: its version and digest, and the root that it was trusted from. What
// is remembered only ever moves forward along one chain, so that nobody can show
// an older policy, or another one of the same version, as the newest.
//
// A memory is a text file of four lines, and the only spelling of its value:
//
//	countermark-memory 1
//	project https://git.example.org/demo.git
//	root 0a1b… (64 lower-case hex digits)
//	policy 7 2c3d… (decimal version, 64 lower-case hex digits)
//
// docs/spec/ledger.md, "What a user has seen", specifies it.
package memory

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/digest"
)

// Limits of a memory.
const (
	MaxProjectBytes = 2048    // as long as the longest address in a lock file
	MaxVersion      = 1 << 30 // the int of every machine holds it
	maxFileBytes    = 4096
)

// header is the first line; the number is the version of the format.
const header = "countermark-memory 1"

// Seen is what is remembered of one project. The zero value is nothing.
type Seen struct {
	Project string        // its address, as its policy names it
	Root    digest.SHA256 // of the policy that the user trusted
	Version int           // of the newest policy seen, from 1
	Policy  digest.SHA256 // of that
}

// Chain is a chain of policies that was verified from its root: each version
// after that signed as those before it demand, each before it named by the next.
// Who makes it vouches for that.
type Chain struct {
	Root     digest.SHA256   // one of Policies
	First    int             // the oldest policy's version
	Policies []digest.SHA256 // of every version from First on
}

// Last returns the version of the newest policy, 0 of an empty chain.
func (c Chain) Last() int {
	if len(c.Policies) == 0 {
		return 0
	}
	return c.First + len(c.Policies) - 1
}

// at returns the digest of one version, zero if the chain does not hold it.
func (c Chain) at(version int) digest.SHA256 {
	if version < c.First || version > c.Last() {
		return digest.SHA256{}
	}
	return c.Policies[version-c.First]
}

// Verdict is what a chain is to somebody who remembers another. The zero value
// is none.
type Verdict uint8

// The verdicts. First, Same and Newer are in order.
const (
	First  Verdict = iota + 1 // nothing was remembered of the project
	Same                      // the newest policy is the one remembered
	Newer                     // the chain goes on from the policy remembered
	Older                     // it ends before the policy remembered: a rollback
	Forked                    // it holds another policy of the version remembered
	Apart                     // it begins after the policy remembered, which nothing connects to it
)

// String returns the verdict in words, as in "older".
func (v Verdict) String() string {
	if names := [...]string{First: "first", Same: "same", Newer: "newer", Older: "older", Forked: "forked", Apart: "apart"}; v > 0 && int(v) < len(names) {
		return names[v]
	}
	return "none"
}

// InOrder reports whether the chain may be used without a question.
func (v Verdict) InOrder() bool { return v == First || v == Same || v == Newer }

// Judge says what a chain is to whoever remembers s. Another root is no reason
// to refuse one: what counts is that the chain holds the policy remembered.
func (s Seen) Judge(c Chain) Verdict {
	switch {
	case s.Version == 0:
		return First
	case c.Last() < s.Version:
		return Older
	case c.First > s.Version:
		return Apart
	case c.at(s.Version) != s.Policy:
		return Forked
	case c.Last() == s.Version:
		return Same
	}
	return Newer
}

// check says what is wrong with a chain that can be none.
func (c Chain) check() error {
	switch {
	case len(c.Policies) == 0 || c.First < 1 || c.First > MaxVersion || len(c.Policies) > MaxVersion-c.First+1:
		return fmt.Errorf("a chain of %d policies from version %d on is none that can be remembered", len(c.Policies), c.First)
	case !slices.Contains(c.Policies, c.Root):
		return fmt.Errorf("the chain does not hold its root, %v", c.Root)
	}
	for i, d := range c.Policies {
		if d.IsZero() {
			return fmt.Errorf("policy %d of the chain has no digest", c.First+i)
		}
	}
	return nil
}

// Parse reads a memory. The error names the line and the rule.
func Parse(data []byte) (Seen, error) {
	var s Seen
	lines := strings.Split(string(data), "\n")
	if len(lines) != 5 || lines[4] != "" {
		return s, fmt.Errorf("a memory has four lines, each ended by a line feed, and not %d", len(lines)-1)
	}
	if lines[0] != header {
		return s, fmt.Errorf("line 1: expected %q", header)
	}
	var err error
	fields := [...]string{"project ", "root ", "policy "}
	for i, field := range fields {
		value, found := strings.CutPrefix(lines[1+i], field)
		if !found {
			return Seen{}, fmt.Errorf("line %d: expected %q and a value", 2+i, field)
		}
		switch i {
		case 0:
			s.Project, err = value, checkProject(value)
		case 1:
			s.Root, err = digest.ParseSHA256(value)
		case 2:
			err = s.parsePolicy(value)
		}
		if err != nil {
			return Seen{}, fmt.Errorf("line %d: %w", 2+i, err)
		}
	}
	if !bytes.Equal(s.Encode(), data) || s.Root.IsZero() || s.Policy.IsZero() {
		return Seen{}, errors.New("line 4: the version is a decimal number without sign and leading zeros, no digest is zero")
	}
	return s, nil
}

func (s *Seen) parsePolicy(value string) (err error) {
	version, hex, _ := strings.Cut(value, " ")
	if s.Version, err = strconv.Atoi(version); err != nil || s.Version < 1 || s.Version > MaxVersion {
		return fmt.Errorf("expected a version from 1 to %d", MaxVersion)
	}
	s.Policy, err = digest.ParseSHA256(hex)
	return err
}

// checkProject holds an address to what fits into a line.
func checkProject(address string) error {
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	if address == "" || len(address) > MaxProjectBytes || strings.ContainsFunc(address, outside) {
		return fmt.Errorf("the address of a project is 1 to %d visible ASCII characters", MaxProjectBytes)
	}
	return nil
}

// Encode writes a memory.
func (s Seen) Encode() []byte {
	return fmt.Appendf(nil, "%s\nproject %s\nroot %v\npolicy %d %v\n", header, s.Project, s.Root, s.Version, s.Policy)
}
