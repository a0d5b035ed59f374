package gitrepo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// trap is a program that leaves a mark when it is run.
type trap struct {
	program, mark string
}

func newTrap(t *testing.T) trap {
	t.Helper()
	dir := t.TempDir()
	tr := trap{program: filepath.Join(dir, "trap"), mark: filepath.Join(dir, "sprung")}
	testkit.Write(t, tr.program, "#!/bin/sh\necho \"$0 $*\" >>"+tr.mark+"\nexit 1\n")
	if err := os.Chmod(tr.program, 0o755); err != nil {
		t.Fatal(err)
	}
	return tr
}

// check fails if the trap was sprung.
func (tr trap) check(t *testing.T) {
	t.Helper()
	if marks, err := os.ReadFile(tr.mark); err == nil {
		t.Errorf("a program of the repository's or the environment's was run: %s", marks)
	}
}

// everyTrap names the trap in every key by which a configuration can make git
// run a program.
const everyTrap = `
[core]
	fsmonitor = TRAP
	sshCommand = TRAP
	gitProxy = TRAP
	hooksPath = HOOKS
	askPass = TRAP
	pager = TRAP
	editor = TRAP
	alternateRefsCommand = TRAP
	attributesFile = ATTRIBUTES
[gpg]
	program = TRAP
[gpg "ssh"]
	program = TRAP
	defaultKeyCommand = TRAP
	allowedSignersFile = /dev/null
[log]
	showSignature = true
[tar "tgz"]
	command = TRAP
[tar "tar.gz"]
	command = TRAP
[diff]
	external = TRAP
[diff "x"]
	textconv = TRAP
	command = TRAP
[merge "x"]
	driver = TRAP
[filter "y"]
	smudge = TRAP
	clean = TRAP
	process = TRAP
	required = true
[alias]
	cat-file = !TRAP
	for-each-ref = !TRAP
	check-attr = !TRAP
	update-index = !TRAP
	fetch = !TRAP
[protocol]
	allow = always
[protocol "ext"]
	allow = always
[remote "origin"]
	url = ext::TRAP
	uploadpack = TRAP
	promisor = true
	partialclonefilter = blob:none
	vcs = TRAP
[extensions]
	partialClone = origin
[url "ext::TRAP"]
	insteadOf = https://
[credential]
	helper = !TRAP
[sequence]
	editor = TRAP
[uploadpack]
	packObjectsHook = TRAP
[pager]
	for-each-ref = TRAP
	cat-file = TRAP
[hook "h"]
	command = TRAP
	event = reference-transaction
	event = post-index-change
[trailer "x"]
	command = TRAP
[browser "x"]
	cmd = TRAP
[submodule "s"]
	update = !TRAP
[maintenance]
	auto = true
[gc]
	auto = 1
[trace2]
	eventTarget = /dev/null
`

func (tr trap) hostileConfig() string { return strings.ReplaceAll(everyTrap, "TRAP", tr.program) }

// hostileEnvironment sets every variable by which git can be made to run a
// program or to read another configuration or repository.
func (tr trap) hostileEnvironment(t *testing.T, config string) {
	t.Helper()
	for _, key := range []string{
		"GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "PAGER", "GIT_EDITOR", "EDITOR", "VISUAL",
		"GIT_SEQUENCE_EDITOR", "GIT_PROXY_COMMAND", "GIT_TEMPLATE_DIR",
	} {
		t.Setenv(key, tr.program)
	}
	for key, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": config, "GIT_CONFIG_SYSTEM": config, "GIT_CONFIG": config, "GIT_CONFIG_NOSYSTEM": "0",
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": tr.program,
		"GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='" + tr.program + "'",
		"GIT_DIR":               "/nonexistent", "GIT_WORK_TREE": "/nonexistent", "GIT_COMMON_DIR": "/nonexistent", "GIT_OBJECT_DIRECTORY": "/nonexistent",
		"GIT_INDEX_FILE": "/nonexistent", "GIT_NAMESPACE": "x", "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nonexistent", "GIT_NO_REPLACE_OBJECTS": "",
		"GIT_NO_LAZY_FETCH": "0", "GIT_ALLOW_PROTOCOL": "ext:file:https", "GIT_EXEC_PATH": filepath.Dir(tr.program), "GIT_ATTR_SOURCE": "HEAD",
		"GIT_SHALLOW_FILE": "/nonexistent", "GIT_REPLACE_REF_BASE": "refs/x", "GIT_GRAFT_FILE": "/nonexistent", "GIT_TRACE": "/nonexistent/x",
		"GIT_DEFAULT_HASH": "sha256", "GIT_TERMINAL_PROMPT": "1", "GIT_PROTOCOL_FROM_USER": "1", "GIT_LITERAL_PATHSPECS": "x",
	} {
		t.Setenv(key, value)
	}
}

// spring makes a repository hostile in every way at once.
func (tr trap) spring(t *testing.T, gitDir string) {
	t.Helper()
	hooks := filepath.Join(gitDir, "hooks")
	if err := os.MkdirAll(hooks, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, hook := range []string{"reference-transaction", "post-index-change", "post-checkout", "pre-auto-gc", "post-rewrite", "fsmonitor-watchman", "proc-receive"} {
		if err := os.Link(tr.program, filepath.Join(hooks, hook)); err != nil {
			t.Fatal(err)
		}
	}
	attributes := filepath.Join(gitDir, "info/attributes")
	testkit.Write(t, attributes, "* filter=y diff=x merge=x -text ident export-ignore\n")
	config := strings.NewReplacer("HOOKS", hooks, "ATTRIBUTES", attributes).Replace(tr.hostileConfig())
	old, err := os.ReadFile(filepath.Join(gitDir, "config"))
	if err != nil {
		t.Fatal(err)
	}
	testkit.Write(t, filepath.Join(gitDir, "config"), strings.Replace(string(old), "repositoryformatversion = 0", "repositoryformatversion = 1", 1)+config)
	testkit.Write(t, filepath.Join(gitDir, "extra"), config)
	for _, id := range []string{"HEAD", "v1.0"} {
		testkit.Write(t, filepath.Join(gitDir, "refs/replace", fmt.Sprintf("%040x", len(id))), fmt.Sprintf("%040x\n", 1))
	}
}

// The traps do spring when git is run as people run it.
func TestTrapsWork(t *testing.T) {
	w, tr := newWork(t).sample(), newTrap(t)
	tr.spring(t, filepath.Join(w.dir, ".git"))
	runAnyway(w, "status")
	if _, err := os.Stat(tr.mark); err != nil {
		t.Error("git status runs nothing: the test of hostile repositories would show nothing")
	}
}

// Whatever a repository's configuration and our own environment say, nothing
// of it runs, and nothing of it changes what is read.
func TestHostileRepository(t *testing.T) {
	w, tr := newWork(t).sample(), newTrap(t)
	w.git("update-ref", "refs/tags/missing", w.gitIn(fmt.Sprintf("tree %v\nparent %040x\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n", w.id("HEAD^{tree}"), 7), "hash-object", "-t", "commit", "-w", "--stdin"))
	gone, absentBlob := w.id("HEAD:sub/deep/c"), absent(t, 5)
	tr.spring(t, filepath.Join(w.dir, ".git"))
	if err := os.Remove(w.loose(gone)); err != nil {
		t.Fatal(err)
	}
	tr.hostileEnvironment(t, filepath.Join(w.dir, ".git/extra"))
	t.Chdir(w.dir)

	r := open(t, w.dir)
	checkHostile(t, r)
	if lacking, err := r.Blobs(t.Context(), []digest.ObjectID{gone, absentBlob}, nil); err != nil || len(lacking) != 2 {
		t.Errorf("missing blobs: %v, %v", lacking, err)
	}
	tags, _, err := r.Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rank(t.Context(), tree.Tree{}, tags, nil); err != nil {
		t.Error(err)
	}
	if got, err := Discover("."); err != nil || got != w.dir {
		t.Errorf("discovered %q, %v", got, err)
	}
	tr.check(t)
}

// checkHostile reads the tag v1.0, its tree and attributes without asking git.
func checkHostile(t *testing.T, r *Repository) {
	t.Helper()
	resolved, err := r.ResolveTag(t.Context(), tag(t, r, "v1.0"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Tree(t.Context(), resolved.Commit.Tree)
	if err != nil || files.Len() != 7 {
		t.Fatalf("%d files, %v", files.Len(), err)
	}
	identity := files.Identity(r.Format())
	if got := identity.Git.In(r.Format()); got != resolved.Commit.Tree {
		t.Errorf("the files make tree %v, want %v", got, resolved.Commit.Tree)
	}
	values, err := r.Attributes(t.Context(), AttributeQuery{TreeID: resolved.Commit.Tree, Tree: files, Names: []string{"text", "ident", "filter"}, Paths: []string{"a.txt", "bin/run"}})
	if err != nil || values["a.txt"]["text"] != "set" || values["a.txt"]["filter"] != "unspecified" || values["bin/run"]["ident"] != "unspecified" {
		t.Errorf("attributes: %v, %v", values, err)
	}
}

// runAnyway runs git without looking at its exit status.
func runAnyway(w *work, args ...string) {
	cmd := w.command(args...)
	_ = cmd.Run()
}
