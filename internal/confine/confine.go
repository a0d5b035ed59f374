// Package confine runs the system's xz(1) as a decoder that can do little
// harm: it gets its input through a pipe and has no environment, its memory,
// time and files are limited, and where the kernel has Landlock it can read
// nothing but the system's programs and libraries.
//
// Not prevented: on kernels without Landlock, and on systems other than Linux,
// the program can do what its user can. With Landlock it can still send
// datagrams and connect to sockets in the file system. File descriptors that
// were inherited without the close-on-exec flag are inherited further.
package confine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/escape"
)

const (
	// versionTimeout is how long `xz --version` may take.
	versionTimeout = 5 * time.Second
	// maxVersionBytes bounds what it may say.
	maxVersionBytes = 4 << 10
	// versionMemoryBytes is what xz counts as its own need, besides what
	// the loader maps.
	versionMemoryBytes = 4 << 20
)

// SystemXZ finds the xz program and returns a decoder that runs it. The
// decoder's name says the version and how it is confined, as in "xz 5.4.1
// (system, Landlock)". Canceling ctx kills every xz that the decoder started.
//
// It is an error if there is no xz, if it does not say its version as XZ Utils
// does, if it does not run when confined, or if it is a release that carries
// the backdoor of 2024; the decoder that is built in remains for these cases.
func SystemXZ(ctx context.Context) (envelope.XZDecoder, error) {
	path, err := exec.LookPath("xz")
	if err != nil {
		return envelope.XZDecoder{}, fmt.Errorf("finding xz: %v", err)
	}
	if !filepath.IsAbs(path) {
		return envelope.XZDecoder{}, fmt.Errorf("finding xz: %q is not an absolute path", path)
	}
	version, fence, err := xzVersion(ctx, path)
	if err != nil {
		return envelope.XZDecoder{}, fmt.Errorf("asking %q for its version: %w", path, err)
	}
	return envelope.XZDecoder{
		Name: fmt.Sprintf("xz %s (system, %s)", version, fence),
		Start: func(compressed io.Reader, memLimitBytes int64) (io.ReadCloser, error) {
			p, err := start(ctx, command{path: path, args: xzArguments(memLimitBytes), memoryBytes: memLimitBytes}, compressed)
			if err != nil {
				return nil, err
			}
			return xzStream{p}, nil
		},
	}, nil
}

// xzArguments: see xz(1). One thread and one stream, so that memory and end
// are known; sparse output is meant for files.
func xzArguments(memLimitBytes int64) []string {
	return []string{
		"--decompress", "--stdout", "--format=xz", "--single-stream", "--no-sparse", "--threads=1",
		"--memlimit-decompress=" + strconv.FormatInt(memLimitBytes, 10),
	}
}

// xzVersion runs `xz --version`, confined as decoding will be.
func xzVersion(ctx context.Context, path string) (version, fence string, err error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	p, err := start(ctx, command{path: path, args: []string{"--version"}, memoryBytes: versionMemoryBytes}, strings.NewReader(""))
	if err != nil {
		return "", "", err
	}
	defer p.Close()
	said, err := io.ReadAll(io.LimitReader(p, maxVersionBytes))
	if err != nil {
		return "", "", err
	}
	version, err = parseVersion(string(said))
	return version, p.fence, err
}

// parseVersion reads the first line of what `xz --version` says.
func parseVersion(said string) (string, error) {
	match := regexp.MustCompile(`^xz \(XZ Utils\) ([0-9][0-9a-z.]{0,31})\n`).FindStringSubmatch(said)
	if match == nil {
		line, _, _ := strings.Cut(said, "\n")
		return "", fmt.Errorf("expected %q and a version, found %s", "xz (XZ Utils)", escape.Quote(line))
	}
	// CVE-2024-3094: the two releases whose archives were made evil.
	if slices.Contains([]string{"5.6.0", "5.6.1"}, match[1]) {
		return "", fmt.Errorf("xz %s is a release with the backdoor CVE-2024-3094", match[1])
	}
	return match[1], nil
}

// xzStream tells what the data is to blame for from other ends of xz.
type xzStream struct{ *process }

func (x xzStream) Read(p []byte) (int, error) {
	n, err := x.process.Read(p)
	var ended *exitError
	if errors.As(err, &ended) && blamesData(ended.stderr) {
		err = fmt.Errorf("%w: %v", envelope.ErrCorrupt, err)
	}
	return n, err
}

// blamesData reports whether xz's message is one of those about its input: the
// texts of LZMA_DATA_ERROR, LZMA_BUF_ERROR, LZMA_OPTIONS_ERROR and
// LZMA_FORMAT_ERROR in xz's message.c, unchanged since 5.0 (of 2010).
func blamesData(stderr string) bool {
	return slices.ContainsFunc([]string{
		"Compressed data is corrupt", "Unexpected end of input", "Unsupported options", "File format not recognized",
	}, func(text string) bool { return strings.Contains(stderr, text) })
}
