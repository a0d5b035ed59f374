package filter

import (
	"bytes"

	"github.com/countermark/countermark/internal/digest"
)

// expandIdent is git's ident_to_worktree (convert.c): "$Id$" and "$Id:TEXT$"
// become "$Id: ID $". A keyword whose next dollar is on another line stays, as
// does one with a space inside its text: it is taken for another system's.
// One that has no dollar after it at all ends the search.
func expandIdent(content []byte, id digest.ObjectID) []byte {
	expansion := "Id: " + id.String() + " $"
	out := make([]byte, 0, len(content)+len(expansion))
	for rest := content; ; {
		dollar := bytes.IndexByte(rest, '$')
		if dollar < 0 {
			return append(out, rest...)
		}
		out = append(out, rest[:dollar+1]...)
		rest = rest[dollar+1:]
		switch {
		case bytes.HasPrefix(rest, []byte("Id$")):
			rest = rest[len("Id$"):]
			out = append(out, expansion...)
		case bytes.HasPrefix(rest, []byte("Id:")):
			text := rest[len("Id:"):]
			end := bytes.IndexByte(text, '$')
			if end < 0 {
				return append(out, rest...)
			}
			if isForeignIdent(text[:end]) {
				continue
			}
			rest = text[end+1:]
			out = append(out, expansion...)
		}
	}
}

// isForeignIdent reports whether git leaves the keyword "$Id:TEXT$" alone. The
// first character is not looked at, and one space at the end is git's own.
func isForeignIdent(text []byte) bool {
	if bytes.IndexByte(text, '\n') >= 0 {
		return true
	}
	if len(text) == 0 {
		return false
	}
	space := bytes.IndexByte(text[1:], ' ')
	return space >= 0 && 1+space < len(text)-1
}

// undoIdent replaces every keyword that git expanded for the blob of this id,
// and leaves other systems' keywords alone.
func undoIdent(image []byte, id digest.ObjectID) []byte {
	return bytes.ReplaceAll(image, []byte("$Id: "+id.String()+" $"), []byte("$Id$"))
}

// collapseIdent is git's ident_to_git (convert.c): what git add makes of a
// file, whatever the keyword holds.
func collapseIdent(image []byte) []byte {
	out := make([]byte, 0, len(image))
	for rest := image; ; {
		dollar := bytes.IndexByte(rest, '$')
		if dollar < 0 {
			return append(out, rest...)
		}
		out = append(out, rest[:dollar+1]...)
		rest = rest[dollar+1:]
		if len(rest) <= len("Id:") || !bytes.HasPrefix(rest, []byte("Id:")) {
			continue
		}
		text := rest[len("Id:"):]
		end := bytes.IndexByte(text, '$')
		if end < 0 {
			return append(out, rest...)
		}
		if bytes.IndexByte(text[:end], '\n') < 0 {
			out = append(out, "Id$"...)
			rest = text[end+1:]
		}
	}
}
