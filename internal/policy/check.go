package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
)

// Problem is one fault of a policy.
type Problem struct {
	Rule refusal.Rule // POL_INVALID or POL_KEYREUSE
	At   []string     // the keys of the policy file that lead to it, an index written as "[0]"
	Text string       // one sentence without full stop, safe to print
	Hint string       // likewise: what to do
}

// checker gathers the faults of a policy.
type checker struct {
	*Policy
	problems []Problem
}

func (c *checker) wrong(at []string, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{refusal.PolInvalid, at, fmt.Sprintf(format, args...), hint})
}

func at(keys ...string) []string { return keys }

func index(i int) string { return fmt.Sprintf("[%d]", i) }

// Check returns what is wrong with the policy, nothing if it is sound. A policy
// that not even all its parties together could meet is not.
func (p *Policy) Check() []Problem {
	c := &checker{Policy: p}
	c.header()
	for i := range p.Parties {
		c.party(i)
	}
	c.quorums()
	c.exceptions()
	c.combine()
	c.conditions()
	c.lists()
	if len(c.problems) == 0 {
		c.possible()
	}
	return c.problems
}

func (c *checker) header() {
	if c.Version < 1 || c.Version > MaxVersion {
		c.wrong(at("version"), "write version = 1, and one more in each policy that follows", "the version of the policy is %d", c.Version)
	}
	if c.Previous.IsZero() != (c.Version == 1) {
		c.wrong(at("previous"), "name the SHA-256 of the policy before, from version 2 on", "version %d of the policy follows %s", c.Version,
			map[bool]string{true: "none", false: "another"}[c.Previous.IsZero()])
	}
	if n := len(c.Project); n == 0 || n > MaxProject || strings.ContainsFunc(c.Project, func(r rune) bool { return r <= ' ' || r > '~' }) {
		c.wrong(at("project"), "write the project's URL as the recipe has it", "the project is not named by 1 to %d visible ASCII characters", MaxProject)
	}
	if n := len(c.Parties); n == 0 || n > MaxParties {
		c.wrong(at("people"), "list the people and machines that sign", "the policy has %d parties, expected 1 to %d", n, MaxParties)
	}
}

// place returns where the file has a party.
func (p *Party) place(keys ...string) []string {
	table := "people"
	if p.Kind == Machine {
		table = "machines"
	}
	return append(at(table, p.Name), keys...)
}

func isName(s string) bool {
	return s != "" && len(s) <= MaxNameBytes && ascii.IsAlphanumeric(s[0]) && ascii.IsOnly(s, ".+_-")
}

func (c *checker) party(i int) {
	p := &c.Parties[i]
	if !isName(p.Name) {
		c.wrong(p.place(), "use letters, digits and .+_- alone", "the name %s is not 1 to %d such characters, the first a letter or digit", document.Excerpt(p.Name), MaxNameBytes)
	}
	for _, other := range c.Parties[:i] {
		if strings.EqualFold(other.Name, p.Name) {
			c.wrong(p.place(), "give each person and machine a name of its own", "two parties are named %s", document.Excerpt(p.Name))
		}
	}
	c.place(p, "domain", p.Domain)
	c.place(p, "toolchain", p.Toolchain)
	switch p.Kind {
	case Person:
		if p.Operators != nil {
			c.wrong(p.place("operators"), "say of a machine who operates it", "a person has operators")
		}
	case Machine:
		c.operators(p)
	default:
		c.wrong(p.place(), "say whether this is a person or a machine", "%s is neither a person nor a machine", document.Excerpt(p.Name))
	}
	c.keys(p)
}

// place checks a domain or toolchain.
func (c *checker) place(p *Party, key, value string) {
	switch {
	case value == "" && p.Kind == Machine:
		c.wrong(p.place(), "add a line "+key+" = \"...\"", "the %s of the machine %s is missing", key, document.Excerpt(p.Name))
	case value != "" && (!isName(value) || value != strings.ToLower(value)):
		c.wrong(p.place(key), "use lower-case letters, digits and .+_- alone", "the %s %s is not 1 to %d such characters, the first a letter or digit", key, document.Excerpt(value), MaxNameBytes)
	}
}

func (c *checker) operators(p *Party) {
	seen := map[string]bool{}
	for i, name := range p.Operators {
		switch operator := c.Party(name); {
		case operator == nil || operator.Kind != Person:
			c.wrong(p.place("operators", index(i)), "list people of this policy", "the operator %s is no person of the policy", document.Excerpt(name))
		case seen[name]:
			c.wrong(p.place("operators", index(i)), "leave one of them out", "the operator %s is listed twice", document.Excerpt(name))
		}
		seen[name] = true
	}
	if p.Operators != nil && len(p.Operators) == 0 {
		c.wrong(p.place("operators"), "leave the line out if none of the people here operates it", "the list of operators is empty")
	}
}

func (c *checker) keys(p *Party) {
	if n := len(p.Holders); n == 0 || n > MaxHolders {
		c.wrong(p.place("keys"), "write keys = [\"...\"], each key in full", "%s has %d keys, expected 1 to %d", document.Excerpt(p.Name), n, MaxHolders)
	}
	for i, h := range p.Holders {
		place := p.place("keys", index(i))
		if len(h.Keys) == 0 {
			c.wrong(place, "write the key in full", "there is no key here that could sign")
		}
		for _, earlier := range p.Holders[:i] {
			if earlier.Form == h.Form && earlier.Fingerprint == h.Fingerprint {
				c.wrong(place, "leave one of them out", "the key %s is there twice", document.Excerpt(h.Fingerprint))
			}
		}
		for _, k := range h.Keys {
			c.key(p, place, k)
		}
	}
}

func (c *checker) key(p *Party, place []string, k publickey.Key) {
	note, weak := finding.Strength(k)
	switch {
	case weak:
		c.wrong(place, "use another key; leave old subkeys out of a certificate", "the key %s of %s is too weak (%s)", k, document.Excerpt(p.Name), note)
	case k.Algorithm() == publickey.RSA && k.Bits() < c.Conditions.RSABits:
		c.wrong(place, "use a longer key, or ask for less", "the key %s of %s has %d bits, and the policy asks for %d", k, document.Excerpt(p.Name), k.Bits(), c.Conditions.RSABits)
	}
	first := c.Parties[max(0, c.holder(k))].Name
	if !k.IsZero() && first != p.Name {
		c.problems = append(c.problems, Problem{refusal.PolKeyReuse, place,
			fmt.Sprintf("the key %s is both %s's and %s's", k, document.Excerpt(first), document.Excerpt(p.Name)), "give it to one of them, whatever format it is written in"})
	}
}

// live reports whether a party has a key that is not revoked.
func (p *Policy) live(party *Party) bool {
	_, ok := p.LiveKey(party)
	return ok
}

// LiveKey returns a key of the party that is not revoked, false if there is none.
func (p *Policy) LiveKey(party *Party) (publickey.Key, bool) {
	for _, k := range party.Keys() {
		revoked := false
		for _, r := range p.Revocations {
			revoked = revoked || r.Key == k
		}
		if !revoked {
			return k, true
		}
	}
	return publickey.Key{}, false
}

// digests checks a list of digests.
func (c *checker) digests(place []string, all []digest.SHA256) {
	seen := map[digest.SHA256]bool{}
	for i, d := range all {
		switch {
		case d.IsZero():
			c.wrong(slices.Concat(place, at(index(i))), "write the SHA-256 in hex", "the digest is zero")
		case seen[d]:
			c.wrong(slices.Concat(place, at(index(i))), "leave one of them out", "the digest %s is there twice", d)
		}
		seen[d] = true
	}
	if len(all) > MaxEntries {
		c.wrong(place, "leave out what is old", "the list has %d entries, at most %d are accepted", len(all), MaxEntries)
	}
}
