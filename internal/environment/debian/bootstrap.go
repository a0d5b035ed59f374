package debian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/packagelist"
)

// maxTarBytes of a root filesystem are taken.
const maxTarBytes = 64 << 30

// forget removes what mmdebstrap copies from the machine or writes of the folder
// that the packages come from: it would be another tomorrow.
const forget = `rm -f "$1/etc/resolv.conf" "$1/etc/hostname" "$1/etc/apt/sources.list"`

// bootstrap writes the root filesystem of a folder's packages.
func (a *apt) bootstrap(ctx context.Context, repository string, list packagelist.List, w io.Writer) error {
	var include []string
	newest := int64(0)
	for _, e := range list.Entries() {
		include = append(include, e.Name+"="+e.Version)
		made, err := debTime(filepath.Join(repository, fileName(e)))
		if err != nil {
			return fmt.Errorf("reading the package %s: %w", e, err)
		}
		newest = max(newest, made)
	}
	tmp := filepath.Join(a.dir, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return fmt.Errorf("making a folder for mmdebstrap: %w", err)
	}
	if err := errors.Join(os.Chmod(tmp, 0o777), os.Chmod(repository, 0o755)); err != nil { // for the users of a namespace
		return fmt.Errorf("making a folder for mmdebstrap: %w", err)
	}
	err := a.run(ctx, command{
		name: "mmdebstrap",
		args: []string{
			"--mode=auto", "--variant=essential", "--format=tar", "--architectures=" + a.Architecture,
			"--skip=output/dev", "--skip=check/signed-by", "--customize-hook=" + forget, "--include=" + strings.Join(include, ","),
			"", "-", "deb [trusted=yes] copy:" + repository + " ./", // held to the list already, see index
		},
		stdout: &limited{w: w, left: maxTarBytes},
		dir:    a.dir,
		env: []string{
			"TMPDIR=" + tmp,
			// No file is younger than the youngest package, whenever this is run.
			"SOURCE_DATE_EPOCH=" + strconv.FormatInt(newest, 10),
		},
	})
	if said, ok := errors.AsType[*runError](err); ok {
		return &RefusedError{Detail: "the root filesystem cannot be made: mmdebstrap said: " + said.said, Hint: hintFor(said.said)}
	}
	return err
}

// hintFor says what to do about mmdebstrap's words.
func hintFor(said string) string {
	for _, advice := range [][2]string{
		{"subuid", "give yourself a range of user ids in /etc/subuid and /etc/subgid, see mmdebstrap(1), \"mode\""},
		{"newuidmap", "install the package uidmap"},
		{"unshare", "allow user namespaces on this machine, or run as root"},
		{"Operation not permitted", "allow user namespaces and mounts here: a container may need more rights"},
	} {
		if strings.Contains(said, advice[0]) {
			return advice[1]
		}
	}
	return "run mmdebstrap --mode=auto on this machine by hand, to see what it lacks"
}

// debTime returns when a package was made, in seconds since 1970: the time of
// its first member (deb(5): an ar(5) archive; the time is 12 decimal digits from
// byte 16 of the member's header, which begins after the 8 bytes of the magic).
func debTime(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var head [8 + 60]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return 0, err
	}
	made, err := strconv.ParseInt(strings.TrimRight(string(head[8+16:8+28]), " "), 10, 64)
	if err != nil || string(head[:8]) != "!<arch>\n" || made < 0 {
		return 0, errors.New("it is no Debian package")
	}
	return made, nil
}

// limited is a writer that takes so many bytes only.
type limited struct {
	w    io.Writer
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	if int64(len(p)) > l.left {
		return 0, &RefusedError{Detail: fmt.Sprintf("the root filesystem has more than %d bytes", int64(maxTarBytes)), Hint: "name fewer packages"}
	}
	l.left -= int64(len(p))
	return l.w.Write(p)
}
