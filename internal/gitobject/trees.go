package gitobject

import (
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// EncodeTrees returns the contents of all tree objects of t, in format f: those
// of directories before that of the directory that holds them, the top's last.
// Every entry must have an id in f; directories that hold nothing and special
// files, which git cannot hold, are left out. The errors are those of EncodeTree.
func EncodeTrees(f digest.Format, t tree.Tree) ([][]byte, error) {
	e := treeEncoder{format: f}
	_, err := e.encode("", t.Entries())
	return e.raw, err
}

// treeEncoder collects tree objects.
type treeEncoder struct {
	format digest.Format
	raw    [][]byte
}

// encode encodes the tree of the entries, all of which lie below prefix, and
// returns its id, zero for one that holds nothing below the top.
func (x *treeEncoder) encode(prefix string, entries []tree.Entry) (digest.ObjectID, error) {
	var list []TreeEntry
	for len(entries) > 0 {
		name, _, deeper := strings.Cut(string(entries[0].Path[len(prefix):]), "/")
		if !deeper {
			if mode := entries[0].GitMode(); entries[0].Kind != tree.Special && entries[0].Kind != tree.Directory {
				list = append(list, TreeEntry{Mode: mode, Name: name, ID: entries[0].IDs.In(x.format)})
			}
			entries = entries[1:]
			continue
		}
		dir, n := prefix+name+"/", 1
		for n < len(entries) && strings.HasPrefix(string(entries[n].Path), dir) {
			n++
		}
		id, err := x.encode(dir, entries[:n])
		if err != nil {
			return digest.ObjectID{}, err
		}
		if !id.IsZero() {
			list = append(list, TreeEntry{Mode: modeTree, Name: name, ID: id})
		}
		entries = entries[n:]
	}
	if len(list) == 0 && prefix != "" {
		return digest.ObjectID{}, nil
	}
	raw, err := EncodeTree(x.format, list)
	if err != nil {
		return digest.ObjectID{}, err
	}
	x.raw = append(x.raw, raw)
	return digest.HashObject(x.format, digest.Tree, raw)
}
