// Package container is what podman's and docker's containers have in common: a
// name, an end, and who sees to it when this process dies.
//
// A container is no child of the process that asked for it, so the kernel ends it
// for nobody. A small shell, the watcher, waits at a pipe of which only this
// process has the other end, and removes the container when the pipe is closed
// without a word, however this process ended. It is a process of this user's
// outside of the container, out of reach of what runs inside.
package container

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Container is a container that is there, was there or will be.
type Container struct {
	Name    string
	dir     string // of files that are needed as long as it is
	removal []string
	prepare func(*exec.Cmd)
	watcher *exec.Cmd
	pipe    *os.File // to the watcher
}

// watch is the watcher. Who made the container may be dead before the server has
// done what it was asked, hence more attempts than one.
const watch = `trap '' HUP INT QUIT TERM
read -r over && exit
dir=$1; shift
for attempt in 1 2 3 4 5 6 7 8 9 10; do "$@"; sleep 0.5; done
rm -rf -- "$dir"`

// New chooses a name, and starts the watcher. The removal is a command that ends
// and removes the container whose name it gets as its last argument; dir is a
// folder that is removed as well. Every process that is started is given to prepare
// before.
func New(dir string, prepare func(*exec.Cmd), removal ...string) (*Container, error) {
	c := &Container{Name: "countermark-" + strings.ToLower(rand.Text()), dir: dir, prepare: prepare}
	c.removal = append(removal, c.Name)
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	c.pipe = write
	c.watcher = exec.Command("/bin/sh", append([]string{"-c", watch, "sh", dir}, c.removal...)...)
	c.watcher.Stdin, c.watcher.Dir = read, "/"
	prepare(c.watcher)
	if err := c.watcher.Start(); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return c, nil
}

// removalTime is how long the end of a container may take.
const removalTime = 30 * time.Second

// Remove ends the container, if it is there, and removes it.
func (c *Container) Remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), removalTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.removal[0], c.removal[1:]...)
	c.prepare(cmd)
	return cmd.Run()
}

// Close removes the folder, and ends the watcher. The container must be removed.
func (c *Container) Close() {
	_, err := c.pipe.WriteString("\n")
	if errors.Join(err, c.pipe.Close()) != nil {
		_ = c.watcher.Process.Kill() // an error: it has ended
	}
	_ = c.watcher.Wait()
	_ = os.RemoveAll(c.dir) // small files of ours in the folder for temporary ones
}
