package debian

import (
	"bytes"
	"context"
	"strings"

	"github.com/countermark/countermark/internal/escape"
)

// Maker is a program of this machine that has a part in what Make makes.
type Maker struct {
	Name    string
	Version string // the first line that it prints for --version, escaped
}

// Makers asks the programs for their versions: apt-get decides what belongs together
// and fetches it, mmdebstrap installs it. The error is a *MissingProgramError, that of
// a context that ended, or another if a program fails.
func Makers(ctx context.Context) ([]Maker, error) {
	var makers []Maker
	for _, name := range []string{"apt-get", "mmdebstrap"} {
		var said bytes.Buffer
		if err := new(apt).run(ctx, command{name: name, args: []string{"--version"}, stdout: &said}); err != nil {
			return nil, err
		}
		first, _, _ := strings.Cut(said.String(), "\n")
		makers = append(makers, Maker{name, escape.Text(first)})
	}
	return makers, nil
}
