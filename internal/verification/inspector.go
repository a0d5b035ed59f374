package verification

import (
	"bytes"
	"context"
	"strings"

	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/tree"
)

// maxHeldBytes bounds the contents that wait for the attributes. They take git
// a tenth of a second; beyond the bound, reading waits for them.
const maxHeldBytes = 4 << 20

// inspector shows the archive's contents to what gathers where they come from
// and, of those that differ from the commit, to the filters of the parts. The
// archive is not kept waiting for the attributes, which are read at the same
// time: what differs from the commit before they are there is held.
type inspector struct {
	parts    parts
	tree     tree.Tree // of the commit
	evidence *provenance.Evidence
	wants    bool          // the commit has attributes files at all
	loaded   chan struct{} // closed when the attributes are there, or err says why not
	err      error
	held     []heldFile
	bytes    int
	load     func() // begins to load the index of known files
	loading  bool
}

type heldFile struct {
	entry   tree.Entry
	content []byte // nil if it cannot be shown
}

// startInspector begins to read the attributes of all parts. Nobody else may
// use their repositories until finish has returned.
func (v *verification) startInspector(ctx context.Context) *inspector {
	v.evidence = provenance.NewEvidence(v.tree, v.target.ID.Format(), tree.Path(v.o.Explain))
	i := &inspector{parts: v.parts, tree: v.tree, evidence: v.evidence, loaded: make(chan struct{}), load: func() { v.index.Start(ctx, v.o.Indexes, v.o.Known) }}
	for _, e := range v.tree.Entries() {
		i.wants = i.wants || strings.HasSuffix(string(e.Path), ".gitattributes")
	}
	go func() {
		defer close(i.loaded)
		for _, p := range v.parts {
			if i.err = p.loadAttributes(ctx); i.err != nil {
				return
			}
		}
	}()
	return i
}

// Wants reports that every file is to be shown: whether one differs from the
// commit's is known when it has gone by.
func (i *inspector) Wants(tree.Path) bool { return true }

// Inspect looks at a file; the content is nil if it cannot be shown.
func (i *inspector) Inspect(e *tree.Entry, content []byte) {
	base := i.tree.Lookup(e.Path)
	if !i.loading && (base == nil || !e.IDs.Agree(base.IDs)) {
		i.loading = true // not for archives that are just their commit
		i.load()
	}
	i.evidence.Inspect(e, base, content)
	if !i.wants || base == nil || base.Kind != tree.File || e.IDs.Agree(base.IDs) {
		return
	}
	select {
	case <-i.loaded:
		i.show(e, content)
		return
	default:
	}
	if i.bytes += len(content); i.bytes > maxHeldBytes {
		<-i.loaded
		i.release()
		i.show(e, content)
		return
	}
	i.held = append(i.held, heldFile{*e, bytes.Clone(content)})
}

func (i *inspector) show(e *tree.Entry, content []byte) {
	if i.err != nil {
		return // finish returns it
	}
	for _, p := range i.parts {
		if p.filters.Wants(e.Path) {
			p.filters.Inspect(e, content)
		}
	}
}

// release shows what was held.
func (i *inspector) release() {
	for k := range i.held {
		i.show(&i.held[k].entry, i.held[k].content)
	}
	i.held = nil
}

// finish waits for the attributes and shows what was held until then. It may
// be called twice.
func (i *inspector) finish() error {
	<-i.loaded
	i.release()
	return i.err
}
