package refs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// trapped makes a repository that names a program of its own wherever git would run
// one when somebody pushes to it. The programs write their names into the file mark.
func trapped(t *testing.T, source *work, arguments ...string) (w *work, mark string) {
	t.Helper()
	w = &work{t: t, dir: filepath.Join(t.TempDir(), "target")}
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mark = filepath.Join(t.TempDir(), "mark")
	w.git("", append([]string{"init", "-q", "-b", "candidates/1"}, arguments...)...)
	gitDir := filepath.Join(w.dir, w.git("", "rev-parse", "--git-dir"))
	trap := func(path string) string {
		if err := os.Chmod(testkit.Write(t, path, "#!/bin/sh\necho "+filepath.Base(path)+" >>"+mark+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, event := range events() {
		trap(filepath.Join(gitDir, "hooks", event))
	}
	program := func(name string) string { return trap(filepath.Join(w.dir, "programs", name)) }
	for key, value := range map[string]string{
		"core.alternateRefsCommand": program("alternates"), "core.fsmonitor": program("monitor"), "filter.f.smudge": program("smudge"), "filter.f.clean": program("clean"),
		"core.sshCommand": program("ssh"), "core.askPass": program("ask"), "core.pager": program("pager"), "gpg.program": program("gpg"), "credential.helper": program("credential"),
		"receive.denyCurrentBranch": "updateInstead", "receive.certNonceSeed": "x", "gc.recentObjectsHook": program("recent"), "gc.autoDetach": "false",
		"uploadpack.packObjectsHook": program("pack"), "remote.r.url": "ext::" + program("promisor"), "remote.r.promisor": "true", "protocol.ext.allow": "always",
	} {
		w.git("", "config", key, value)
	}
	testkit.Write(t, filepath.Join(gitDir, "objects/info/alternates"), filepath.Join(source.dir, ".git/objects")+"\n")
	return w, mark
}

// ran returns what ran since it was asked last.
func ran(t *testing.T, mark string) string {
	t.Helper()
	text, _ := os.ReadFile(mark)
	_ = os.Remove(mark)
	return string(text)
}

// Of a repository on this machine that is pushed to no program runs. The first push
// of each is as people do it: it shows that the traps are set.
func TestPushRunsNothing(t *testing.T) {
	for _, kind := range []string{"bare", "work tree"} {
		w := newWork(t)
		testkit.Write(t, filepath.Join(w.dir, ".gitattributes"), "* filter=f\n")
		w.git("", "add", ".")
		w.git("", "commit", "-q", "-m", "attributes")
		arguments := map[string][]string{"bare": {"--bare"}, "work tree": nil}[kind]
		target, mark := trapped(t, w, arguments...)
		w.git("", "push", "-q", target.dir, "HEAD:refs/heads/candidates/1")
		loud := ran(t, mark)
		for _, name := range []string{"alternates", "pre-receive", "post-update", "reference-transaction"} {
			if !strings.Contains(loud, name) {
				t.Errorf("%s: %s does not run when git is run as people do, only\n%s", kind, name, loud)
			}
		}
		next := w.id(w.git("", "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "next"))
		want := Changed
		if kind == "work tree" { // that has the branch checked out
			want = Refused
		}
		got := w.push(Candidate{Server: target.dir, Version: "1", Commit: next, Old: w.id("HEAD")})
		if got.Outcome != want {
			t.Errorf("%s: %+v", kind, got)
		}
		if got := w.push(Candidate{Server: target.dir, Version: "2", Commit: next}); got.Outcome != Changed {
			t.Errorf("%s: %+v", kind, got)
		}
		if refs, err := ListServer(t.Context(), w.r, Server{Address: target.dir}, BranchPrefix); err != nil || len(refs) != 2 {
			t.Errorf("%s: %v, %v", kind, refs, err)
		}
		if quiet := ran(t, mark); quiet != "" {
			t.Errorf("%s: programs of the repository ran: %s", kind, quiet)
		}
	}
}

// What runs when refs change, by configuration, cannot be switched off: such a
// repository is not pushed to.
func TestPushRefusesConfiguredHooks(t *testing.T) {
	w := newWork(t)
	for _, event := range events() {
		target := bare(t)
		target.git("", "config", "hook.h.command", "false")
		target.git("", "config", "hook.h.event", event)
		got, err := Push(t.Context(), w.r, Candidate{Server: target.dir, Version: "1", Commit: w.id("HEAD")})
		if err == nil || !strings.Contains(err.Error(), "hook.h.event") || target.at("refs/heads") != "" {
			t.Errorf("%s: %+v, %v", event, got, err)
		}
	}
}
