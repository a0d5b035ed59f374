package statement

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Limits of what is read and written.
const (
	MaxBytes     = 16 << 20 // of a payload: room for a review of 25,000 files
	MaxArchives  = 16       // of one release: there are five formats
	MaxFiles     = 100_000  // filtered or reviewed: more than any release has that was looked at
	MaxTools     = 1000     // that a recipe lists
	MaxSeen      = 1000     // statements on one release
	MaxNameBytes = 255      // of an archive: NAME_MAX of Linux
	MaxLineBytes = 4096     // of a text on one line
	MaxTextBytes = 10_000   // of a comment or reason
	MaxURIBytes  = 2048     // of a project or builder
)

const (
	tarSuffix = ".tar"
	zipSuffix = ".zip"
)

// sort brings what has no order of its own into the order that is written.
func (s *Statement) sort() {
	slices.SortStableFunc(s.Archives, func(a, b Archive) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(s.Outcome.Filtered, func(a, b Filtered) int { return cmp.Compare(a.Path, b.Path) })
	if s.Review != nil {
		slices.SortStableFunc(s.Review.Files, func(a, b Reviewed) int { return cmp.Compare(a.Path, b.Path) })
	}
	if s.Release != nil {
		slices.SortStableFunc(s.Release.Seen, func(a, b Seen) int { return slices.Compare(a.Statement[:], b.Statement[:]) })
	}
}

// TarName returns the name of the subject that is the tar: that of the archives
// with ".tar" at its end. A file of this name need not exist.
func (s *Statement) TarName() string { return s.BaseName() + tarSuffix }

// BaseName returns what the names of all archives begin with: that of the first
// without its extensions.
func (s *Statement) BaseName() string {
	if len(s.Archives) == 0 {
		return ""
	}
	return baseName(s.Archives[0].Name)
}

// baseName returns the name of an archive without ".zip", or ".tar" and what
// follows; "" if it has no such extension.
func baseName(name string) string {
	if base, found := strings.CutSuffix(name, zipSuffix); found {
		return base
	}
	if i := strings.LastIndex(name, tarSuffix+"."); i >= 0 && !strings.Contains(name[i+len(tarSuffix)+1:], ".") {
		return name[:i]
	}
	return ""
}

// lastSecond is 9999-12-31T23:59:59Z, the last that RFC 3339 can write.
const lastSecond = 253402300799

// check holds all values to their grammars (sections 4 to 8).
func (s *Statement) check() error {
	for _, part := range []func() error{s.checkParts, s.checkIdentity, s.checkOutcome, s.checkArchives, s.checkBuild, s.checkReview, s.checkRelease, s.checkWithdrawal} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func wrong(format string, args ...any) error { return refusal.New(refusal.StmField, format, args...) }

// checkParts holds the parts to the kind.
func (s *Statement) checkParts() error {
	parts := []bool{KindBuild: s.Build != nil, KindReview: s.Review != nil, KindRelease: s.Release != nil, KindWithdrawal: s.Withdrawal != nil}
	for kind, there := range parts {
		if there != (Kind(kind) == s.Kind) || s.Kind == 0 {
			return wrong("a statement of the kind %v lacks its own part, or has another's", s.Kind)
		}
	}
	if s.Issued < 0 || s.Issued > lastSecond {
		return wrong("the time of the statement lies outside the years 1970 to 9999")
	}
	return nil
}

func (s *Statement) checkIdentity() error {
	i := &s.Identity
	if err := checkURI("the project", i.Project); err != nil {
		return err
	}
	if _, err := recipe.ParseVersion(i.Version); err != nil {
		return wrong("%v", err)
	}
	var r *refusal.Refusal
	if err := gitobject.CheckRefName(i.TagRef); errors.As(err, &r) {
		return wrong("the source tag: %s", r.Detail)
	}
	if i.Recipe.IsZero() {
		return wrong("the digest of the recipe is missing")
	}
	f := i.Commit.ID.Format()
	if !i.Tag.IsZero() {
		if err := checkObject("the tag", i.Tag, f); err != nil {
			return err
		}
	}
	return cmp.Or(checkObject("the source commit", i.Commit, f), checkTree("the source tree", i.Tree, f))
}

func (s *Statement) checkOutcome() error {
	o, f := &s.Outcome, s.Identity.Commit.ID.Format()
	if p, err := tree.ParsePath(o.Top); err != nil || p.Dir() != "" {
		return wrong("the archives' top directory has no name that a directory can have")
	}
	if err := cmp.Or(checkObject("the built commit", o.Commit, f), checkTree("the built tree", o.BuiltTree, f), checkTree("the archives' tree", o.ArchiveTree, f)); err != nil {
		return err
	}
	if len(o.Filtered) > MaxFiles {
		return limit("the statement lists %d filtered files, at most %d are accepted", len(o.Filtered), MaxFiles)
	}
	if (len(o.Filtered) == 0) != (o.BuiltTree == o.ArchiveTree) {
		return wrong("built tree and archives' tree differ just where files are filtered, here the one is said and not the other")
	}
	for i, x := range o.Filtered {
		if i > 0 && o.Filtered[i-1].Path == x.Path {
			return wrong("the filtered file %q is there twice", x.Path)
		}
		if err := checkFiltered(&x, f); err != nil {
			return err
		}
	}
	return nil
}

func checkFiltered(x *Filtered, f digest.Format) error {
	if x.Mode != "100644" && x.Mode != "100755" {
		return wrong("the filtered file %q has another mode than a file's", x.Path)
	}
	last := -1
	for _, by := range x.By {
		at := slices.Index([]string{"ident", "eol", "export-subst"}, by)
		if at <= last {
			return wrong("the filters of %q are none that are known, or not in git's order", x.Path)
		}
		last = at
	}
	if last < 0 || x.Built == x.Archive {
		return wrong("the file %q is listed as filtered, and by nothing", x.Path)
	}
	return cmp.Or(checkPath(x.Path), checkTree("a filtered file", Tree(x.Built), f), checkTree("a filtered file", Tree(x.Archive), f))
}

func checkPath(p tree.Path) error {
	if _, err := tree.ParsePath(string(p)); err != nil {
		return wrong("the path %q is none that a release may hold", p)
	}
	return nil
}

// checkObject holds an object to the repository's format.
func checkObject(what string, o Object, f digest.Format) error {
	if o.ID.IsZero() || o.ID.IsNull() || o.SHA256.IsZero() {
		return wrong("the id or the SHA-256 of %s is missing", what)
	}
	if o.ID.Format() != f {
		return wrong("the id of %s is of another object format than that of the source commit", what)
	}
	return nil
}

// checkTree holds the two ids of a tree or blob to the repository's format.
func checkTree(what string, t Tree, f digest.Format) error {
	switch {
	case t.ID.IsZero() || t.ID.IsNull() || t.SHA256.IsZero() || t.SHA256.IsNull():
		return wrong("an id of %s is missing", what)
	case t.ID.Format() != f:
		return wrong("the id of %s is of another object format than that of the source commit", what)
	case t.SHA256.Format() != digest.SHA256Format:
		return wrong("the second id of %s is none of git's SHA-256 format", what)
	case f == digest.SHA256Format && t.ID != t.SHA256:
		return wrong("the two ids of %s differ, and both are of git's SHA-256 format", what)
	}
	return nil
}

// checkArchives holds the names of the archives to those of one release.
func (s *Statement) checkArchives() error {
	if len(s.Archives) > MaxArchives {
		return limit("the statement has %d archives, at most %d are accepted", len(s.Archives), MaxArchives)
	}
	if len(s.Archives) == 0 {
		return badSubject("no archive is among the subjects")
	}
	hasTar := false
	for i, a := range s.Archives {
		switch {
		case a.Name == "" || len(a.Name) > MaxNameBytes || !ascii.IsAlphanumeric(a.Name[0]) || !ascii.IsOnly(a.Name, ".+_-") || strings.Contains(a.Name, ".."):
			return badSubject("the name of the archive %.60q is not of letters, digits and \".+_-\", or begins with none of the first two", a.Name)
		case baseName(a.Name) == "":
			return badSubject("the archive %.60q has no name like BASE.tar.gz or BASE.zip", a.Name)
		case baseName(a.Name) != s.BaseName():
			return badSubject("the archives %.60q and %.60q are not named alike", s.Archives[0].Name, a.Name)
		case i > 0 && s.Archives[i-1].Name == a.Name:
			return badSubject("the archive %.60q is there twice", a.Name)
		case a.SHA256.IsZero():
			return badSubject("the archive %.60q has no digest", a.Name)
		}
		hasTar = hasTar || !strings.HasSuffix(a.Name, zipSuffix)
	}
	if hasTar == s.Outcome.Tar.IsZero() {
		return badSubject("archives other than zips hold one tar, and zips hold none: here the one is said and not the other")
	}
	return nil
}

func badSubject(format string, args ...any) error {
	return refusal.New(refusal.StmSubject, format, args...)
}

// checkTar holds the subjects that are tars to the outcome.
func (s *Statement) checkTar(tars []Archive) error {
	switch {
	case len(tars) > 1:
		return badSubject("two tars are among the subjects, and a release has one")
	case len(tars) == 0 && !s.Outcome.Tar.IsZero():
		return badSubject("the tar is not among the subjects")
	case len(tars) == 1 && tars[0].SHA256 != s.Outcome.Tar:
		return badSubject("the tar among the subjects is another than that of the outcome")
	case len(tars) == 1 && tars[0].Name != s.TarName():
		return badSubject("the tar is called %.60q among the subjects, and the archives are not", tars[0].Name)
	}
	return nil
}

func (s *Statement) checkBuild() error {
	b := s.Build
	if b == nil {
		return nil
	}
	if len(b.Tools) > MaxTools {
		return limit("the statement lists %d tools, at most %d are accepted", len(b.Tools), MaxTools)
	}
	lines := []string{b.HostingDomain, b.ToolchainOrigin, b.Countermark, b.Environment.System, b.Environment.Machine, b.Environment.Sandbox}
	for _, t := range b.Tools {
		if t.Name == "" || t.SHA256.IsZero() {
			return wrong("a tool has no name or no digest")
		}
		lines = append(lines, t.Name, t.Version, t.Package, t.Source)
	}
	for _, line := range append(lines, b.Record.Name) {
		if err := checkLine(line); err != nil {
			return err
		}
	}
	if !slices.Contains([]string{"host", "rootfs", "image"}, b.Environment.Kind) || (b.Environment.Kind == "host") != b.Environment.ID.IsZero() {
		return wrong("the environment is neither host, rootfs nor image, or lacks the digest that names it")
	}
	if b.Record.Name == "" || b.Record.SHA256.IsZero() {
		return wrong("the name or the digest of the build record is missing")
	}
	if r := b.Rebuild; r != nil && (r.Commit.IsZero() == r.Archive.IsZero() || r.Differs < 0 || r.Differs > canonicaljson.MaxInteger || r.Reproduced && r.Differs > 0) {
		return wrong("what the rebuild was compared with, or what came of it, is not said or said twice")
	}
	return checkURI("the builder", b.BuilderID)
}

func (s *Statement) checkReview() error {
	r := s.Review
	if r == nil {
		return nil
	}
	if len(r.Files) > MaxFiles {
		return limit("the review lists %d files, at most %d are accepted", len(r.Files), MaxFiles)
	}
	for i, x := range r.Files {
		switch {
		case i > 0 && r.Files[i-1].Path == x.Path:
			return wrong("the reviewed file %q is there twice", x.Path)
		case !slices.Contains([]string{"100644", "100755", "120000"}, x.Mode):
			return wrong("the reviewed file %q has a mode that is neither a file's nor a link's", x.Path)
		}
		if err := cmp.Or(checkPath(x.Path), checkTree("a reviewed file", Tree(x.Blob), s.Identity.Commit.ID.Format()), checkText("a comment", x.Comment, MaxTextBytes)); err != nil {
			return err
		}
	}
	return checkText("the comment", r.Comment, MaxTextBytes)
}

func (s *Statement) checkRelease() error {
	r := s.Release
	if r == nil {
		return nil
	}
	if r.PolicyVersion < 1 || r.PolicyVersion > canonicaljson.MaxInteger || r.Policy.IsZero() {
		return wrong("the version or the digest of the policy is missing")
	}
	if len(r.Seen) > MaxSeen {
		return limit("the release lists %d statements, at most %d are accepted", len(r.Seen), MaxSeen)
	}
	for i, x := range r.Seen {
		switch {
		case x.Statement.IsZero():
			return wrong("a statement that was seen has no digest")
		case i > 0 && r.Seen[i-1].Statement == x.Statement:
			return wrong("the statement %v is there twice", x.Statement)
		case x.Verdict == Agrees && (x.Cause != 0 || x.Text != ""):
			return wrong("the statement %v agrees, and needs no reason", x.Statement)
		case x.Verdict == Dissents && (x.Cause.String() == "" || strings.TrimSpace(x.Text) == ""):
			return wrong("the statement %v dissents, and its cause or the words for it are missing", x.Statement)
		case x.Verdict.String() == "":
			return wrong("the statement %v has no verdict", x.Statement)
		}
		if err := checkText("a reason", x.Text, MaxTextBytes); err != nil {
			return err
		}
	}
	return nil
}

func (s *Statement) checkWithdrawal() error {
	if s.Withdrawal == nil {
		return nil
	}
	if strings.TrimSpace(s.Withdrawal.Why) == "" {
		return wrong("it does not say why the release is withdrawn")
	}
	return checkText("the reason", s.Withdrawal.Why, MaxTextBytes)
}

// checkLine holds a text of a build to one line.
func checkLine(s string) error {
	if strings.ContainsAny(s, "\n\t") {
		return wrong("a text of the build is not on one line")
	}
	return checkText("a text of the build", s, MaxLineBytes)
}

// checkText holds a text for people to UTF-8 without control characters other than
// line end and tab.
func checkText(what, s string, most int) error {
	if len(s) > most {
		return limit("%s has %d bytes, at most %d are accepted", what, len(s), most)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }) {
		return wrong("%s is no UTF-8, or holds control characters", what)
	}
	return nil
}

// checkURI holds a name to what a URI looks like (RFC 3986, section 3), without
// reading it: a scheme, a colon, something.
func checkURI(what, s string) error {
	if len(s) > MaxURIBytes {
		return limit("the URI of %s has %d bytes, at most %d are accepted", what, len(s), MaxURIBytes)
	}
	scheme, rest, found := strings.Cut(s, ":")
	if !found || rest == "" || scheme == "" || !ascii.IsAlphanumeric(scheme[0]) || !ascii.IsOnly(scheme, "+.-") ||
		strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) }) {
		return wrong("%s is not named by a URI", what)
	}
	return nil
}
