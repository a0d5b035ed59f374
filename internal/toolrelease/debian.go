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
		content := &io.LimitedReader{R: f, N: size}
		isData := strings.HasPrefix(name, "data.tar")
		switch {
		case strings.HasPrefix(name, "control.tar"):
			named, err = r.control(content, name)
		case isData && named.Tool == "":
			err = errors.New("the Debian package has no control file before its data")
		case isData:
			err = r.data(content, name, named)
		}
		if err == nil {
			err = atEnd(content, name)
		}
		if err != nil || isData {
			return err
		}
		content.N = size % 2 // members begin at even offsets
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
	}
}

// atEnd reads a member to its end, which must be there.
func atEnd(content *io.LimitedReader, name string) error {
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	if content.N > 0 {
		return fmt.Errorf("the Debian package ends within its member %q", name)
	}
	return nil
}

// arMember reads the header of the next member of an ar archive; the error is
// io.EOF if there is none.
func arMember(f io.Reader) (name string, size int64, err error) {
	header := make([]byte, arHeaderBytes)
	switch n, err := io.ReadFull(f, header); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "", 0, fmt.Errorf("the Debian package ends %d bytes into the header of a member", n)
	case err != nil:
		return "", 0, err
	}
	name = strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/")
	digits := strings.TrimRight(string(header[48:58]), " ")
	bytes, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || string(header[58:]) != arHeaderEnd {
		return "", 0, fmt.Errorf("the header of member %q is none of ar's", name)
	}
	return name, int64(bytes), nil
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
			if key, value, ok := strings.Cut(lines.Text(), ":"); ok {
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
// autoconf2.69. A number without a dot is none: m4, gtk-doc-tools, bzip2.
func toolOfPackage(name string) string {
	tool := strings.TrimRight(name, "0123456789.")
	if !strings.Contains(name[len(tool):], ".") {
		return name
	}
	return strings.TrimRight(tool, "-")
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
