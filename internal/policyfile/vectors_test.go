package policyfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
)

// question is one question of testdata/vectors/policy, as its README has it.
type question struct {
	header map[string]string
	policy string
	keys   string
	signed string
}

func readQuestion(t *testing.T, text string) question {
	t.Helper()
	header, rest, _ := strings.Cut(text, "-- policy --\n")
	file, rest, _ := strings.Cut(rest, "-- keys --\n")
	keys, rest, _ := strings.Cut(rest, "-- signed --\n")
	signed, rest, found := strings.Cut(rest, "-- end --\n")
	if !found || rest != "" {
		t.Fatalf("this is no question:\n%s", text)
	}
	q := question{map[string]string{}, file, keys, signed}
	for line := range strings.Lines(header) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		q.header[name] = value
	}
	return q
}

// vectorKeys are the keys of the vectors that are no party's.
func strangers(t *testing.T) map[string]publickey.Key {
	t.Helper()
	holders, err := signature.ParseHolders([]byte(oldKey))
	if err != nil {
		t.Fatal(err)
	}
	k := holders[0].Keys[0]
	return map[string]publickey.Key{k.String(): k}
}

func (q question) acts(t *testing.T, p *policy.Policy) []policy.Signed {
	t.Helper()
	byText := strangers(t)
	for i := range p.Parties {
		for _, k := range p.Parties[i].Keys() {
			byText[k.String()] = k
		}
	}
	byName := map[string]publickey.Key{}
	for line := range strings.Lines(q.keys) {
		fields := strings.Fields(line)
		byName[fields[0]] = byText[fields[1]]
	}
	acts := map[string]policy.Act{"tag": policy.SignTag, "build": policy.Build, "review": policy.Review, "release": policy.Release, "withdrawal": policy.Withdraw, "policy": policy.SignPolicy}
	relations := map[string]policy.Relation{"agrees": policy.Agrees, "all-but": policy.AllBut, "differs": policy.Differs, "unrelated": policy.Unrelated}
	var all []policy.Signed
	for line := range strings.Lines(q.signed) {
		fields := strings.Fields(line)
		relation, known := relations[fields[2]]
		s := policy.Signed{Key: byName[fields[0]], Act: acts[fields[1]], Relation: relation, Digest: sha256.Sum256([]byte(fields[3]))}
		if s.Key.IsZero() || s.Act == 0 || !known {
			t.Fatalf("%q is no signature", line)
		}
		for _, more := range fields[4:] {
			name, value, _ := strings.Cut(more, "=")
			switch name {
			case "file":
				s.Files = append(s.Files, policy.File{Path: value, Mode: "100644", Digest: sha256.Sum256([]byte(value))})
			case "answers":
				s.Answers = append(s.Answers, sha256.Sum256([]byte(value)))
			default:
				t.Fatalf("%q is nothing that a signature has", more)
			}
		}
		all = append(all, s)
	}
	return all
}

// judge returns what comes of the question: a judgement, or why the policy is refused.
func (q question) judge(t *testing.T) (*policy.Judgement, error) {
	t.Helper()
	p, err := Parse("policy.toml", []byte(q.policy))
	if err != nil {
		return nil, err
	}
	signed := q.acts(t, p)
	switch q.header["judge"] {
	case "policy":
		return policy.JudgePolicy(p, signed), nil
	case "withdrawal":
		return policy.JudgeWithdrawal(p, signed), nil
	}
	recipe, err := digest.ParseSHA256(q.header["recipe"])
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]policy.Check{"hold": policy.Holds, "fail": policy.Fails, "unknown": policy.NotChecked}[q.header["portable-names"]]
	return policy.Judge(p, q.header["version"], signed, policy.Facts{Recipe: recipe, PortableNames: names}), nil
}

func TestVectors(t *testing.T) {
	vectors := testkit.Vectors(t, "../../testdata/vectors/policy")
	if len(vectors) < 60 {
		t.Fatalf("%d vectors, expected at least 60", len(vectors))
	}
	for _, v := range vectors {
		j, err := readQuestion(t, string(v.Input)).judge(t)
		got := "accepted"
		switch {
		case err != nil:
			got = fmt.Sprint(err)
			if r, ok := errors.AsType[*refusal.Refusal](err); ok {
				got = string(r.Rule)
			}
		case !j.Met():
			got = string(j.Failures[0].Rule)
		}
		if got != v.Expect {
			t.Errorf("%s: got %s, want %s: %v %+v", v.Name, got, v.Expect, err, j)
			continue
		}
		for role, names := range v.Gives {
			if counted := countedAs(j, role); counted != names {
				t.Errorf("%s: %s is %q, want %q", v.Name, role, counted, names)
			}
		}
	}
}

func countedAs(j *policy.Judgement, role string) string {
	for _, tally := range j.Tallies {
		if tally.Role.String() == role {
			return strings.Join(tally.Counted, ", ")
		}
	}
	return "no such role"
}
