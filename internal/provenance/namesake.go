package provenance

import (
	"fmt"
	"path"

	"github.com/countermark/countermark/internal/tree"
)

// namesake stops at m4 files and build scripts that have the name of a known one
// and are like none: whatever they say of themselves, a person is to look.
func (j *judgement) namesake(o *observation, f *Finding) bool {
	if !j.setNamesake(f) {
		return false
	}
	if j.renamed(o, f) {
		f.Namesake = nil
		return true
	}
	f.Evidence = j.nothing(o)
	if o.unread == "" && o.kind == tree.File {
		f.Evidence = fmt.Sprintf("named like a file of %s, and like no known one of that name", f.Namesake.Tool)
		if !o.claim.IsZero() {
			f.Evidence += fmt.Sprintf("; line %d says: %s", o.claim.Line, o.claim.Text)
		}
	}
	return true
}

// setNamesake finds a known file that runs in a build and has the finding's name.
func (j *judgement) setNamesake(f *Finding) bool {
	name := path.Base(string(f.Path))
	if f.Kind != tree.File && f.Kind != tree.Symlink || !runsInBuild(name) {
		return false
	}
	where, ok := j.Index.Named(name)
	if ok {
		f.Namesake = &where
	}
	return ok
}

// runsInBuild reports whether a base name is that of an m4 file, or of a script
// that automake, libtool or gettext put beside configure. aclocal and autotest
// write files of their own names anew for each release.
func runsInBuild(name string) bool {
	switch name {
	case "aclocal.m4", "package.m4":
		return false
	case "ar-lib", "compile", "config.guess", "config.rpath", "config.sub", "depcomp", "elisp-comp", "install-sh", "libtoolize",
		"ltmain.in", "ltmain.sh", "mdate-sh", "missing", "mkinstalldirs", "py-compile", "tap-driver.pl", "tap-driver.sh",
		"test-driver", "texinfo.tex", "ylwrap":
		return true
	}
	return path.Ext(name) == ".m4"
}
