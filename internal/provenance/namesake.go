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

// isBuildFile reports whether a base name is that of a script or make file which
// automake, libtool, gettext, gnulib or gtk-doc put into a project, and which a
// build runs.
func isBuildFile(name string) bool {
	switch name {
	case "ar-lib", "compile", "config.guess", "config.sub", "depcomp", "elisp-comp", "install-sh", "mdate-sh", "missing", "mkinstalldirs",
		"py-compile", "tap-driver.pl", "tap-driver.sh", "test-driver", "texinfo.tex", "ylwrap", // automake
		"libtoolize", "ltmain.in", "ltmain.sh", // libtool
		"Makefile.in.in", "Rules-quot", "boldquot.sed", "config.libpath", "config.rpath", "insert-header.sed", "insert-header.sin",
		"quot.sed", "remove-potcdate.sed", "remove-potcdate.sin", // gettext
		"GNUmakefile", "autogen.sh", "autopull.sh", "bootstrap", "bootstrap-funclib.sh", "csharpcomp.sh.in", "csharpexec.sh.in",
		"git-version-gen", "install-reloc", "javacomp.sh.in", "javaexec.sh.in", "libtool-reloc", "maint.mk", "move-if-change",
		"prefix-gnulib-mk", "reloc-ldflags", "relocatable.sh.in", // gnulib
		"gtk-doc.make", "gtk-doc.no-tmpl.make": // gtk-doc
		return true
	}
	return false
}

// runsInBuild reports whether a base name is that of an m4 file or of a build
// file. aclocal and autotest write files of their own names anew for each
// release.
func runsInBuild(name string) bool {
	if name == "aclocal.m4" || name == "package.m4" {
		return false
	}
	return isBuildFile(name) || path.Ext(name) == ".m4"
}
