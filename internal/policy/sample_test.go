package policy

import (
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature"
)

// keyOf returns a key that is a function of its name.
func keyOf(name string) publickey.Key {
	seed := sha256.Sum256([]byte(name))
	k, err := publickey.NewEd25519(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	return k
}

func holder(form signature.Form, names ...string) signature.Holder {
	h := signature.Holder{Form: form, Fingerprint: strings.Join(names, " ")}
	for _, name := range names {
		h.Keys = append(h.Keys, keyOf(name))
	}
	return h
}

func person(name string, keys ...string) Party {
	return Party{Name: name, Kind: Person, Holders: []signature.Holder{holder(signature.SSH, append([]string{name}, keys...)...)}}
}

func machine(name, domain, toolchain string, operators ...string) Party {
	p := person(name)
	p.Kind, p.Domain, p.Toolchain, p.Operators = Machine, domain, toolchain, operators
	return p
}

func quorum(need int, of ...string) Quorum { return Quorum{need, of} }

// approved is the digest of the one recipe of the samples.
func approved() digest.SHA256 { return digest.SHA256{0xaa} }

func facts() Facts { return Facts{Recipe: approved(), PortableNames: Holds} }

// sample is a policy of source, builder, rebuilder and release manager.
func sample() *Policy {
	return &Policy{
		Version: 3, Previous: digest.SHA256{2}, Project: "https://example.org/php",
		Parties: []Party{
			person("saki", "saki's card"), person("ben"), person("ada"),
			machine("ci", "forge", "debian", "ada"), machine("nightjar", "university", "debian"), machine("heron", "forge", "guix"),
		},
		Owners: quorum(2, "saki", "ben", "ada"),
		Requirements: []Requirement{
			{Role: Source, Quorum: quorum(1, "saki", "ben")}, {Role: Builder, Quorum: quorum(1, "ci")},
			{Role: Rebuilder, Quorum: quorum(1, "nightjar", "heron")}, {Role: Reviewer, Waived: true},
			{Role: ReleaseManager, Quorum: quorum(1, "saki", "ben")},
		},
		Recipes: []digest.SHA256{approved()},
	}
}

// acts reads signatures as in "saki:tag ci:build ada:build~f ben:release!d":
// a key's name, the act, the relation (none agrees, ~ all but the files, # all
// else differs, ? unrelated), files after ~ or =, answers after !. The digest of
// each is that of its text, or what stands after @.
func acts(line string) []Signed {
	var all []Signed
	for word := range strings.FieldsSeq(line) {
		name, rest, _ := strings.Cut(word, ":")
		text, label, _ := strings.Cut(rest, "@")
		s := Signed{Key: keyOf(strings.ReplaceAll(name, "_", " ")), Relation: Agrees, Digest: digestOf(word)}
		if label != "" {
			s.Digest = digestOf(label)
		}
		verb := text[:len(text)-len(strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyz"))]
		s.Act = map[string]Act{"tag": SignTag, "build": Build, "review": Review, "release": Release, "withdraw": Withdraw, "policy": SignPolicy}[verb]
		for rest := text[len(verb):]; rest != ""; {
			mark, list := rest[0], rest[1:]
			end := strings.IndexAny(list, "~#?=!")
			if end < 0 {
				end = len(list)
			}
			rest = list[end:]
			s.mark(mark, list[:end])
		}
		all = append(all, s)
	}
	return all
}

func (s *Signed) mark(mark byte, list string) {
	s.Relation = map[byte]Relation{'~': AllBut, '#': Differs, '?': Unrelated}[mark]
	if mark == '=' || mark == '!' {
		s.Relation = Agrees
	}
	for _, item := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' }) {
		if mark == '!' {
			s.Answers = append(s.Answers, digestOf(item))
		} else {
			s.Files = append(s.Files, File{item, "100644", digestOf("content of " + item)})
		}
	}
}

func digestOf(text string) digest.SHA256 { return sha256.Sum256([]byte(text)) }

// whole is what it takes to meet the sample.
const whole = "saki:tag ci:build nightjar:build ben:build ben:release"

func rules(j *Judgement) string {
	var all []string
	for _, f := range j.Failures {
		all = append(all, string(f.Rule))
	}
	return strings.Join(all, " ")
}

func TestSample(t *testing.T) {
	if problems := sample().Check(); problems != nil {
		t.Fatalf("the sample is at fault: %+v", problems)
	}
	j := Judge(sample(), "1.0", acts(whole), facts())
	if !j.Met() || j.Policy != 3 || j.Version != "1.0" || len(j.Tallies) != 5 || len(j.Results) != 5 {
		t.Errorf("got %+v", j)
	}
	for i, want := range []Fate{Counted, Counted, Counted, OwnBuild, Counted} {
		if j.Results[i].Fate != want {
			t.Errorf("result %d is %+v, want fate %d", i, j.Results[i], want)
		}
	}
}
