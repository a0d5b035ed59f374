// Package role names what a party of a policy does for a release, or for the
// policy itself (docs/spec/policy.md, "Roles").
package role

// Role is what a party does for a release, or for the policy itself. The zero
// value is none.
type Role uint8

// The roles. Those up to ReleaseManager vouch for a release, each in its own
// way; an Owner signs policies, a Withdrawer withdraws releases.
const (
	Source         Role = iota + 1 // signs the tag of the source
	Builder                        // makes the release
	Rebuilder                      // makes it again, elsewhere
	Reviewer                       // has looked at generated files
	ReleaseManager                 // makes it again, and releases it
	Owner
	Withdrawer
)

// All returns the roles that vouch for a release, in order.
func All() []Role { return []Role{Source, Builder, Rebuilder, Reviewer, ReleaseManager} }

// String returns the role as policies and reports write it, "none" for none.
func (r Role) String() string {
	switch r {
	case Source:
		return "source"
	case Builder:
		return "builder"
	case Rebuilder:
		return "rebuilder"
	case Reviewer:
		return "reviewer"
	case ReleaseManager:
		return "release-manager"
	case Owner:
		return "owner"
	case Withdrawer:
		return "withdrawer"
	}
	return "none"
}

// ByPeople reports whether machines have no place in the role: nobody asks a
// machine what it means by a signature.
func (r Role) ByPeople() bool { return r != Builder && r != Rebuilder }

// Set is a set of the roles that vouch for a release. The zero value is empty.
type Set uint8

// SetOf returns the set of the roles.
func SetOf(roles ...Role) Set {
	var s Set
	for _, r := range roles {
		s |= 1 << (r - 1)
	}
	return s
}

// Has reports whether the role is in the set.
func (s Set) Has(r Role) bool { return r != 0 && s>>(r-1)&1 == 1 }

// Roles returns the roles of the set, in order.
func (s Set) Roles() []Role {
	var roles []Role
	for _, r := range All() {
		if s.Has(r) {
			roles = append(roles, r)
		}
	}
	return roles
}

// Made returns the roles whose parties say that they made the release themselves.
func Made() Set { return SetOf(Builder, Rebuilder, ReleaseManager) }
