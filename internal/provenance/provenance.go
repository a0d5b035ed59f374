// Package provenance says where the files of an archive come from that are in
// no commit, and what was done to those that differ from the commit. It is pure:
// contents and an index of known files in, labels with their evidence out.
//
// A label is a reason to look elsewhere first, never a proof that a file is
// harmless: a tool file is a copy of something known, byte for byte, a compiled
// catalogue holds the translations of its source and not a byte more, and a copy
// is content that the commit holds too; but "derived" rests on what a file says
// of itself. docs/provenance.md says what each label proves.
package provenance

import (
	"fmt"

	"github.com/countermark/countermark/internal/claim"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/tree"
)

// Label says where an added file comes from. The zero value is no label.
type Label uint8

// The labels, from docs/provenance.md.
const (
	ToolFile          Label = iota + 1 // byte for byte a file that a tool ships
	ModifiedToolFile                   // much like a file that a tool ships, and not the same
	Derived                            // says which tool made it, or shows what it was made of
	Copy                               // the bytes of a tracked file at another path
	CompiledCatalogue                  // a message catalogue: exactly what its .po compiles to
	SubmoduleContent                   // the bytes of a file of a submodule that is at hand
	Unexplained                        // none of these
)

var labelNames = [...]string{
	ToolFile: "tool file", ModifiedToolFile: "tool file, modified", Derived: "derived", Copy: "copy",
	CompiledCatalogue: "compiled catalogue", SubmoduleContent: "submodule content", Unexplained: "unexplained",
}

// String returns the label as reports write it.
func (l Label) String() string {
	if int(l) < len(labelNames) {
		return labelNames[l]
	}
	return fmt.Sprintf("Label(%d)", uint8(l))
}

// Labels returns all labels, in the order of the specification.
func Labels() []Label {
	return []Label{ToolFile, ModifiedToolFile, Derived, Copy, CompiledCatalogue, SubmoduleContent, Unexplained}
}

// Change says what was done to a file that the commit holds too. The zero value
// says that it is not known.
type Change uint8

// The changes, from docs/provenance.md.
const (
	ChangeUnknown   Change = iota // the committed content is not at hand, or too large
	VersionStamp                  // only numbers, dates and names of versions differ, line by line
	CatalogueUpdate               // a .po in which no translation is new or another one
	WhiteSpace                    // only white space differs
	KnownToolFile                 // replaced by a file that a tool ships
	OtherChange                   // anything else
)

var changeNames = [...]string{
	ChangeUnknown: "not looked at", VersionStamp: "version stamp", CatalogueUpdate: "catalogue update", WhiteSpace: "white space",
	KnownToolFile: "tool file", OtherChange: "other",
}

// String returns the change as reports write it.
func (c Change) String() string {
	if int(c) < len(changeNames) {
		return changeNames[c]
	}
	return fmt.Sprintf("Change(%d)", uint8(c))
}

// Changes returns all changes, in the order of the specification.
func Changes() []Change {
	return []Change{VersionStamp, CatalogueUpdate, WhiteSpace, KnownToolFile, OtherChange, ChangeUnknown}
}

// Finding is what was found of one path: of an added one its label, of a changed
// one the change.
type Finding struct {
	Path     tree.Path
	Kind     tree.Kind          // of the archive's entry
	Label    Label              // 0 for a changed path
	Change   Change             // of a changed path
	Tool     string             // that ships or made it, "" if nothing says
	Version  string             // of the tool, "" if nothing says
	Known    []knownfile.Origin // where exactly this content was shipped
	Nearest  *knownfile.Match   // of ModifiedToolFile: the known file that it is most like
	Claim    claim.Claim        // what it says of itself
	Of       tree.Path          // what it is a copy of, was compiled or made of: a tracked path, or the archive's
	Namesake *knownfile.Origin  // a known m4 file or build script of this name, if this one is like none of them
	Serial   knownfile.Serial   // of an m4 file
	Highest  knownfile.Serial   // the highest serial that is known of this name, if Serial is ahead of it
	Evidence string             // one clause for people; may hold text from the file
}

// IsSerialAhead reports whether the file's serial number is higher than that of
// every known file of its name: aclocal prefers it to all of them.
func (f *Finding) IsSerialAhead() bool { return f.Highest != "" }

// IsLoud reports whether a person should look at this file first.
func (f *Finding) IsLoud() bool {
	return f.Label == ModifiedToolFile || f.Namesake != nil || f.IsSerialAhead()
}
