package policyfile

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/refusal"
)

// Keys of nobody: the secret halves are not kept.
const (
	oldKey   = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCylXv94HFxwwbVH+B7kOoOQibzs4AbPkA1HpB6HRz1iWBMknLvlil8uz1h8e43G3v1OSHNRwZ0dP3vU5oZXNhGLuCl/7+mHSYLE/5vFFYOEn5b8tz6cepratr502bs3LZWuzy3PhuXk9GX2nUIFh9lnJDJHnOYmlWuUh8U2yG1Cf1sdItaiFlWdgrlR3o5Wti12ajfpYxGqanlbqlQI3BuBoatpB8MwAwoLXUvnM4jYNcV8fS95yzj7HJcdqMMicLNyqHZn6J91EVXZ3Q2KVyeUxqwSJNanZerO3RZO/fMjkadXppFxhQwA70ljNJExZNbFMl3v5h15kRUFRPXe7Bd old" // RSA 2048
	heronKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFfrSgu4EfwQb9pZ1ugRdVPdxrmkmcbASaUx/CztWwMP heron"
	benKey   = "RWQxMjM0NTY3OHsczAnJztxC1QtiO1E0zeQmwbl2HJjXiKYINiXWjmff" // ben's ssh key as one of minisign
)

func sample(tb testing.TB) string {
	tb.Helper()
	data, err := os.ReadFile("testdata/policy.toml")
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func TestParse(t *testing.T) {
	p, err := Parse("policy.toml", []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, party := range p.Parties {
		names = append(names, party.Name+" "+party.Kind.String())
	}
	if want := []string{"ada person", "ben person", "saki person", "ci machine", "nightjar machine"}; !slices.Equal(names, want) {
		t.Errorf("the parties are %q, want %q", names, want)
	}
	ci := p.Party("ci")
	if ci.Domain != "forge" || ci.Toolchain != "debian" || !slices.Equal(ci.Operators, []string{"ada"}) || p.Party("saki").Domain != "home" || p.Party("ben").Domain != "" {
		t.Errorf("got %+v", ci)
	}
	if n := len(p.Party("ben").Keys()); n != 2 {
		t.Errorf("ben has %d keys", n)
	}
	if p.Version != 3 || p.Owners.Need != 2 || p.Withdrawers.Need != 2 || len(p.Requirements) != 5 || !p.Requirements[3].Waived || len(p.Exceptions) != 2 ||
		len(p.Combine) != 1 || p.Conditions != (policy.Conditions{HostingDomains: 1, ToolchainOrigins: 1, RSABits: 3072, PortableNames: true}) ||
		len(p.Revocations) != 1 || len(p.Revocations[0].Keeps) != 1 || p.Kept[0].Policy != 1 || len(p.Recipes) != 1 {
		t.Errorf("got %+v", p)
	}
	if terms := p.Terms("8.3.0RC1"); !terms.Requirements[2].Waived {
		t.Error("the exception does not hold")
	}
	if terms := p.Terms("7.4.0"); terms.Requirements[2].Need != 2 {
		t.Error("the second exception does not hold")
	}
}

// Each case is one change of the sample, and the first fault that it makes.
func TestParseRefuses(t *testing.T) {
	text := sample(t)
	for _, c := range []struct{ name, from, to, line, says string }{
		{"no TOML", "version = 3", "version = ", "version = ", "no TOML"},
		{"a key twice", "version = 3", "version = 3\nversion = 3", "", "no TOML"},
		{"another format", "countermark-policy = 1", "countermark-policy = 2", "countermark-policy", "out of range"},
		{"no format", "countermark-policy = 1\n", "", "version", "the version of the format is missing"},
		{"an unknown key", "version = 3", "version = 3\nverison = 3", "verison", "is not known here"},
		{"an unknown table", "[conditions]", "[condition]", "[condition]", "is not known here"},
		{"an unknown condition", "hosting-domains", "hosting-domain", "hosting-domain", "is not known here"},
		{"an unknown key of a person", `domain = "home"`, `team = "home"`, "team", "is not known here"},
		{"an unknown key of an exception", `waive = ["rebuilder"]`, `wave = ["rebuilder"]`, "wave", "is not known here"},
		{"an unknown key of a quorum", "[quorum.builder]\nneed", "[quorum.builder]\nned = 1\nneed", "ned", "is not known here"},
		{"an operator of a person", `domain = "home"`, `operators = ["ada"]`, "operators", "is not known here"},
		{"an unknown role", "[quorum.builder]", "[quorum.bilder]", "[quorum.bilder]", "is not known here"},
		{"an unknown role waived", `waive = ["reviewer"]`, `waive = ["reviewers"]`, "waive", "there is no role"},
		{"owners waived", `waive = ["reviewer"]`, `waive = ["reviewer", "owner"]`, "waive", "there is no role"},
		{"a role that is not decided", "waive = [\"reviewer\"]\n", "", "[quorum.source]", "does not say who is needed as reviewer"},
		{"a role waived and asked for", `waive = ["reviewer"]`, `waive = ["reviewer", "rebuilder"]`, "waive", "is waived, and has a quorum"},
		{"the release manager waived", `waive = ["rebuilder"]`, `waive = ["release-manager"]`, `waive = ["release-manager"]`, "cannot be waived"},
		{"waived twice", `waive = ["reviewer"]`, `waive = ["reviewer", "reviewer"]`, "waive", "the same twice"},
		{"nothing waived", `waive = ["reviewer"]`, `waive = []`, "waive", "is empty"},
		{"no version before", "previous = \"00000000000000000000000000000000000000000000000000000000000000dd\"\n", "", "countermark", "follows none"},
		{"a version before the first", "version = 3", "version = 1", "previous", "follows another"},
		{"version 0", "version = 3", "version = 0", "version", "out of range"},
		{"version -1", "version = 3", "version = -1", "version", "out of range"},
		{"no version", "version = 3\n", "", "countermark-policy", `the key "version" is missing`},
		{"a version of words", "version = 3", `version = "3"`, "version", "expected an integer"},
		{"no project", "project = \"https://example.org/php-src\"\n", "", "countermark-policy", `the key "project" is missing`},
		{"a project with a space", "php-src", "php src", "project", "visible ASCII"},
		{"threshold 0", "[quorum.rebuilder]\nneed = 1", "[quorum.rebuilder]\nneed = 0", "need = 0", "out of range"},
		{"threshold -1", "[quorum.rebuilder]\nneed = 1", "[quorum.rebuilder]\nneed = -1", "need = -1", "out of range"},
		{"threshold above the parties", "[quorum.rebuilder]\nneed = 1", "[quorum.rebuilder]\nneed = 3", "need = 3", "only 2 are listed"},
		{"threshold above all", "[quorum.rebuilder]\nneed = 1", "[quorum.rebuilder]\nneed = 10", "need = 10", "out of range"},
		{"owners above the parties", "need = 2\nof = [\"saki\", \"ben\", \"ada\"]\n\n[quorum.source]", "need = 4\nof = [\"saki\", \"ben\", \"ada\"]\n\n[quorum.source]", "need = 4", "only 3 are listed"},
		{"no threshold", "[quorum.rebuilder]\nneed = 1\n", "[quorum.rebuilder]\n", "[quorum.rebuilder]", `the key "need" is missing`},
		{"nobody", "[quorum.rebuilder]\nneed = 1\nof = [\"nightjar\", \"ada\"]", "[quorum.rebuilder]\nneed = 1\nof = []", "of = []", "is empty"},
		{"nobody at all", "[quorum.rebuilder]\nneed = 1\nof = [\"nightjar\", \"ada\"]", "[quorum.rebuilder]\nneed = 1", "[quorum.rebuilder]", `the key "of" is missing`},
		{"no owners", "[owners]\nneed = 2\nof = [\"saki\", \"ben\", \"ada\"]\n", "", "countermark-policy", `the table "owners" is missing`},
		{"somebody twice", `of = ["nightjar", "ada"]`, `of = ["nightjar", "nightjar"]`, `of = ["nightjar", "nightjar"]`, "listed twice"},
		{"somebody who is not there", `of = ["nightjar", "ada"]`, `of = ["nightjar", "mallory"]`, `"mallory"`, "is no party"},
		{"a name in other letters", `of = ["nightjar", "ada"]`, `of = ["nightjar", "Ada"]`, `"Ada"`, "is no party"},
		{"a machine that owns", "need = 2\nof = [\"saki\", \"ben\", \"ada\"]\n\n[quorum.source]", "need = 2\nof = [\"saki\", \"ben\", \"ci\"]\n\n[quorum.source]", `"ci"]`, "cannot be owner"},
		{"a machine that tags", "[quorum.source]\nneed = 1\nof = [\"saki\", \"ben\"]", "[quorum.source]\nneed = 1\nof = [\"saki\", \"ci\"]", `"saki", "ci"`, "cannot be source"},
		{"a machine that releases", "[quorum.release-manager]\nneed = 1\nof = [\"saki\", \"ben\"]", "[quorum.release-manager]\nneed = 1\nof = [\"saki\", \"ci\"]", `"saki", "ci"`, "cannot be release-manager"},
		{"a machine that withdraws", "[quorum.withdrawer]\nneed = 2\nof = [\"saki\", \"ben\", \"ada\"]", "[quorum.withdrawer]\nneed = 2\nof = [\"saki\", \"ben\", \"ci\"]", `"ben", "ci"`, "cannot be withdrawer"},
		{"a person twice", "[people.saki]", "[people.Ben]", "[people.ben]", "two parties are named"},
		{"a person and a machine of one name", "[machines.nightjar]", "[machines.ben]", "[machines.ben]", "two parties are named"},
		{"a name with a space", "[people.ada]", `[people."a da"]`, `[people."a da"]`, "is not 1 to 64 such characters"},
		{"a name of another script", "[people.ada]", "[people.\"\u0430da\"]", `da"]`, "is not 1 to 64 such characters"},
		{"a name like an option", "[people.ada]", "[people.-ada]", "[people.-ada]", "is not 1 to 64 such characters"},
		{"one key of two people", oneOf(text, "ssh-ed25519", "saki"), oneOf(text, "ssh-ed25519", "ben"), "[people.saki]\nkeys", "is both"},
		{"one key of two people in two formats", `keys = ["` + oneOf(text, "RWSu", ""), `keys = ["` + benKey, oneOf(text, "ssh-ed25519", "ben"), "is both"},
		{"one key twice", "\"" + oneOf(text, "ssh-ed25519", "ben") + "\",", "\"" + oneOf(text, "ssh-ed25519", "ben") + "\", \"" + oneOf(text, "ssh-ed25519", "ben") + "\",", "ssh-ed25519", "is there twice"},
		{"a short key", oneOf(text, "ssh-ed25519", "ci"), oldKey, oldKey, "the policy asks for 3072"},
		{"no key", `keys = ["` + oneOf(text, "ssh-ed25519", "ci") + `"]`, "", "[machines.ci]", `the key "keys" is missing`},
		{"no keys", `keys = ["` + oneOf(text, "ssh-ed25519", "ci") + `"]`, "keys = []", "keys = []", "is empty"},
		{"a key that is none", oneOf(text, "ssh-ed25519", "ci"), "ssh-ed25519 AAAA", `"ssh-ed25519 AAAA"`, "the key cannot be read"},
		{"two keys in one text", oneOf(text, "ssh-ed25519", "ci"), oneOf(text, "ssh-ed25519", "ci") + `\n` + heronKey, heronKey, "2 keys in one text"},
		{"a line of allowed signers", oneOf(text, "ssh-ed25519", "ci"), "ci " + heronKey, heronKey, "does not begin with its type"},
		{"a key with a line of prose", oneOf(text, "ssh-ed25519", "ci"), heronKey + `\n# need = 2`, "# need = 2", "stands around the key"},
		{"prose before a certificate", "-----BEGIN PGP PUBLIC KEY BLOCK-----", "[owners]\nneed = 3\n\n-----BEGIN PGP PUBLIC KEY BLOCK-----", "  '''\n[owners]", "stands around the key"},
		{"prose after a certificate", "-----END PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----\n[owners]", "  '''\n-----BEGIN", "stands around the key"},
		{"a comment whose order is turned", "[quorum.rebuilder]\nneed = 1", "[quorum.rebuilder]\nneed = 1 # \u202e2 = deen", "need = 1 # \u202e", `"\u202e" is none that is seen`},
		{"a comment that holds nothing seen", "[quorum.rebuilder]\nneed = 1", "[quorum.rebuilder]\nneed = 1 #\u200b", "need = 1 #\u200b", `"\u200b" is none that is seen`},
		{"an authority", oneOf(text, "ssh-ed25519", "ci"), "* cert-authority " + heronKey, heronKey, ""},
		{"a machine without a domain", "domain = \"forge\"\n", "", "[machines.ci]", "the domain of the machine"},
		{"a machine without a toolchain", "toolchain = \"debian\"\n", "", "[machines.ci]", "the toolchain of the machine"},
		{"a domain in capitals", `"forge"`, `"Forge"`, `"Forge"`, "is not 1 to 64"},
		{"an operator who is not there", `operators = ["ada"]`, `operators = ["mallory"]`, "operators", "is no person"},
		{"a machine that operates", `operators = ["ada"]`, `operators = ["nightjar"]`, "operators", "is no person"},
		{"an operator twice", `operators = ["ada"]`, `operators = ["ada", "ada"]`, "operators", "listed twice"},
		{"no operators", `operators = ["ada"]`, `operators = []`, "operators", "is empty"},
		{"no recipe", "recipes = [\"00000000000000000000000000000000000000000000000000000000000000aa\"]\n", "", "countermark-policy", "no recipe is approved"},
		{"a recipe twice", "aa\"]", "aa\", \"00000000000000000000000000000000000000000000000000000000000000aa\"]", "recipes", "is there twice"},
		{"a short digest", "0000aa\"]", "00aa\"]", "recipes", ""},
		{"a combination of one", `[["source", "release-manager"]]`, `[["source", "source"]]`, "may-combine", "cannot be combined"},
		{"a combination of three", `[["source", "release-manager"]]`, `[["source", "release-manager", "reviewer"]]`, "may-combine", "3 roles are combined"},
		{"builder and rebuilder combined", `[["source", "release-manager"]]`, `[["rebuilder", "builder"]]`, "may-combine", "cannot rebuild it as well"},
		{"combined twice", `[["source", "release-manager"]]`, `[["source", "release-manager"], ["release-manager", "source"]]`, "may-combine", "combined twice"},
		{"no combination", `[["source", "release-manager"]]`, `[]`, "may-combine", "is empty"},
		{"an exception for everything", `["7.*"]`, `["*"]`, `["*"]`, "names every version"},
		{"an exception for nothing", `["7.*"]`, `[]`, `versions = []`, "is empty"},
		{"a pattern twice", `["7.*"]`, `["*RC*"]`, `versions = ["*RC*"]`, "is there twice"},
		{"a pattern that is no version", `["7.*"]`, `["7/*"]`, `"7/*"`, "version pattern"},
		{"an exception that changes nothing", "waive = [\"rebuilder\"]\n", "", "[[for]]", "changes nothing"},
		{"an exception that cannot be met", "[for.quorum.rebuilder]\nneed = 2\nof = [\"nightjar\", \"ada\"]", "[for.quorum.rebuilder]\nneed = 1\nof = [\"ci\"]", "[[for]]\nversions = [\"7", "cannot be met"},
		{"zero domains", "hosting-domains = 1", "hosting-domains = 0", "hosting-domains", "out of range"},
		{"too many domains", "hosting-domains = 1", "hosting-domains = 4", "[quorum.source]", "hosting-domains: 3 of 4"},
		{"a review of another kind", "portable-names = true", `review = "all"`, `review = "`, "no kind of review"},
		{"a review by nobody", "portable-names = true", `review = "unreproduced"`, `review = "`, "reviewers are waived"},
		{"a condition of another type", "portable-names = true", `portable-names = "yes"`, "portable-names", "expected a boolean"},
		{"bits below those that are always asked for", "rsa-bits = 3072", "rsa-bits = 1024", "rsa-bits", "expected 2048"},
		{"a revoked key of nobody", "rsa:70f3", "rsa:70f4", "rsa:70f4", "no party has the revoked key"},
		{"revoked twice", "[[kept]]", "[[revoked]]\nkey = \"rsa:70f303ca4a5b5ec1e72447474d7a958c31849da352a9bc584a89ef208ae3f652\"\n[[kept]]", "key = \"rsa:70f303ca4a5b5ec1e72447474d7a958c31849da352a9bc584a89ef208ae3f652\"\n[[kept]]", "revoked twice"},
		{"nothing stays, as a list", `keeps = ["00000000000000000000000000000000000000000000000000000000000000bb"]`, "keeps = []", "keeps = []", "is empty"},
		{"a statement that stays twice", `bb"]`, `bb", "00000000000000000000000000000000000000000000000000000000000000bb"]`, "keeps", "is there twice"},
		{"kept by itself", "\npolicy = 1\n", "\npolicy = 3\n", "\npolicy = 3", "judged by version 3"},
		{"kept by version 0", "\npolicy = 1\n", "\npolicy = 0\n", "\npolicy = 0", "out of range"},
	} {
		if !strings.Contains(text, c.from) {
			t.Errorf("%s: the sample does not hold %q", c.name, c.from)
			continue
		}
		changed := strings.Replace(text, c.from, c.to, 1)
		p, err := Parse("a.toml", []byte(changed))
		var at *Error
		if p != nil || !errors.As(err, &at) {
			t.Errorf("%s: got %v, %v", c.name, p, err)
			continue
		}
		if !strings.Contains(at.Detail, c.says) || at.Hint == "" || !strings.HasPrefix(at.Error(), "POL_") {
			t.Errorf("%s: got %v, want %q", c.name, err, c.says)
		}
		want := 1 + strings.Count(changed[:max(0, strings.Index(changed, c.line))], "\n")
		if strings.HasPrefix(c.line, "\n") || strings.HasSuffix(c.line, "keys") {
			want++ // it is written with the line before
		}
		if c.line != "" && at.Line != want {
			t.Errorf("%s: line %d, want %d: %v", c.name, at.Line, want, err)
		}
		wantRule := refusal.PolInvalid
		if strings.HasPrefix(c.name, "one key of two") {
			wantRule = refusal.PolKeyReuse
		}
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != wantRule || at.Rule != wantRule {
			t.Errorf("%s: refused by %v, want %s", c.name, err, wantRule)
		}
	}
}

// oneOf returns the first key of the sample that begins and ends so.
func oneOf(text, begin, end string) string {
	for _, part := range strings.Split(text, `"`) {
		if strings.HasPrefix(part, begin) && strings.HasSuffix(part, end) {
			return part
		}
	}
	return "none"
}

func TestTooLong(t *testing.T) {
	_, err := Parse("a\x1b.toml", bytes.Repeat([]byte("\n"), MaxFileBytes+1))
	if err == nil || !strings.Contains(err.Error(), "at most 1048576") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
}

// What Format writes reads as what it was given.
func TestFormat(t *testing.T) {
	p, err := Parse("policy.toml", []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	text := Format(p)
	again, err := Parse("policy.toml", text)
	if err != nil || !reflect.DeepEqual(p, again) {
		t.Fatalf("%s\nreads as %+v, %v", text, again, err)
	}
	if !bytes.Equal(Format(again), text) {
		t.Error("the same is written in two ways")
	}
	if !strings.Contains(string(text), "'''\n-----BEGIN PGP") {
		t.Errorf("the certificate is not on lines of its own:\n%s", text)
	}
	p.Requirements[3] = policy.Requirement{Role: policy.Reviewer, Quorum: policy.Quorum{Need: 1, Of: []string{"ada"}}}
	p.Conditions = policy.Conditions{Unreproduced: true}
	p.Withdrawers, p.Combine, p.Revocations, p.Kept = policy.Quorum{}, nil, nil, nil
	if again, err := Parse("policy.toml", Format(p)); err != nil || !reflect.DeepEqual(p, again) {
		t.Errorf("%s\nreads as %+v, %v", Format(p), again, err)
	}
}

func TestQuote(t *testing.T) {
	for s, want := range map[string]string{
		"a": `"a"`, `a"\`: `"a\"\\"`, "a\nb": "'''\na\nb'''", "'''\n": `"'''\u000a"`, "\n'": `"\u000a'"`, "\t\x7f": `"\u0009\u007f"`, "é": `"é"`,
	} {
		if got := quote(s); got != want {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	}
}

// Whatever is read is sound, and is written as what reads as the same.
func FuzzParse(f *testing.F) {
	text := sample(f)
	f.Add([]byte(text))
	for _, cut := range []string{"[[for]]", "[owners]", "[conditions]", "[machines.ci]"} {
		f.Add([]byte(text[:strings.Index(text, cut)]))
		f.Add([]byte(strings.Replace(text, cut, "", 1)))
	}
	f.Add([]byte("countermark-policy = 1\nfor = [{versions = [\"*RC*\"], waive = [\"source\"]}]\nquorum.source = {need = 1, of = [\"a\"]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("policy.toml", data)
		if err != nil {
			var at *Error
			if p != nil || !errors.As(err, &at) || at.Line < 1 || at.Line > 1+bytes.Count(data, []byte("\n")) || at.Detail == "" {
				t.Errorf("got %v, %v", p, err)
			}
			return
		}
		if problems := p.Check(); problems != nil {
			t.Errorf("what is read is at fault: %+v", problems)
		}
		if again, err := Parse("policy.toml", Format(p)); err != nil || !bytes.Equal(Format(p), Format(again)) {
			t.Errorf("what is written is not what was read: %v\n%s", err, Format(p))
		}
	})
}
