package container

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/sandbox/view"
)

// imagePrefix is what the names of the images begin with that Image makes.
const imagePrefix = "countermark-root:"

// Image makes an image of the links among what is shown, for docker, which has no
// other way to them: files and folders are shown as they are. It is named by the
// digest of its one layer, has a few kilobytes, and stays: docker needs a second
// to make one.
func Image(ctx context.Context, docker string, shown []view.Entry) (name string, err error) {
	layer, err := links(shown)
	if err != nil {
		return "", err
	}
	name = fmt.Sprintf("%s%x", imagePrefix, sha256.Sum256(layer))
	if _, err := Ask(ctx, nil, docker, "image", "inspect", "--format", "{{.Id}}", name); err == nil {
		return name, nil
	}
	_, err = Ask(ctx, layer, docker, "import", "-", name)
	return name, err
}

// answerTime is how long docker's server may take to answer.
const answerTime = time.Minute

// Ask runs docker with some input, and returns what it prints.
func Ask(ctx context.Context, input []byte, docker string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, docker, arguments...)
	cmd.Stdin, cmd.WaitDelay = bytes.NewReader(input), time.Second
	out, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && len(failed.Stderr) > 0 {
		return "", fmt.Errorf("asking docker: %s", escape.Sentence(strings.TrimSpace(string(failed.Stderr))))
	}
	if err != nil {
		return "", fmt.Errorf("asking docker: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// links returns a tar of the links, and of the folders that they lie in.
func links(shown []view.Entry) ([]byte, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	headers := []*tar.Header{{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755}, {Typeflag: tar.TypeDir, Name: "usr/", Mode: 0o755}}
	for _, e := range shown {
		if dir := path.Dir(e.Target); e.Source == "" && (dir == "/" || dir == "/etc") {
			headers = append(headers, &tar.Header{Typeflag: tar.TypeSymlink, Name: strings.TrimPrefix(e.Target, "/"), Linkname: e.Link, Mode: 0o777})
		}
	}
	for _, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("writing the links of a root filesystem: %w", err)
		}
	}
	err := w.Close()
	return layer.Bytes(), err
}
