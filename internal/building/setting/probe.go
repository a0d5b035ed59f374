package setting

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
)

// limitedBuffer keeps the beginning of what a program prints.
type limitedBuffer struct{ bytes.Buffer }

// Write keeps what there is room for.
func (l *limitedBuffer) Write(p []byte) (int, error) {
	_, _ = l.Buffer.Write(p[:min(len(p), maxProbe-l.Len())])
	return len(p), nil
}

// takeProbe reads the answer to probeScript: text from outside.
func (x *Setting) takeProbe(answer string, names []string, e *buildrecord.Environment) error {
	lines := strings.Split(strings.TrimSuffix(answer, "\n"), "\n")
	if len(lines) != 5+len(names) {
		return fmt.Errorf("the environment does not say what it is, a line for each tool: it says %d lines, and not %d; the last is %s", len(lines), 5+len(names), escape.Text(lines[len(lines)-1]))
	}
	for i, field := range []*string{&e.Kernel, &e.Machine, &e.User, &e.Umask, &e.Shell} {
		*field = escape.Text(lines[i])
	}
	for i, line := range lines[5:] {
		f := strings.SplitN(line, "\t", 5)
		if len(f) != 5 || f[0] != names[i] {
			return errors.New("the environment does not answer for the tool " + names[i])
		}
		t := buildrecord.Tool{Name: escape.Text(f[0]), Path: escape.Text(f[1]), Package: escape.Text(f[3]), Version: escape.Text(f[4])}
		t.SHA256, _ = digest.ParseSHA256(f[2]) // zero where the program was not found
		for _, built := range x.tools {
			if strings.HasPrefix(f[1], built.prefix+"/") {
				t.Source = built.source
			}
		}
		e.Tools = append(e.Tools, t)
	}
	return nil
}
