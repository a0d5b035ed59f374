// Package policyfile reads and writes policy.toml, the file that holds one
// version of a policy (docs/spec/policy.md, "The file"). It is read strictly:
// every key is known, every name leads somewhere, and what a policy must not
// hold is refused with the line.
package policyfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policy/version"
	"github.com/countermark/countermark/internal/refusal"
)

// MaxFileBytes is the length of the longest policy that is read: sixty-four
// parties with a certificate of 15 KiB each.
const MaxFileBytes = 1 << 20

// formatVersion is the one version of the format.
const formatVersion = 1

// Error says which line of a policy breaks which rule, and what to do. It
// unwraps to a *refusal.Refusal.
type Error struct {
	Name   string       // of the file; hostile
	Line   int          // counted from 1
	Rule   refusal.Rule // POL_INVALID or POL_KEYREUSE
	Detail string       // one sentence without full stop, safe to print
	Hint   string       // likewise
}

// Error returns one line: the rule, the file and line, the sentence.
func (e *Error) Error() string { return string(e.Rule) + ": " + e.place() + e.Detail }

// Unwrap returns the error as a refusal.
func (e *Error) Unwrap() error { return refusal.New(e.Rule, "%s%s", e.place(), e.Detail) }

func (e *Error) place() string { return fmt.Sprintf("%s, line %d: ", escape.Quote(e.Name), e.Line) }

// Parse reads a policy that passes policy.Check. The name is that of the file,
// for messages. The error is an *Error: the first by line of what is wrong.
func Parse(name string, data []byte) (*policy.Policy, error) {
	if len(data) > MaxFileBytes {
		return nil, &Error{name, 1, refusal.PolInvalid, fmt.Sprintf("the policy has %d bytes, at most %d are accepted", len(data), MaxFileBytes), "export certificates without the signatures of others"}
	}
	if err := seen(name, data); err != nil {
		return nil, err
	}
	p, t, err := read(data)
	if err != nil {
		var at *document.ParseError
		if !errors.As(err, &at) {
			return nil, &Error{name, 1, refusal.PolInvalid, escape.Sentence(err.Error()), "see the specification of this file"}
		}
		return nil, &Error{name, at.Line, refusal.PolInvalid, at.Detail, at.Hint}
	}
	var first *Error
	for _, problem := range p.Check() {
		if line := t.Line(place(problem.At)); first == nil || line < first.Line {
			first = &Error{name, line, problem.Rule, problem.Text, problem.Hint}
		}
	}
	if first != nil {
		return nil, first
	}
	return p, nil
}

// seen refuses a policy that does not look as it is: with characters that show
// nothing or change the order in which others are shown, comments included, its
// owners would sign something else than they see.
func seen(name string, data []byte) error {
	line := 1
	for at, r := range strings.ReplaceAll(string(data), "\r\n", "\n") {
		switch {
		case r == '\n':
			line++
		case r == '\t' || escape.Visible(r) || at == 0 && r == '\ufeff': // of that the reader of TOML speaks
		default:
			return &Error{name, line, refusal.PolInvalid, "the character " + escape.Quote(string(r)) + " is none that is seen", "leave it out"}
		}
	}
	return nil
}

// place returns the place in the document to which the keys lead.
func place(keys []string) string {
	s := ""
	for _, key := range keys {
		if strings.HasPrefix(key, "[") {
			s += key
		} else {
			s = document.KeyPlace(s, key)
		}
	}
	return s
}

func read(data []byte) (*policy.Policy, *document.Table, error) {
	t, err := document.Open(data)
	if err != nil {
		return nil, nil, err
	}
	if t.Integer("countermark-policy", 0, formatVersion, formatVersion); t.Take("countermark-policy") == nil {
		t.Fail("", document.Wrong("begin the file with the line countermark-policy = 1", "the version of the format is missing"))
	}
	if err := t.First(); err != nil {
		return nil, nil, err
	}
	p := readPolicy(t)
	if err := t.First(); err != nil {
		return nil, nil, err
	}
	return p, t, nil
}

func readPolicy(t *document.Table) *policy.Policy {
	p := &policy.Policy{Version: int(number(t, "version", policy.MaxVersion)), Project: document.Required(t, "project", text)}
	p.Previous = document.Optional(t, "previous", digest.SHA256{}, digest.ParseSHA256)
	people, machines := t.Table("people"), t.Table("machines")
	for _, name := range people.Keys() {
		p.Parties = append(p.Parties, readParty(people.Table(name), policy.Party{Name: name, Kind: policy.Person}))
	}
	for _, name := range machines.Keys() {
		p.Parties = append(p.Parties, readParty(machines.Table(name), policy.Party{Name: name, Kind: policy.Machine}))
	}
	if owners := t.Section("owners"); owners != nil {
		p.Owners = readQuorum(owners)
	}
	quorums := t.Table("quorum")
	if quorums.Take(policy.Withdrawer.String()) != nil {
		p.Withdrawers = readQuorum(quorums.Table(policy.Withdrawer.String()))
	}
	p.Requirements = readRequirements(t, quorums)
	for _, table := range filled(t, "for", t.Tables("for")) {
		e := policy.Exception{Versions: list(table, "versions", version.ParsePattern)}
		e.Requirements = readRequirements(table, table.Table("quorum"))
		p.Exceptions = append(p.Exceptions, e)
		table.Close()
	}
	p.Combine = readPairs(t)
	p.Conditions = readConditions(t.Table("conditions"))
	p.Recipes = list(t, "recipes", digest.ParseSHA256)
	readRevocations(t, p)
	for _, table := range filled(t, "kept", t.Tables("kept")) {
		p.Kept = append(p.Kept, policy.Kept{Release: document.Required(table, "release", digest.ParseSHA256), Policy: int(number(table, "policy", policy.MaxVersion))})
		table.Close()
	}
	t.Close()
	return p
}

func text(s string) (string, error) { return s, nil }

// number returns the number of a key that must be there.
func number(t *document.Table, key string, most int64) int64 {
	if t.Take(key) == nil {
		t.Fail(t.Place, document.Wrong("add a line "+key+" = 1", "the key %q is missing", key))
	}
	return t.Integer(key, 0, 1, most)
}

// list returns the array of a key, which must not be empty if it is there.
func list[T any](t *document.Table, key string, parse func(string) (T, error)) []T {
	return filled(t, key, document.List(t, key, parse))
}

// filled notes that an array is there and empty.
func filled[T any](t *document.Table, key string, all []T) []T {
	if array, ok := t.Take(key).([]any); ok && len(array) == 0 {
		t.FailAt(key, document.Wrong("leave the line out, or list something", "the array %q is empty", key))
	}
	return all
}

// readRequirements returns what a table says of roles, in their order: as
// quorum.ROLE, or in its array "waive".
func readRequirements(t, quorums *document.Table) []policy.Requirement {
	waived := list(t, "waive", role)
	document.Distinct(t, "waive", waived, func(r policy.Role) policy.Role { return r })
	byRole := map[policy.Role]policy.Requirement{}
	for _, r := range waived {
		byRole[r] = policy.Requirement{Role: r, Waived: true}
	}
	var all []policy.Requirement
	for _, r := range policy.Roles() {
		required, given := byRole[r]
		if quorums.Take(r.String()) != nil {
			required.Role, required.Quorum, given = r, readQuorum(quorums.Table(r.String())), true
		}
		if given {
			all = append(all, required)
		}
	}
	quorums.Close()
	return all
}

func readQuorum(t *document.Table) policy.Quorum {
	defer t.Close()
	q := policy.Quorum{Need: int(number(t, "need", policy.MaxNeed)), Of: list(t, "of", text)}
	if t.Take("of") == nil {
		t.Fail(t.Place, document.Wrong("add a line of = [\"...\"]", "the key %q is missing", "of"))
	}
	return q
}

// role reads the name of a role that vouches for a release.
func role(s string) (policy.Role, error) {
	var names []string
	for _, r := range policy.Roles() {
		if r.String() == s {
			return r, nil
		}
		names = append(names, r.String())
	}
	return 0, document.Wrong("the roles are: "+strings.Join(names, ", "), "there is no role %s", document.Excerpt(s))
}

func readPairs(t *document.Table) []policy.Pair {
	const key = "may-combine"
	var pairs []policy.Pair
	array, ok := t.Take(key).([]any)
	if !ok && t.Take(key) != nil {
		t.FailAt(key, document.Wrong("write [[\"source\", \"release-manager\"]]", "expected an array of pairs of roles"))
	}
	for i, item := range filled(t, key, array) {
		place := document.ItemPlace(document.KeyPlace(t.Place, key), i)
		roles := document.Items(t, place, item, role)
		if len(roles) != 2 {
			t.Fail(place, document.Wrong("write two roles, as in [\"source\", \"release-manager\"]", "%d roles are combined, expected two", len(roles)))
			continue
		}
		pairs = append(pairs, policy.Pair(roles))
	}
	return pairs
}

func readConditions(t *document.Table) policy.Conditions {
	defer t.Close()
	const most = 1 << 20 // policy.Check knows the limits
	return policy.Conditions{
		HostingDomains:   int(t.Integer("hosting-domains", 0, 1, most)),
		ToolchainOrigins: int(t.Integer("toolchain-origins", 0, 1, most)),
		Unreproduced:     document.Optional(t, "review", false, reviewed),
		PortableNames:    t.Boolean("portable-names"),
		RSABits:          int(t.Integer("rsa-bits", 0, 1, most)),
	}
}

// unreproduced is the one value of the condition "review".
const unreproduced = "unreproduced"

func reviewed(s string) (bool, error) {
	if s != unreproduced {
		return false, document.Wrong("write review = \"unreproduced\", or leave the line out", "there is no kind of review %s", document.Excerpt(s))
	}
	return true, nil
}
