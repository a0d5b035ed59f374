package archive

import (
	"errors"
	"strings"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// maxLinkHops bounds how many links one target is followed through, as Linux's
// path resolution does (path_resolution(7): ELOOP after 40).
const maxLinkHops = 40

// checkLinks refuses symbolic links that are absolute or that lead above the
// top directory, also by way of other links of the archive. A link in a loop
// leads nowhere and is accepted.
func checkLinks(t tree.Tree, links map[tree.Path]string) error {
	for i := range t.Entries() {
		e := &t.Entries()[i]
		if e.Kind != tree.Symlink {
			continue
		}
		if escapes(links, e.Path.Dir(), links[e.Path]) {
			return refusal.New(refusal.LinkEscape, "the symbolic link leads to %q, out of the archive", links[e.Path]).At(e.Offset, string(e.Path))
		}
	}
	return nil
}

// escapes follows target from the directory dir as a kernel would, reading
// the archive's own links, and reports whether it leaves the top directory.
func escapes(links map[tree.Path]string, dir tree.Path, target string) bool {
	hops := 0
	rest := strings.Split(target, "/")
	if strings.HasPrefix(target, "/") {
		return true
	}
	var at []string
	if dir != "" {
		at = strings.Split(string(dir), "/")
	}
	for len(rest) > 0 {
		component := rest[0]
		rest = rest[1:]
		switch component {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 {
				return true
			}
			at = at[:len(at)-1]
			continue
		}
		at = append(at, component)
		next, isLink := links[tree.Path(strings.Join(at, "/"))]
		if !isLink {
			continue
		}
		if strings.HasPrefix(next, "/") {
			return true
		}
		if hops++; hops > maxLinkHops {
			return false
		}
		at = at[:len(at)-1]
		rest = append(strings.Split(next, "/"), rest...)
	}
	return false
}

// at adds a place to the refusal that err is.
func at(err error, offset int64, name string) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.At(offset, name)
	}
	return err
}
