package provenance

import (
	"bytes"
	"path"
	"strings"

	"github.com/countermark/countermark/internal/catalogue"
	"github.com/countermark/countermark/internal/claim"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/tree"
)

// Limits of what Evidence keeps. What is beyond is Unexplained or ChangeUnknown,
// and says so.
const (
	maxObservations  = 20_000    // added files that are looked at
	maxChangedBytes  = 12 << 20  // contents that differ from the commit's, together
	maxChangedFile   = 1 << 20   // each of them
	maxTemplateBytes = 4 << 20   // templates, together; and as much of what may be made of them
	maxTemplateFile  = 256 << 10 // each of them
	maxCatalogues    = 4_000     // .po files, and as many templates
	maxTextBytes     = 512       // of each text that a file says of itself
)

// MaxCommittedBytes is the size of the largest committed blob that Give has a use
// for.
const MaxCommittedBytes = maxChangedFile

// observation is what is remembered of an added file.
type observation struct {
	path      tree.Path
	kind      tree.Kind
	size      int64
	ids       digest.IDs
	print     knownfile.Fingerprint
	serial    knownfile.Serial // as an m4 file, whatever its name: a hard link may be one
	claim     claim.Claim
	meaning   catalogue.Meaning // of a .gmo or .mo
	problem   string            // why there is no meaning, for a .gmo or .mo
	token     string            // the one word that the file holds
	title     string            // of a manual page: "NAME.SECTION"
	entry     string            // the first entry's summary, of a ChangeLog
	expansion []byte            // the content, if a template of it is tracked and it names no tool
	unread    string            // why the content was not looked at
}

// template is a tracked file from which another may be made by filling in.
type template struct {
	content []byte // nil: not kept
	differs bool   // from the commit's
}

// changed is a file that differs from the commit's.
type changed struct {
	path    tree.Path
	kind    tree.Kind // of the archive's entry
	size    int64
	ids     digest.IDs
	blob    digest.ObjectID // the commit's
	print   knownfile.Fingerprint
	content []byte // nil: not kept, or compared already
	change  Change // what was done, once the committed content was given
	said    string // in words
}

// Evidence gathers, as the contents of an archive go by, what Judge needs. Not
// safe for concurrent use.
type Evidence struct {
	commit     tree.Tree
	format     digest.Format
	added      []observation
	changed    []changed
	waiting    map[digest.ObjectID][]int // changed files, by the blob that they wait for
	templates  map[tree.Path]template
	absent     map[digest.ObjectID][]tree.Path // templates that the archive lacks, by their blobs
	meanings   map[tree.Path]catalogue.Meaning // of .po files
	kept       int                             // bytes of changed
	keptTempl  int                             // bytes of templates
	keptFilled int                             // bytes of expansions
	explain    tree.Path                       // whose content is kept whole
	Explained  []byte                          // the content of the path given to NewEvidence, nil if it did not come by
}

// NewEvidence prepares for an archive of the commit with the given tree, in the
// repository's format. The content of the path explain, if it is not empty, is
// kept whole.
func NewEvidence(commit tree.Tree, format digest.Format, explain tree.Path) *Evidence {
	return &Evidence{commit: commit, format: format, explain: explain, waiting: make(map[digest.ObjectID][]int),
		templates: make(map[tree.Path]template), absent: make(map[digest.ObjectID][]tree.Path), meanings: make(map[tree.Path]catalogue.Meaning)}
}

// Inspect looks at one file; base is the commit's entry of its path, nil for none.
func (v *Evidence) Inspect(e, base *tree.Entry, content []byte) {
	if e.Path == v.explain {
		v.Explained = bytes.Clone(content)
	}
	if path.Ext(string(e.Path)) == ".po" && content != nil {
		v.addCatalogue(e.Path, content)
	}
	switch {
	case base == nil:
		v.observe(e, content)
	case base.Kind != e.Kind || !e.IDs.Agree(base.IDs):
		v.observeChange(e, base, content)
	}
	if content != nil && v.isTemplate(e.Path) {
		v.addTemplate(e.Path, base != nil && !e.IDs.Agree(base.IDs), content)
	}
}

func (v *Evidence) addTemplate(p tree.Path, differs bool, content []byte) {
	if len(v.templates) >= maxCatalogues {
		return
	}
	t := template{differs: differs}
	if len(content) <= maxTemplateFile && v.keptTempl+len(content) <= maxTemplateBytes {
		v.keptTempl += len(content)
		t.content = bytes.Clone(content)
	}
	v.templates[p] = t
}

func (v *Evidence) addCatalogue(p tree.Path, content []byte) {
	if len(v.meanings) >= maxCatalogues {
		return
	}
	if c, err := catalogue.ParsePO(content); err == nil {
		v.meanings[p] = c.Meaning()
	}
}

// observe takes what is to be remembered of an added file.
func (v *Evidence) observe(e *tree.Entry, content []byte) {
	if len(v.added) >= maxObservations {
		return
	}
	o := observation{path: e.Path, kind: e.Kind, size: e.Size, ids: e.IDs}
	if content == nil && (e.Size > 0 || e.Kind != tree.File) {
		o.unread = "it is too large, or a hard link to another"
		v.added = append(v.added, o)
		return
	}
	name := path.Base(string(e.Path))
	o.print = knownfile.TakeAny("any.m4", content)
	o.serial, o.print.Serial = o.print.Serial, serialAs(e.Path, o.print.Serial)
	o.claim = claim.Read(name, content)
	o.token = claim.Word(content)
	o.claim.Tool, o.claim.Version, o.claim.From = clip(o.claim.Tool), clip(o.claim.Version), clip(o.claim.From)
	o.title = clip(claim.Title(content))
	o.entry = clip(claim.FirstEntry(name, content))
	switch path.Ext(name) {
	case ".gmo", ".mo":
		if c, err := catalogue.ParseMO(content); err == nil {
			o.meaning = c.Meaning()
		} else {
			o.problem = err.Error()
		}
	}
	if o.claim.Tool == "" && len(v.templatesOf(e.Path)) > 0 && len(content) <= maxTemplateFile && v.keptFilled+len(content) <= maxTemplateBytes {
		v.keptFilled += len(content)
		o.expansion = bytes.Clone(content)
	}
	v.added = append(v.added, o)
}

// clip returns a copy of the beginning of a text: longer than all names, and than
// what a message's first line should be.
func clip(s string) string { return strings.Clone(s[:min(len(s), maxTextBytes)]) }

// serialAs returns the serial number of a content at a path: only m4 files have
// one.
func serialAs(p tree.Path, serial knownfile.Serial) knownfile.Serial {
	if path.Ext(string(p)) != ".m4" {
		return ""
	}
	return serial
}

func (v *Evidence) observeChange(e, base *tree.Entry, content []byte) {
	c := changed{path: e.Path, kind: e.Kind, size: e.Size, ids: e.IDs, blob: base.IDs.In(v.format)}
	if content != nil {
		c.print = knownfile.Identify(path.Base(string(e.Path)), content)
	}
	if content != nil && base.Kind == tree.File && !c.blob.IsZero() && len(content) <= maxChangedFile && v.kept+len(content) <= maxChangedBytes {
		v.kept += len(content)
		c.content = bytes.Clone(content)
		v.waiting[c.blob] = append(v.waiting[c.blob], len(v.changed))
	}
	v.changed = append(v.changed, c)
}

// Needed returns the ids of the committed blobs that say what was done to the
// changed files, and from what templates added ones were made that the archive
// itself lacks; within says of which paths of the commit.
func (v *Evidence) Needed(changed map[tree.Path]bool, within func(tree.Path) bool) []digest.ObjectID {
	var ids []digest.ObjectID
	for id, files := range v.waiting {
		for _, i := range files {
			if p := v.changed[i].path; changed[p] && within(p) {
				ids = append(ids, id)
				break
			}
		}
	}
	asked := make(map[tree.Path]bool)
	for i := range v.added {
		if v.added[i].expansion == nil {
			continue
		}
		for _, name := range v.templatesOf(v.added[i].path) {
			id := v.commit.Lookup(name).IDs.In(v.format)
			if _, seen := v.templates[name]; seen || asked[name] || !within(name) {
				continue
			}
			asked[name] = true
			v.absent[id] = append(v.absent[id], name)
			ids = append(ids, id)
		}
	}
	return ids
}

// Give takes a blob that Needed asked for; its bytes must have been hashed to id.
// The contents of the files that waited for it are let go.
func (v *Evidence) Give(id digest.ObjectID, blob []byte) {
	for _, i := range v.waiting[id] {
		c := &v.changed[i]
		if len(blob) <= maxChangedFile {
			c.change, c.said = compareContents(path.Ext(string(c.path)), blob, c.content)
		}
		v.kept -= len(c.content)
		c.content = nil
	}
	delete(v.waiting, id)
	for _, name := range v.absent[id] {
		v.addTemplate(name, false, blob)
	}
	delete(v.absent, id)
}

// The ends of names of templates, from which a file is made by filling in.
var templateSuffixes = []string{".in", ".tmpl", ".template", ".tpl"}

// isTemplate reports whether a tracked path may be the template of a file that
// is not tracked.
func (v *Evidence) isTemplate(p tree.Path) bool {
	for _, suffix := range templateSuffixes {
		if made, ok := strings.CutSuffix(string(p), suffix); ok && !strings.HasSuffix(made, "/") {
			return v.commit.Lookup(p) != nil && v.commit.Lookup(tree.Path(made)) == nil
		}
	}
	return false
}

// templatesOf returns the tracked paths that may be the template of a file.
func (v *Evidence) templatesOf(p tree.Path) []tree.Path {
	var found []tree.Path
	stem := strings.TrimSuffix(string(p), path.Ext(string(p)))
	for _, suffix := range templateSuffixes {
		for _, name := range []tree.Path{p + tree.Path(suffix), tree.Path(stem + suffix)} {
			if base := v.commit.Lookup(name); base != nil && base.Kind == tree.File {
				found = append(found, name)
			}
		}
	}
	return found
}
