package refs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
)

// receivePack is what is run at the other side of a push to a repository on this
// machine, whose programs are not ours to run. Each of these settings would start one
// otherwise (git-config(1)): hooks; receive.autogc, the hooks of maintenance;
// core.alternateRefsCommand, a shell's command; a work tree that follows the push
// (receive.denyCurrentBranch), the file system's monitor and the filters of its files.
const receivePack = "git -c core.hooksPath=/dev/null -c gc.auto=0 -c receive.autogc=false -c core.alternateRefsCommand=true" +
	" -c core.fsmonitor=false -c receive.denyCurrentBranch=refuse receive-pack"

// events are those of hooks that update-ref and receive-pack run (githooks(5)).
func events() []string {
	return []string{"reference-transaction", "pre-receive", "update", "proc-receive", "post-receive", "post-update", "push-to-checkout", "pre-auto-gc", "post-index-change"}
}

// refuseHooks refuses a repository whose configuration has programs to run when
// refs change (git 2.54, hook.<name>.event in git-config(1)): unlike core.hooksPath
// they cannot be switched off all at once.
func refuseHooks(ctx context.Context, a gitrepo.Access, gitDir string) error {
	ctx, cancel := context.WithTimeout(ctx, gitrepo.MaxReadTime) // the configuration may include a pipe
	defer cancel()
	out := &gitexec.Limited{Max: 1 << 20, What: "list of hooks"}
	err := a.Program.Run(ctx, gitexec.Call{Args: []string{"config", "--get-regexp", `^hook\..*\.event$`}, GitDir: gitDir, Folder: a.Temp, Stdout: out})
	if failed, ok := errors.AsType[*gitexec.RunError](err); ok && failed.Status() == 1 { // there is none (git-config(1))
		return nil
	}
	if err != nil {
		return err
	}
	for _, line := range out.Lines() {
		if key, event, _ := strings.Cut(line, " "); slices.ContainsFunc(events(), func(e string) bool { return strings.Contains(event, e) }) {
			return fmt.Errorf("changing refs: the repository's configuration runs a program when refs change (%s); remove that, or update the branch yourself", escape.Text(key))
		}
	}
	return nil
}
