package setting

import (
	"context"
	"errors"
	"fmt"

	"github.com/countermark/countermark/internal/sandbox"
)

// Obstacle says in one sentence why nothing can be built with the tools of this
// machine, in bubblewrap; nil if it can.
func Obstacle(ctx context.Context) error {
	box, err := sandbox.Find(ctx, sandbox.Bubblewrap)
	if err == nil {
		err = box.Try(ctx, "")
	}
	if err != nil {
		return fmt.Errorf("no sandbox works here: %w", err)
	}
	const script = `for tool in gzip head id readlink sha256sum uname; do command -v "$tool" || exit 1; done >/dev/null`
	found, err := box.Run(ctx, sandbox.Program{Arguments: []string{"/bin/sh", "-c", script}, Dir: "/tmp", Environment: []string{"PATH=" + SystemPath}})
	if err == nil && found.Exit != 0 {
		err = errors.New("gzip or coreutils are not where a sandbox looks for them")
	}
	return err
}
