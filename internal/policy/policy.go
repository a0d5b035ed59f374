// Package policy says who has to vouch for a release, and judges whether they
// did: a policy and the good signatures over what belongs to one release in, a
// Judgement out. People and machines are counted, never keys; each counts in one
// role only. docs/spec/policy.md specifies all of it.
//
// The zero value of everything here accepts nothing. What a party may do stands
// in the policy, by its key, and is never taken from a statement.
package policy

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy/role"
	"github.com/countermark/countermark/internal/policy/version"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature"
)

// Limits of a policy. They bound the time that judging takes.
const (
	MaxVersion   = 1 << 30
	MaxParties   = 64   // people and machines together
	MaxNeed      = 9    // how many parties one quorum may need
	MaxSlots     = 16   // how many parties a release may need in all its roles
	MaxCases     = 64   // exceptions, and version patterns of one
	MaxHolders   = 16   // keys of one party
	MaxNameBytes = 64   // of a party, hosting domain or toolchain origin
	MaxProject   = 2048 // bytes of a project's name, which may be a URL
	MaxEntries   = 4096 // recipes, revoked keys, statements that stay valid, kept releases: of each
)

// Role is what a party does: see package role.
type Role = role.Role

// The roles.
const (
	Source         = role.Source
	Builder        = role.Builder
	Rebuilder      = role.Rebuilder
	Reviewer       = role.Reviewer
	ReleaseManager = role.ReleaseManager
	Owner          = role.Owner
	Withdrawer     = role.Withdrawer
)

// Roles returns the roles that vouch for a release, in order.
func Roles() []Role { return role.All() }

// Policy is one version of a project's policy. Check says whether it is sound;
// Judge finds no release good by one that is not.
type Policy struct {
	Version      int           // 1 for the first, then up by one, at most MaxVersion
	Previous     digest.SHA256 // of the bytes of the version before; zero for version 1
	Project      string        // as statements name it
	Parties      []Party
	Owners       Quorum        // who signs this version, and the next
	Withdrawers  Quorum        // who withdraws a release; zero: the release managers of every version that no exception names
	Requirements []Requirement // one for each of Roles, in order
	Exceptions   []Exception   // the first that names a version holds for it
	Combine      []Pair        // "may-combine": the roles in which one person may count at once
	Conditions   Conditions
	Recipes      []digest.SHA256 // the recipes by which a release may be built
	Revocations  []Revocation
	Kept         []Kept
}

// Kind tells people and machines apart. The zero value is neither.
type Kind uint8

// The kinds of party.
const (
	Person Kind = iota + 1
	Machine
)

// String returns the kind in words, "nobody" for none.
func (k Kind) String() string {
	switch k {
	case Person:
		return "person"
	case Machine:
		return "machine"
	}
	return "nobody"
}

// Party is one person or machine that a policy knows.
type Party struct {
	Name      string // ASCII letters, digits and ".+_-", the first a letter or digit
	Kind      Kind
	Holders   []signature.Holder // its keys; one raw key may be held in several forms
	Texts     []string           // of each of them, as the policy file has it
	Domain    string             // who runs the machine that it builds on: of a machine required, of a person "" if not said
	Toolchain string             // where the compilers that it builds with come from: likewise
	Operators []string           // of a machine: the people who can make it sign what they like
}

// Keys returns the raw keys of the party, each once.
func (p *Party) Keys() []publickey.Key {
	var keys []publickey.Key
	seen := map[publickey.Key]bool{}
	for _, h := range p.Holders {
		for _, k := range h.Keys {
			if !seen[k] {
				keys = append(keys, k)
			}
			seen[k] = true
		}
	}
	return keys
}

// Quorum is how many of which parties it takes. The zero value can never be met.
type Quorum struct {
	Need int // at least 1
	Of   []string
}

// Requirement is what a policy asks of one role: a quorum, or nothing, which is
// said aloud in every judgement.
type Requirement struct {
	Role   Role
	Waived bool // nobody is needed; Quorum is zero
	Quorum
}

// Exception is what a policy asks of the versions that it names, where that is
// something else than of all others.
type Exception struct {
	Versions     []Pattern
	Requirements []Requirement // of the roles in which it differs, in order
}

// Pattern names versions: see package version.
type Pattern = version.Pattern

// Pair is two roles.
type Pair [2]Role

// Conditions are what a policy asks beside its quorums. Zero values ask nothing.
type Conditions struct {
	HostingDomains   int  // how many parties' domains must have made the same release
	ToolchainOrigins int  // with toolchains of how many origins
	Unreproduced     bool // "review": reviewers are needed exactly for the generated files that some build did not reproduce
	PortableNames    bool // the names of the release's files must mean the same on every system
	RSABits          int  // the shortest RSA modulus that the policy's own keys may have
}

// Revocation says that a key is not its party's alone any more. It needs no
// clock: what stays valid is listed, all else by that key is dead.
type Revocation struct {
	Key   publickey.Key   // of one of the parties
	Keeps []digest.SHA256 // of statements, raw tags and policies
}

// Kept is an earlier release that a later policy still lets stand.
type Kept struct {
	Release digest.SHA256 // the release digest
	Policy  int           // the version of the policy that judges it, an earlier one
}

// Keeps returns the version of the policy that judges a release which this one
// keeps, false if it does not.
func (p *Policy) Keeps(release digest.SHA256) (version int, ok bool) {
	for _, k := range p.Kept {
		if k.Release == release {
			return k.Policy, true
		}
	}
	return 0, false
}

// Party returns the party of a name, nil if there is none.
func (p *Policy) Party(name string) *Party {
	for i := range p.Parties {
		if p.Parties[i].Name == name {
			return &p.Parties[i]
		}
	}
	return nil
}

// Holders returns the keys of all parties, for signature.Verify.
func (p *Policy) Holders() []signature.Holder {
	var all []signature.Holder
	for _, party := range p.Parties {
		all = append(all, party.Holders...)
	}
	return all
}

// Terms are the requirements that hold for some versions: one for each of
// Roles, in order.
type Terms struct {
	Versions     []Pattern // of the exception that they come from, nil for none
	Requirements []Requirement
}

// Terms returns the requirements for a version.
func (p *Policy) Terms(version string) Terms {
	for _, e := range p.Exceptions {
		for _, pattern := range e.Versions {
			if pattern.Match(version) {
				return p.terms(e)
			}
		}
	}
	return p.terms(Exception{})
}

// AllTerms returns the requirements for versions that no exception names, then
// those of each exception.
func (p *Policy) AllTerms() []Terms {
	all := []Terms{p.terms(Exception{})}
	for _, e := range p.Exceptions {
		all = append(all, p.terms(e))
	}
	return all
}

func (p *Policy) terms(e Exception) Terms {
	t := Terms{Versions: e.Versions}
	for _, r := range p.Requirements {
		for _, own := range e.Requirements {
			if own.Role == r.Role {
				r = own
			}
		}
		t.Requirements = append(t.Requirements, r)
	}
	return t
}
