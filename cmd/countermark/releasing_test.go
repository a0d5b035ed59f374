package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

var releasingPath = filepath.Join("..", "..", "docs", "releasing.md")

// releasingRecipe is the recipe of the project that docs/releasing.md releases.
const releasingRecipe = `countermark-recipe = 1

[project]
url = "https://git.example.org/hello"
archive = "hello-{version}"

[source]
tag = "v{version}"

[environment]
kind = "host"

[[step]]
name = "words"
run = ["sh", "generate.sh"]
outputs = ["words.h"]

[built]
branch = "hello-built"
author = {name = "CI", email = "ci@example.org"}

[archives]
formats = ["tar.gz"]
`

// releasing is the parties of docs/releasing.md, each with a home, which is a
// clone of the project too, and the server between them.
type releasing struct {
	t   *testing.T
	dir string
	env []string
}

// step is one command of the document, with what it shows of its output.
type step struct {
	party, command string
	exit           int
	shown          []string
}

var promptOfStep = regexp.MustCompile(`^([a-z]*)\$ (.*?)(?: +# exit status ([0-3]))?$`)

// steps returns the commands of a document that somebody by name runs.
func steps(t *testing.T, document string) []step {
	t.Helper()
	var all []step
	for _, block := range consoles(t, document) {
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", "")) {
			line = strings.TrimSuffix(line, "\n")
			if m := promptOfStep.FindStringSubmatch(line); m != nil {
				s := step{party: m[1], command: m[2]}
				if m[3] != "" {
					s.exit = int(m[3][0] - '0')
				}
				all = append(all, s)
			} else if len(all) > 0 {
				all[len(all)-1].shown = append(all[len(all)-1].shown, line)
			}
		}
	}
	return all
}

// Every command in docs/releasing.md does what the document says, in its order.
func TestReleasingRuns(t *testing.T) {
	if !hasSandbox() {
		t.Skip("no sandbox works here: countermark doctor says why")
	}
	for _, program := range []string{"git", "ssh-keygen", "jq", "sh", "sed"} {
		testkit.Program(t, program)
	}
	r := newReleasing(t)
	ran := 0
	for _, s := range steps(t, readDocument(t, releasingPath)) {
		if s.party == "" {
			checkCommand(t, s.command, strings.Fields(s.command)[1:])
			continue
		}
		r.run(s)
		ran++
		if strings.Contains(s.command, "policy init") {
			r.publishRoot()
		}
	}
	if ran < 30 {
		t.Errorf("docs/releasing.md has %d commands that run, expected more", ran)
	}
}

// newReleasing makes the homes, the keys, the project and its server.
func newReleasing(t *testing.T) *releasing {
	r := &releasing{t: t, dir: t.TempDir()}
	self, err := exec.LookPath("countermark")
	if err != nil {
		t.Fatal(err)
	}
	r.env = []string{
		"PATH=" + filepath.Join(r.dir, "bin") + ":" + filepath.Dir(self) + ":" + os.Getenv("PATH"), "LC_ALL=C", "TMPDIR=" + r.dir,
		"GIT_CONFIG_NOSYSTEM=1", "XDG_CACHE_HOME=" + filepath.Join(r.dir, "cache"), "EDITOR=" + filepath.Join(r.dir, "bin", "edit"), "PUBLISHED=" + filepath.Join(r.dir, "ben", "hello-1.0.blessed"),
	}
	r.write("bin/curl", 0o755, "#!/bin/sh\nexec cp \"$PUBLISHED/$(basename \"$2\")\" .\n")
	r.write("bin/edit", 0o755, releasingEditor)
	r.write("project/countermark.toml", 0o644, releasingRecipe)
	r.write("project/generate.sh", 0o644, "sort words.txt >words.h\n")
	r.write("project/words.txt", 0o644, "pear\napple\n")
	r.sh("project", "git init -q -b main . && git add -A && git -c user.name=Saki -c user.email=saki@example.org commit -q -m 'Release 1.0' && git clone -q --bare . ../server.git")
	for _, party := range []string{"saki", "ben", "ci", "lab", "user", "new"} {
		if party == "user" {
			r.write("user/.profile", 0o644, "")
		} else {
			r.sh(".", "git clone -q server.git "+party)
			r.sh(party, "mkdir .ssh && ssh-keygen -q -t ed25519 -N '' -C "+party+" -f .ssh/id_ed25519")
		}
		r.sh(party, fmt.Sprintf("git config --global user.name %s && git config --global user.email %[1]s@example.org && git config --global gpg.format ssh && git config --global user.signingKey ~/.ssh/id_ed25519", party))
	}
	for _, party := range []string{"saki", "ben", "ci", "lab", "user", "new"} {
		r.sh(party, "mkdir keys; for p in saki ben ci lab new; do cp ../$p/.ssh/id_ed25519.pub keys/$p.pub; done")
	}
	return r
}

// releasingEditor does to the next policy what docs/releasing.md says.
const releasingEditor = `#!/bin/sh
set -e
old=$(cat keys/ci.pub)
new=$(cat keys/new.pub)
text=$(countermark policy show | sed -n '/machine ci,/{n;s/.*(\(.*\)).*/\1/p;}')
kept=$(countermark sign ../ci/release/hello-1.0.statement.json --key ../ci/.ssh/id_ed25519 --output ../ci/ci.intoto.jsonl | sed -n 's/.*statement *sha256://p')
sed -i "s|\"$old\"|\"$new\", \"$old\"|" "$1"
printf '\n[[revoked]]\nkey = "%s"\nkeeps = ["%s"]\n' "$text" "$kept" >>"$1"
`

func (r *releasing) write(name string, mode os.FileMode, content string) {
	r.t.Helper()
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		r.t.Fatal(err)
	}
}

// publishRoot tells everybody the root.
func (r *releasing) publishRoot() {
	r.t.Helper()
	policy, err := os.ReadFile(filepath.Join(r.dir, "saki", "policy.toml"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.env = append(r.env, fmt.Sprintf("ROOT=%x", sha256.Sum256(policy)))
}

// try runs a command in somebody's home, and returns its exit status and what it
// prints.
func (r *releasing) try(party, command string) (exit int, out, errs string) {
	cmd := exec.CommandContext(context.Background(), "sh", "-c", command)
	cmd.Dir = filepath.Join(r.dir, party)
	cmd.Env = append(append([]string{}, r.env...), "HOME="+cmd.Dir, "GIT_COMMITTER_NAME="+party, "GIT_COMMITTER_EMAIL="+party+"@example.org")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // what matters is its status
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// sh runs a command that must succeed.
func (r *releasing) sh(party, command string) {
	r.t.Helper()
	if exit, out, errs := r.try(party, command); exit != 0 {
		r.t.Fatalf("%s: %s: exit status %d\n%s%s", party, command, exit, out, errs)
	}
}

// run runs a command of the document, and holds it to what is shown.
func (r *releasing) run(s step) {
	r.t.Helper()
	exit, out, errs := r.try(s.party, s.command)
	if exit != s.exit {
		r.t.Fatalf("%s$ %s: exit status %d, expected %d\n%s%s", s.party, s.command, exit, s.exit, out, errs)
	}
	if len(s.shown) > 0 && !shows(s.shown, out) {
		r.t.Errorf("%s$ %s: the document shows\n%s\nand this was printed\n%s", s.party, s.command, strings.Join(s.shown, "\n"), out)
	}
}

// shows reports whether lines are an output, where "⋮" stands for lines that are
// left out, and "…" for characters.
func shows(lines []string, out string) bool {
	pattern := "(?s)^"
	for _, line := range lines {
		if line == "⋮" {
			pattern += "(?:.*\n)?"
			continue
		}
		pattern += strings.ReplaceAll(regexp.QuoteMeta(line), "…", "[^\n]*") + "\n"
	}
	return regexp.MustCompile(pattern + "$").MatchString(out)
}
