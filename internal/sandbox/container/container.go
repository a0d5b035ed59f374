// Package container is what podman's and docker's containers have in common: a
// name, an end, and who sees to it when this process dies, whose children they are
// not.
package container

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/sandbox/session"
	"github.com/countermark/countermark/internal/sandbox/testament"
)

// Container is a container that is there, was there or will be.
type Container struct {
	Name      string
	dir       string // of files that are needed as long as it is
	removal   []string
	testament *testament.Testament
}

// last is what is done with a container when this process has died.
const last = `dir=$1; shift
for attempt in 1 2 3 4 5 6 7 8 9 10; do "$@"; sleep 0.5; done >/dev/null 2>&1
rm -rf -- "$dir"`

// New chooses a name. The removal is a command that ends and removes the container
// whose name it gets as its last argument; dir is a folder that is removed as well.
func New(dir string, removal ...string) (*Container, error) {
	c := &Container{Name: "countermark-" + strings.ToLower(rand.Text()), dir: dir}
	c.removal = append(removal, c.Name)
	var err error
	c.testament, err = testament.Write("", last, append([]string{dir}, c.removal...)...)
	return c, err
}

// removalTime is how long the end of a container may take.
const removalTime = 30 * time.Second

// Remove ends the container, if it is there, and removes it.
func (c *Container) Remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), removalTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.removal[0], c.removal[1:]...)
	session.Separate(cmd)
	return cmd.Run()
}

// Close removes the folder. The container must be removed.
func (c *Container) Close() {
	c.testament.Revoke()
	_ = os.RemoveAll(c.dir) // small files of ours in the folder for temporary ones
}
