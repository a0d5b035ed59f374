package toolrelease

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// The format of a Debian package is deb(5): an ar(5) archive of debian-binary,
// control.tar and data.tar, in this order.
const (
	arMagic       = "!<arch>\n"
	arHeaderBytes = 60
	arHeaderEnd   = "`\n"
	maxControl    = 1 << 20 // bytes of the control file
)

// debian reads a Debian package.
func (r *reader) debian(f io.Reader) error {
	if _, err := io.CopyN(io.Discard, f, int64(len(arMagic))); err != nil {
		return err
	}
	var named Release
	for {
		name, size, err := arMember(f)
		if errors.Is(err, io.EOF) {
			return errors.New("the Debian package has no data.tar")
		}
		if err != nil {
			return err
		}
		content := io.LimitReader(f, size)
		switch {
		case strings.HasPrefix(name, "control.tar"):
			if named, err = r.control(content, name); err != nil {
				return err
			}
		case strings.HasPrefix(name, "data.tar"):
			if named.Tool == "" {
				return errors.New("the Debian package has no control file before its data")
			}
			return r.data(content, name, named)
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
		if size%2 == 1 { // members begin at even offsets
			if _, err := io.CopyN(io.Discard, f, 1); err != nil {
				return err
			}
		}
	}
}

// arMember reads the header of the next member of an ar archive.
func arMember(f io.Reader) (name string, size int64, err error) {
	header := make([]byte, arHeaderBytes)
	if _, err := io.ReadFull(f, header); err != nil {
		return "", 0, err
	}
	name = strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/")
	size, err = strconv.ParseInt(strings.TrimRight(string(header[48:58]), " "), 10, 64)
	if err != nil || size < 0 || string(header[58:]) != arHeaderEnd {
		return "", 0, fmt.Errorf("the header of member %q is none of ar's", name)
	}
	return name, size, nil
}

// control reads which release the package says that it holds.
func (r *reader) control(f io.Reader, base string) (named Release, err error) {
	fields := make(map[string]string)
	err = r.members(f, base, func(name string, content io.Reader) error {
		if name != "control" {
			return nil
		}
		lines := bufio.NewScanner(io.LimitReader(content, maxControl))
		for lines.Scan() {
			if key, value, ok := strings.Cut(lines.Text(), ":"); ok && !strings.HasPrefix(key, " ") {
				fields[key] = strings.TrimSpace(value)
			}
		}
		return lines.Err()
	})
	if err != nil {
		return named, err
	}
	tool := fields["Package"]
	if source, _, _ := strings.Cut(fields["Source"], " "); source != "" {
		tool = source
	}
	return r.name(toolOfPackage(tool), withoutEpoch(fields["Version"]))
}

// toolOfPackage takes the version off a package's name: automake-1.16,
// autoconf2.69.
func toolOfPackage(name string) string {
	return strings.TrimRight(strings.TrimRight(name, "0123456789."), "-")
}

// withoutEpoch takes the epoch off a version (deb-version(7)).
func withoutEpoch(version string) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		return rest
	}
	return version
}

// data reads the package's files, and those of the archives among them.
func (r *reader) data(f io.Reader, base string, named Release) error {
	return r.members(f, base, func(name string, content io.Reader) error {
		if isArchiveName(name) {
			return r.nested(path.Base(name), content)
		}
		return r.member(File{Release: named, Path: name}, content)
	})
}
