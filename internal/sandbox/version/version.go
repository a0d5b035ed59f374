// Package version asks sandboxing programs for their versions.
package version

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
)

// Number is the version of a sandboxing program.
type Number [3]int

// Before reports whether v is older than w.
func (v Number) Before(w Number) bool { return slices.Compare(v[:], w[:]) < 0 }

// String returns the version as "0.8.0".
func (v Number) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

var versionNumbers = regexp.MustCompile(`^([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?(?:[^0-9.].{0,40})?$`)

// Parse reads a line such as "bubblewrap 0.8.0".
func Parse(prefix, said string) (Number, error) {
	text, found := strings.CutPrefix(strings.TrimSpace(said), prefix)
	m := versionNumbers.FindStringSubmatch(text)
	if !found || m == nil {
		return Number{}, fmt.Errorf("it answered %s, not %q and a version", escape.Quote(said), prefix)
	}
	var v Number
	for i, digits := range m[1:] {
		v[i], _ = strconv.Atoi("0" + digits)
	}
	return v, nil
}

// versionTimeout is how long a program may take to say its version; podman
// prepares its storage first.
const versionTimeout = 20 * time.Second

// Look finds a program in PATH, and returns its absolute path.
func Look(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", name, err)
	}
	return path, nil
}

// Ask finds a program in PATH and runs it with --version.
func Ask(ctx context.Context, name string) (path, said string, err error) {
	if path, err = Look(name); err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	var out bytes.Buffer
	cmd.Stdout, cmd.WaitDelay = &out, time.Second
	if err := cmd.Run(); err != nil {
		return "", "", fmt.Errorf("asking %q for its version: %w", path, err)
	}
	return path, out.String(), nil
}
