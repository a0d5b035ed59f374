package governing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/trust"
)

// Change writes the next version of the ledger's policy into a new file: the same,
// but for its number and what it follows, to be edited.
func Change(ctx context.Context, file, repo string) (*Document, error) {
	l, err := OpenLedger(ctx, repo)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	newest, err := l.Newest()
	if err != nil {
		return nil, err
	}
	next := *newest.Policy
	next.Version, next.Previous = next.Version+1, newest.Digest
	return write(file, &next)
}

// write writes a policy into a file that is not there yet, and reads it again.
func write(file string, p *policy.Policy) (*Document, error) {
	if problems := p.Check(); len(problems) > 0 {
		return nil, report.UsageFailure(problems[0].Hint, "the policy would be at fault: %s", problems[0].Text)
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return nil, report.UsageFailure("name another file", "%s is there already", escape.Quote(file))
	}
	if err := durable.WriteFile(file, policyfile.Format(p)); err != nil {
		return nil, err
	}
	return ReadFile(file)
}

// InitOptions say who is in the first policy.
type InitOptions struct {
	File       string   // to write
	Project    string   // URL, as the recipe has it
	People     []string // NAME=KEYFILE; a name may come again, with another key
	Machines   []string // NAME=KEYFILE
	Domains    []string // NAME=DOMAIN: who hosts a machine, or where a person builds
	Toolchains []string // NAME=ORIGIN
	Operators  []string // MACHINE=PERSON
	Quorums    []string // ROLE=NEED:NAME,NAME…
	Recipes    []string // files
}

// Init writes the first version of a policy. Roles that no quorum names are waived.
func Init(o InitOptions) (*Document, error) {
	p := &policy.Policy{Version: 1, Project: o.Project}
	for _, part := range []func(*policy.Policy) error{o.parties, o.places, o.quorums, o.recipes} {
		if err := part(p); err != nil {
			return nil, err
		}
	}
	return write(o.File, p)
}

// pair reads NAME=VALUE.
func pair(flag, given string) (name, value string, err error) {
	name, value, ok := strings.Cut(given, "=")
	if !ok || name == "" || value == "" {
		return "", "", report.UsageFailure("--"+flag+" NAME=VALUE", "--%s %s has no name or no value", flag, escape.Quote(given))
	}
	return name, value, nil
}

func (o *InitOptions) parties(p *policy.Policy) error {
	for _, kind := range []struct {
		flag  string
		kind  policy.Kind
		given []string
	}{{"person", policy.Person, o.People}, {"machine", policy.Machine, o.Machines}} {
		for _, given := range kind.given {
			name, file, err := pair(kind.flag, given)
			if err != nil {
				return err
			}
			texts, holders, err := readKeys(file)
			if err != nil {
				return err
			}
			party := p.Party(name)
			if party == nil {
				p.Parties = append(p.Parties, policy.Party{Name: name, Kind: kind.kind})
				party = &p.Parties[len(p.Parties)-1]
			}
			party.Texts, party.Holders = append(party.Texts, texts...), append(party.Holders, holders...)
		}
	}
	return nil
}

// readKeys reads the keys of a file, each as text that a policy may hold: an
// armoured certificate, a line of ssh's, or the line of minisign's with the key.
func readKeys(file string) (texts []string, holders []signature.Holder, err error) {
	data, err := trust.ReadFile(file, keys.MaxKeyFileBytes)
	if err != nil {
		return nil, nil, err
	}
	if bytes.Contains(data, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
		texts = []string{string(data)}
	} else {
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "untrusted comment:") {
				texts = append(texts, line)
			}
		}
	}
	for _, text := range texts {
		some, err := signature.ParseHolders([]byte(text))
		if err == nil && len(some) != 1 {
			err = fmt.Errorf("it holds %d keys in one block, and a policy takes them one by one", len(some))
		}
		if err != nil {
			return nil, nil, &report.Failure{Code: report.Rejected, File: file, Detail: fmt.Sprintf("%s: %v", escape.Quote(file), err), Hint: "gpg --export --armor KEY, a .pub file of ssh's, or one of minisign's"}
		}
		holders = append(holders, some[0])
	}
	return texts, holders, nil
}

func (o *InitOptions) places(p *policy.Policy) error {
	for _, what := range []struct {
		flag  string
		given []string
		set   func(*policy.Party, string)
	}{
		{"domain", o.Domains, func(x *policy.Party, v string) { x.Domain = v }},
		{"toolchain", o.Toolchains, func(x *policy.Party, v string) { x.Toolchain = v }},
		{"operator", o.Operators, func(x *policy.Party, v string) { x.Operators = append(x.Operators, v) }},
	} {
		for _, given := range what.given {
			name, value, err := pair(what.flag, given)
			if err != nil {
				return err
			}
			party := p.Party(name)
			if party == nil {
				return report.UsageFailure("--person or --machine "+name+"=KEYFILE", "--%s names %s, who is nobody here", what.flag, escape.Quote(name))
			}
			what.set(party, value)
		}
	}
	return nil
}

func (o *InitOptions) quorums(p *policy.Policy) error {
	asked := make(map[string]policy.Quorum)
	for _, given := range o.Quorums {
		role, value, err := pair("quorum", given)
		if err != nil {
			return err
		}
		var q policy.Quorum
		need, names, _ := strings.Cut(value, ":")
		if _, err := fmt.Sscanf(need, "%d", &q.Need); err != nil || fmt.Sprint(q.Need) != need || names == "" {
			return report.UsageFailure("--quorum source=1:saki,ben", "--quorum %s cannot be read", escape.Quote(given))
		}
		q.Of = strings.Split(names, ",")
		asked[role] = q
	}
	for _, role := range policy.Roles() {
		q, ok := asked[role.String()]
		delete(asked, role.String())
		p.Requirements = append(p.Requirements, policy.Requirement{Role: role, Waived: !ok, Quorum: q})
	}
	p.Owners, p.Withdrawers = asked[policy.Owner.String()], asked[policy.Withdrawer.String()]
	delete(asked, policy.Owner.String())
	delete(asked, policy.Withdrawer.String())
	for role := range asked {
		return report.UsageFailure("source, builder, rebuilder, reviewer, release-manager, owner, withdrawer", "--quorum names the role %s, which there is not", escape.Quote(role))
	}
	return nil
}

func (o *InitOptions) recipes(p *policy.Policy) error {
	for _, file := range o.Recipes {
		data, err := trust.ReadFile(file, policyfile.MaxFileBytes)
		if err != nil {
			return err
		}
		if d := digest.SHA256(sha256.Sum256(data)); !slices.Contains(p.Recipes, d) {
			p.Recipes = append(p.Recipes, d)
		}
	}
	return nil
}
