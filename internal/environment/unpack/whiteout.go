package unpack

import (
	"archive/tar"
	"path"
	"strings"

	"github.com/countermark/countermark/internal/refusal"
)

// The names of whiteouts (OCI image specification 1.1, "Whiteouts").
const (
	whiteoutPrefix = ".wh."
	opaque         = ".wh..wh..opq"
)

// whiteout carries a member out that removes what earlier layers made, and
// reports whether it was one.
func (f *Folder) whiteout(name string, h *tar.Header) (done bool, err error) {
	dir, base := path.Split(name)
	for component := range strings.SplitSeq(dir, "/") {
		if strings.HasPrefix(component, whiteoutPrefix) {
			return true, refuse(refusal.NamePath, name, "a directory has the name of a whiteout")
		}
	}
	hidden, isWhiteout := strings.CutPrefix(base, whiteoutPrefix)
	if !isWhiteout {
		return false, nil
	}
	if h.Typeflag != tar.TypeReg || h.Size != 0 {
		return true, refuse(refusal.TarType, name, "a whiteout that is no empty file")
	}
	dir = path.Clean(dir)
	switch {
	case base == opaque:
		return true, f.hideAll(dir)
	case hidden == "" || hidden == "." || hidden == ".." || strings.HasPrefix(hidden, whiteoutPrefix):
		return true, refuse(refusal.NamePath, name, "a whiteout of nothing that can be named")
	}
	return true, f.hide(path.Join(dir, hidden))
}

// hide removes a path, but for what this layer has made.
func (f *Folder) hide(name string) error {
	info, err := f.lstat(name)
	if info == nil || err != nil {
		return err
	}
	if _, made := f.made[name]; !made && !f.above[name] {
		return f.remove(name)
	}
	if info.IsDir() {
		return f.hideAll(name)
	}
	return nil
}

// hideAll hides all that a directory holds.
func (f *Folder) hideAll(dir string) error {
	info, err := f.lstat(dir)
	if info == nil || err != nil || !info.IsDir() {
		return err
	}
	d, err := f.root.Open(dir)
	if err != nil {
		return wrap(err)
	}
	names, err := d.Readdirnames(-1)
	_ = d.Close()
	if err != nil {
		return wrap(err)
	}
	for _, base := range names {
		if err := f.hide(path.Join(dir, base)); err != nil {
			return err
		}
	}
	return nil
}
