package compare

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/tree"
)

// maxKeptBytes bounds the contents that Filters holds until their committed
// blobs are at hand. What is beyond is Unchecked.
const maxKeptBytes = 16 << 20

// Found says what is known of a file whose attributes allow conversions.
type Found uint8

// The values of Found.
const (
	FoundNone      Found = iota // no image of the committed blob
	FoundExact                  // exactly an image
	FoundRefs                   // an image but for text that depends on refs
	FoundUndecided              // the committed blob would be needed
)

// Finding is what Filters found of one path.
type Finding struct {
	Verdict Found
	By      []string // the conversions
	Reason  string
}

// Filters decides, as the contents of an archive go by, which of them are
// images that git makes of the committed blobs. It is an archive.Inspector.
// Where an image alone does not give its blob away, it keeps the content and
// asks for the blob.
type Filters struct {
	commit     filter.Commit
	tree       tree.Tree
	attributes map[tree.Path]filter.Attributes
	findings   map[tree.Path]Finding
	waiting    map[digest.ObjectID][]waiting
	keptBytes  int
}

type waiting struct {
	path    tree.Path
	content []byte
}

// NewFilters prepares for an archive of the given commit. Attributes holds the
// files whose attributes allow conversions.
func NewFilters(commit filter.Commit, t tree.Tree, attributes map[tree.Path]filter.Attributes) *Filters {
	return &Filters{
		commit: commit, tree: t, attributes: attributes,
		findings: make(map[tree.Path]Finding), waiting: make(map[digest.ObjectID][]waiting),
	}
}

// Wants reports whether the path's attributes allow an image other than the
// blob, modelled or not.
func (f *Filters) Wants(p tree.Path) bool {
	a, ok := f.attributes[p]
	return ok && (a.Converts() || unmodelled(a) != "")
}

// unmodelled says which attributes of a path no image is known of, "" if none.
func unmodelled(a filter.Attributes) string {
	switch {
	case a.Encoding != "":
		return "it has a working-tree-encoding, which is not modelled"
	case a.Driver != "":
		return "it has a filter driver, which is not modelled"
	}
	return ""
}

// Inspect looks at one file of the archive.
func (f *Filters) Inspect(e *tree.Entry, content []byte) {
	base := f.tree.Lookup(e.Path)
	format := f.commit.ID.Format()
	if base == nil || base.Kind != tree.File || e.IDs.In(format) == base.IDs.In(format) {
		return
	}
	id, attributes := base.IDs.In(format), f.attributes[e.Path]
	if !attributes.Converts() {
		f.findings[e.Path] = Finding{Reason: unmodelled(attributes)}
		return
	}
	if content == nil && e.Size > 0 {
		f.findings[e.Path] = Finding{Verdict: FoundUndecided, Reason: "too large, or a hard link, for git's filters to be checked on it"}
		return
	}
	if blob, ok := filter.Recover(content, id, attributes); ok {
		f.findings[e.Path] = f.explain(content, blob, id, attributes)
		return
	}
	if !attributes.ExportSubst && !mayBeImage(content, id) {
		f.findings[e.Path] = Finding{Reason: unmodelled(attributes)}
		return
	}
	if f.keptBytes+len(content) > maxKeptBytes {
		f.findings[e.Path] = Finding{Verdict: FoundUndecided, Reason: "too many large files for git's filters to be checked on all of them"}
		return
	}
	f.keptBytes += len(content)
	f.findings[e.Path] = Finding{Verdict: FoundUndecided, Reason: fmt.Sprintf("blob %v is needed to check git's filters, and is not at hand", id)}
	f.waiting[id] = append(f.waiting[id], waiting{e.Path, bytes.Clone(content)})
}

// mayBeImage is false only if no ident or eol conversion makes this content of
// the blob: ident leaves the blob's id in it, eol leaves no naked line feed.
func mayBeImage(content []byte, id digest.ObjectID) bool {
	if bytes.Contains(content, []byte("$Id: "+id.String()+" $")) {
		return true
	}
	feeds := bytes.Count(content, []byte("\n"))
	return feeds > 0 && feeds == bytes.Count(content, []byte("\r\n"))
}

func (f *Filters) explain(content, blob []byte, id digest.ObjectID, a filter.Attributes) Finding {
	match, by := filter.Explain(content, filter.Blob{ID: id, Content: blob}, a, f.commit)
	switch match {
	case filter.Exact:
		return Finding{Verdict: FoundExact, By: by}
	case filter.RefsOnly:
		return Finding{Verdict: FoundRefs, By: by}
	}
	return Finding{Reason: unmodelled(a)}
}

// Needed returns the ids of the blobs that would decide more, sorted.
func (f *Filters) Needed() []digest.ObjectID {
	ids := make([]digest.ObjectID, 0, len(f.waiting))
	for id := range f.waiting {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b digest.ObjectID) int { return cmp.Compare(a.String(), b.String()) })
	return ids
}

// Give takes a blob that Needed asked for; its bytes must have been hashed to id.
func (f *Filters) Give(id digest.ObjectID, blob []byte) {
	for _, w := range f.waiting[id] {
		f.findings[w.path] = f.explain(w.content, blob, id, f.attributes[w.path])
	}
	delete(f.waiting, id)
}

// Findings returns what was found so far.
func (f *Filters) Findings() map[tree.Path]Finding { return f.findings }
