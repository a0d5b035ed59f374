package provenance

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/catalogue"
	"github.com/countermark/countermark/internal/claim"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/tree"
)

// Input is what Evidence is judged by.
type Input struct {
	Added      []*tree.Entry // the archive's entries that the commit does not have, in order
	Changed    []*tree.Entry // those that differ from the commit's
	Index      *knownfile.Index
	Submodules []tree.Path // paths whose content in the commit's tree is that of a submodule
	Pinned     []tree.Path // submodules that are not at hand
	Subject    string      // first line of the commit's message
}

// judgement is one judging.
type judgement struct {
	*Evidence
	Input
	tracked map[digest.ObjectID]tree.Path // a path of each blob of the commit
	named   map[blobName]tree.Path        // one of each of its base names
	files   map[tree.Path]tree.Path       // a path of each base name, in lower case
	looked  map[digest.IDs]*observation   // one file of each content that was looked at
	foreign map[tree.Path]bool            // what is not the commit's
}

// blobName is a blob under one base name.
type blobName struct {
	id   digest.ObjectID
	name string
}

// Judge labels every added path, and says what was done to every changed one, in
// the order of their paths: one finding for each.
func (v *Evidence) Judge(in Input) []Finding {
	j := &judgement{Evidence: v, Input: in, tracked: make(map[digest.ObjectID]tree.Path), files: make(map[tree.Path]tree.Path),
		named: make(map[blobName]tree.Path), looked: make(map[digest.IDs]*observation), foreign: make(map[tree.Path]bool)}
	for _, e := range slices.Concat(in.Added, in.Changed) {
		j.foreign[e.Path] = true
	}
	for _, e := range v.commit.Entries() {
		if e.Kind != tree.File {
			continue
		}
		id := e.IDs.In(v.format)
		if j.tracked[id] == "" {
			j.tracked[id] = e.Path
		}
		j.named[blobName{id, path.Base(string(e.Path))}] = e.Path
		j.files[tree.Path(strings.ToLower(path.Base(string(e.Path))))] = e.Path
	}
	findings := make([]Finding, 0, len(in.Added)+len(in.Changed))
	added := make(map[tree.Path]*observation, len(v.added))
	for i := range v.added {
		o := &v.added[i]
		added[o.path] = o
		if o.unread == "" && o.kind == tree.File && j.looked[o.ids] == nil {
			j.looked[o.ids] = o
		}
	}
	differs := make(map[tree.Path]*changed, len(v.changed))
	for i := range v.changed {
		differs[v.changed[i].path] = &v.changed[i]
	}
	for _, e := range in.Added {
		o := added[e.Path]
		if o == nil {
			o = &observation{path: e.Path, kind: e.Kind, size: e.Size, ids: e.IDs, unread: "more than 20,000 files are added: it was not looked at"}
		}
		findings = append(findings, j.label(o))
	}
	for _, e := range in.Changed {
		c := differs[e.Path]
		if c == nil {
			c = &changed{path: e.Path, kind: e.Kind, ids: e.IDs}
		}
		findings = append(findings, j.change(c))
	}
	slices.SortFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Path, b.Path) })
	return findings
}

// label finds the label of one file: what is certain first, what the file says
// of itself last.
func (j *judgement) label(o *observation) Finding {
	if o.unread != "" && o.kind == tree.File {
		if same := j.looked[o.ids]; same != nil {
			o = same.linkedAs(o.path)
		}
	}
	f := Finding{Path: o.path, Kind: o.kind, Label: Unexplained, Claim: o.claim, Serial: o.print.Serial}
	for _, try := range []func(*observation, *Finding) bool{
		j.toolFile, j.copied, j.compiled, j.modified, j.namesake, j.empty, j.headed, j.renamed, j.stated, j.filledIn, j.token, j.history, j.rendered,
	} {
		if try(o, &f) {
			break
		}
	}
	if f.Label == Copy || f.Label == SubmoduleContent {
		j.setNamesake(&f)
	}
	if f.Label != ToolFile || f.Namesake != nil {
		j.serialAhead(&f)
	}
	if f.Label == Unexplained && f.Evidence == "" {
		f.Evidence = j.nothing(o)
	}
	return f
}

// linkedAs returns what is known of a hard link to a file that was looked at.
// What was read as the name of the file wants it counts in a file of that name
// only.
func (o *observation) linkedAs(p tree.Path) *observation {
	link := *o
	link.path, link.print.Serial = p, serialAs(p, o.serial)
	if path.Base(string(p)) == path.Base(string(o.path)) {
		return &link
	}
	link.entry, link.expansion, link.meaning, link.problem = "", nil, catalogue.Meaning{}, ""
	if ext := path.Ext(string(p)); ext == ".gmo" || ext == ".mo" {
		link.problem = "it is a hard link to a file of another name"
	}
	if !link.claim.Generic {
		link.claim = claim.Claim{}
	}
	return &link
}

func (j *judgement) toolFile(o *observation, f *Finding) bool {
	if o.unread != "" || o.size == 0 || o.kind != tree.File {
		return false
	}
	f.Known = j.Index.Find(o.print.SHA256)
	if len(f.Known) == 0 {
		return false
	}
	name := path.Base(string(o.path))
	f.describeKnown(name)
	f.Label = ToolFile
	if !slices.ContainsFunc(f.Known, func(k knownfile.Origin) bool { return path.Base(k.Path) == name }) {
		j.setNamesake(f)
	}
	return true
}

// describeKnown fills in what the known file is.
func (f *Finding) describeKnown(name string) {
	best := knownfile.Best(f.Known, name)
	f.Tool, f.Version = best.Tool, best.Versions()
	f.Evidence = fmt.Sprintf("%s of %s %s", best.Path, best.Tool, best.Versions())
	switch {
	case path.Base(best.Path) != name:
		f.Evidence += ", under another name"
	case best.IsBorrowed():
		f.Evidence += ", where it is another tool's"
	}
}

// empty explains files that hold nothing.
func (j *judgement) empty(o *observation, f *Finding) bool {
	if o.kind != tree.File || o.size != 0 {
		return false
	}
	f.Label, f.Evidence = Derived, "is empty"
	return true
}

func (j *judgement) copied(o *observation, f *Finding) bool {
	id := o.ids.In(j.format)
	at, ok := j.tracked[id]
	if !ok || o.kind != tree.File || o.size == 0 { // empty files would be copies of each other
		return false
	}
	if same, ok := j.named[blobName{id, path.Base(string(o.path))}]; ok {
		at = same
	}
	f.Label, f.Of, f.Evidence = Copy, at, "the same as "+string(at)
	for _, submodule := range j.Submodules {
		if strings.HasPrefix(string(at), string(submodule)+"/") {
			f.Label = SubmoduleContent
		}
	}
	return true
}

// compiled holds a compiled catalogue to the text beside it.
func (j *judgement) compiled(o *observation, f *Finding) bool {
	ext := path.Ext(string(o.path))
	if ext != ".gmo" && ext != ".mo" || o.unread != "" || o.kind != tree.File {
		return false
	}
	if o.problem != "" {
		f.Evidence = "it is no catalogue that msgfmt writes: " + o.problem
		return true
	}
	source := tree.Path(strings.TrimSuffix(string(o.path), ext) + ".po")
	meaning, ok := j.meanings[source]
	switch {
	case !ok:
		f.Evidence = fmt.Sprintf("there is no %s, or none that can be read, to hold it to", source)
	case !o.meaning.CompiledFrom(meaning):
		f.Evidence = fmt.Sprintf("it does not hold the translations of %s", source)
	default:
		f.Label, f.Of, f.Evidence = CompiledCatalogue, source, "exactly the translations of "+string(source)
		f.Tool = "gettext"
		if j.foreign[source] {
			f.Evidence += ", which is not the commit's"
		}
	}
	return true
}

// modified looks for a known file of the same name that this one came from.
func (j *judgement) modified(o *observation, f *Finding) bool {
	m, ok := j.Index.Nearest(path.Base(string(o.path)), o.print)
	if ok && !m.SameForm && m.Percent < minPercentDespiteHeader && o.claim.Usual && !runsInBuild(path.Base(string(o.path))) {
		return false // a Makefile.in by automake has much in common with every other
	}
	return ok && f.setNearest(&m)
}

// minPercentDespiteHeader is how much a file that carries a tool's header, under
// a name that this tool gives, must be like a known file to count as that one,
// modified.
const minPercentDespiteHeader = 60

// renamed looks for a known file of another name that this one came from.
func (j *judgement) renamed(o *observation, f *Finding) bool {
	m, ok := j.Index.NearestOfAnyName(path.Base(string(o.path)), o.print)
	return ok && f.setNearest(&m)
}

func (f *Finding) setNearest(m *knownfile.Match) bool {
	f.Label, f.Nearest, f.Tool, f.Version = ModifiedToolFile, m, m.Tool, m.Near()
	how := fmt.Sprintf("about %d %% of its lines", shareOf(m.Percent))
	switch {
	case m.SameForm:
		how = "all but white space and what looks like comment lines"
	case m.Percent == 100:
		how = "almost all of its lines"
	}
	f.Evidence = fmt.Sprintf("%s as in %s of %s %s, the nearest known", how, m.Path, m.Tool, f.Version)
	return true
}

// shareOf returns which percentage of the lines of a file another of the same
// length has, if that percentage of all different lines is in both.
func shareOf(percent int) int { return 200 * percent / (100 + percent) }

// serialAhead compares an m4 file's serial number with those known of its name.
func (j *judgement) serialAhead(f *Finding) {
	if f.Serial == "" {
		return
	}
	highest, where, ok := j.Index.HighestSerial(path.Base(string(f.Path)))
	if !ok || f.Serial.Compare(highest) <= 0 {
		return
	}
	f.Highest = highest
	f.Evidence = strings.TrimPrefix(f.Evidence+"; ", "; ") +
		fmt.Sprintf("serial %s is ahead of every known release (%s in %s %s)", f.Serial, highest, where.Tool, where.Versions())
}

// headed takes the header of a known tool, in a file of a name that it gives.
func (j *judgement) headed(o *observation, f *Finding) bool {
	return o.claim.Usual && j.claimed(o, f)
}

// stated takes what any file can say: a header that goes with every name, or a
// statement in words.
func (j *judgement) stated(o *observation, f *Finding) bool {
	return !o.claim.Usual && j.claimed(o, f)
}

// claimed takes what a file says of itself. A statement that names only a source
// counts if the commit has a file of that name.
func (j *judgement) claimed(o *observation, f *Finding) bool {
	c := o.claim
	if c.IsZero() {
		return false
	}
	for _, name := range []string{c.Tool, c.From} {
		if at, ok := j.files[tree.Path(strings.ToLower(path.Base(name)))]; ok && name != "" && c.From != "" {
			f.Of = at
		}
	}
	if c.Tool == "" && f.Of == "" {
		return false
	}
	f.Label, f.Tool, f.Version = Derived, c.Tool, c.Version
	f.Evidence = fmt.Sprintf("line %d says: %s", c.Line, c.Text)
	return true
}

// filledIn holds a file to its template.
func (j *judgement) filledIn(o *observation, f *Finding) bool {
	if o.kind != tree.File || o.unread != "" {
		return false
	}
	for _, name := range j.templatesOf(o.path) {
		template, ok := j.templates[name]
		if !ok {
			continue
		}
		if template.content == nil || o.expansion == nil {
			f.Evidence = fmt.Sprintf("%s may be its template; one of both is too large to tell", name)
			continue
		}
		if lines, ok := fills(o.expansion, template.content); ok {
			f.Evidence = fmt.Sprintf("%s with %s filled in", name, count(lines, "line"))
			if template.differs {
				f.Evidence += ", which is not the commit's either"
			}
			f.Label, f.Of, f.Tool = Derived, name, "template"
			return true
		}
	}
	return false
}

// history explains a ChangeLog whose first entry is the commit's own message.
func (j *judgement) history(o *observation, f *Finding) bool {
	if o.entry == "" || o.entry != j.Subject {
		return false
	}
	f.Label, f.Tool = Derived, "git log"
	f.Evidence = "its first entry is the message of the commit: " + j.Subject
	return true
}

// token explains files of one word.
func (j *judgement) token(o *observation, f *Finding) bool {
	said := claim.DescribeWord(o.token)
	if said == "" {
		return false
	}
	f.Label, f.Evidence = Derived, said
	return true
}

// rendered looks for the tracked source of a manual page, by its title and by
// the name of the file.
func (j *judgement) rendered(o *observation, f *Finding) bool {
	if o.title == "" || !isPage(path.Base(string(o.path))) {
		return false
	}
	name := strings.ToLower(path.Base(string(o.path)))
	for _, stem := range []string{o.title, name, strings.TrimSuffix(name, path.Ext(name))} {
		for _, suffix := range []string{"", ".in", ".adoc", ".pod", ".xml", ".md", ".rst"} {
			if at, ok := j.files[tree.Path(stem+suffix)]; ok {
				f.Label, f.Of, f.Tool = Derived, at, "manual page formatter"
				f.Evidence = fmt.Sprintf("a manual page, as %s is", at)
				return true
			}
		}
	}
	return false
}

// isPage reports whether a base name is one that manual pages have.
func isPage(name string) bool {
	ext := path.Ext(name)
	switch ext {
	case ".man", ".txt", ".html", ".htm", ".wiki", ".md", ".in":
		return true
	}
	return len(ext) > 1 && (ext[1] >= '0' && ext[1] <= '9' || ext == ".n" || ext == ".l")
}

// nothing says why there is no label.
func (j *judgement) nothing(o *observation) string {
	for _, at := range j.Pinned {
		if strings.HasPrefix(string(o.path), string(at)+"/") {
			return fmt.Sprintf("it lies in the submodule %s, whose content is not at hand: --submodule %s=REPO", at, at)
		}
	}
	switch {
	case o.kind == tree.Symlink:
		return "a symbolic link"
	case o.kind == tree.Directory:
		return "a directory that holds nothing"
	case o.kind == tree.Special:
		return "a FIFO or device"
	case o.unread != "":
		return o.unread
	}
	return "it is no known file, nor like one as a text, and no generator's header was found in it"
}
