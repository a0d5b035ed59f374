package filter

import "strings"

// EOL says when git turns line ends into CRLF. The zero value is never.
type EOL uint8

// The values of EOL.
const (
	EOLNever  EOL = iota // the attributes give no CRLF
	EOLAlways            // every naked LF becomes CRLF, if the archiving side wants CRLF at all
	EOLAuto              // the same, but only in a file that git's heuristics take for text with LF line ends
)

// Attributes is what the gitattributes(5) of one path say about its way into
// an archive. The zero value converts nothing.
type Attributes struct {
	Ident        bool
	EOL          EOL
	CRLF         bool // a checkout has CRLF on every system (eol=crlf), as far as EOL converts
	ExportSubst  bool
	ExportIgnore bool   // git archive leaves the path out
	Encoding     string // working-tree-encoding, "" for none or UTF-8: not modelled, for the report to name
	Driver       string // filter driver, "" for none: not modelled, for the report to name
}

// The values by which git check-attr shows attributes that are no strings
// (git-check-attr(1), "OUTPUT").
const (
	valueSet         = "set"
	valueUnset       = "unset"
	valueUnspecified = "unspecified"
)

// AttributeNames returns the attributes to ask git check-attr for, in a fixed
// order; ParseAttributes reads them.
func AttributeNames() []string {
	return []string{"text", "crlf", "eol", "ident", "export-subst", "export-ignore", "working-tree-encoding", "filter"}
}

// ParseAttributes reads the values of one path as git check-attr shows them.
// A missing name counts as "unspecified". An attribute set to the string "set"
// or "unset" looks like one that is set or unset: check-attr does not tell
// them apart.
func ParseAttributes(values map[string]string) Attributes {
	a := Attributes{
		Ident:        values["ident"] == valueSet,
		ExportSubst:  values["export-subst"] == valueSet,
		ExportIgnore: values["export-ignore"] == valueSet,
		EOL:          parseEOL(values),
	}
	a.CRLF = a.EOL != EOLNever && values["eol"] == "crlf"
	if v := stringValue(values["working-tree-encoding"]); !isUTF8Name(v) {
		a.Encoding = v
	}
	a.Driver = stringValue(values["filter"])
	return a
}

// stringValue returns the value of an attribute that is a string, else "".
func stringValue(v string) string {
	switch v {
	case valueSet, valueUnset, valueUnspecified:
		return ""
	}
	return v
}

// isUTF8Name reports whether git takes an encoding's name for UTF-8
// (same_encoding in utf8.c: no name, UTF-8 or UTF8 in any case).
func isUTF8Name(name string) bool {
	return name == "" || strings.EqualFold(name, "UTF-8") || strings.EqualFold(name, "UTF8")
}

// textAction is the first half of git's decision on line ends: the text
// attribute, or crlf, its older name.
type textAction uint8

const (
	textUndefined textAction = iota // no attribute decides; core.autocrlf of the archiving side would
	textBinary
	textSet
	textInput
	textAuto
)

func parseText(v string) textAction {
	switch v {
	case valueSet:
		return textSet
	case valueUnset:
		return textBinary
	case "input":
		return textInput
	case "auto":
		return textAuto
	}
	return textUndefined
}

// parseEOL follows convert_attrs in git's convert.c. Where no attribute speaks
// of line ends there is no conversion: what the archiving side's core.autocrlf
// would do is nothing that the commit asks for.
func parseEOL(values map[string]string) EOL {
	action := parseText(values["text"])
	if action == textUndefined {
		action = parseText(values["crlf"])
	}
	eol := values["eol"]
	switch {
	case action == textBinary || eol == "lf":
		return EOLNever
	case action == textAuto:
		return EOLAuto
	case action == textSet || eol == "crlf":
		return EOLAlways
	}
	return EOLNever
}

// Converts reports whether a modelled image other than the blob itself is
// possible.
func (a Attributes) Converts() bool {
	return a.Ident || a.EOL != EOLNever || a.ExportSubst
}
