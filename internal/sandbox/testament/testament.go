// Package testament has something done when this process dies, however it dies.
//
// The kernel kills children with their parent where it is asked to, but not what
// somebody else started for us, and not in the moments before it was asked. So a
// shell waits at a pipe of which only this process has the other end, in a session
// of its own: when the pipe is closed without a word, it does what it was told.
package testament

import (
	"errors"
	"os"
	"os/exec"

	"github.com/countermark/countermark/internal/sandbox/session"
)

// Testament is what is done after this process's death.
type Testament struct {
	shell *exec.Cmd
	pipe  *os.File
}

// reading is what the shell does first: it takes what is meant for nobody else's
// eyes, which the arguments of a process are not, and waits.
const reading = `trap '' HUP INT QUIT TERM
read -r secret && read -r over && exit
`

// Write starts the shell. The script finds the secret in a variable of that name,
// and its arguments as usual; who made what is to be ended may be dead before that
// is there, hence it should try more than once.
func Write(secret, script string, arguments ...string) (*Testament, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	t := &Testament{pipe: write, shell: exec.Command("/bin/sh", append([]string{"-c", reading + script, "sh"}, arguments...)...)}
	t.shell.Stdin, t.shell.Dir = read, "/"
	session.Separate(t.shell)
	if err := t.shell.Start(); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	if _, err := write.WriteString(secret + "\n"); err != nil {
		t.Revoke()
		return nil, err
	}
	return t, nil
}

// Revoke ends the shell without anything done.
func (t *Testament) Revoke() {
	_, err := t.pipe.WriteString("over\n")
	if errors.Join(err, t.pipe.Close()) != nil {
		_ = t.shell.Process.Kill() // an error: it has ended
	}
	_ = t.shell.Wait() // its status says nothing
}
