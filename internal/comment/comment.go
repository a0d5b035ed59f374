// Package comment finds the quiet part of a line: what its file's language does
// not execute. That is the text of a comment, or a field that tools fill with a
// date or the name of a source file. It is found from the line alone, so that it
// is only what such a line can hardly be anything else but; a comment that goes
// on from the line before is not found, since "* 2 - 1" may be one, or code.
//
// Within a string of several lines or a here-document what looks like a comment
// is data. Nothing here says that data is harmless.
package comment

import (
	"regexp"
	"strings"
)

// The languages that matter, by base names.
var (
	// slashNames are files in which "//" and "/*" begin comments.
	slashNames = regexp.MustCompile(`\.(?:c|h|cc|cpp|cxx|c\+\+|hh|hpp|hxx|h\+\+|C|H|y|l|re|inc|m|mm|java|js|ts|go|rs|swift|php|cs|vala|vapi|proto|css|d)(?:\.in)?$`)
	// sharpNames are files in which "#" does.
	sharpNames = regexp.MustCompile(`^(?:configure|config\.(?:guess|sub|rpath|status)|install-sh|missing|depcomp|compile|mkinstalldirs|ylwrap|test-driver|[Mm]akefile|libtool|[\w.-]*\.(?:sh|m4|ac|am|mk|mak|pl|pm|py|rb|tcl|awk|po|pot|gmo|yml|yaml|toml|cmake))(?:\.in)?$`)
	// xmlNames are files in which "<!--" does.
	xmlNames = regexp.MustCompile(`\.(?:x?html?|xml|svg|ui|glade|dbk|docbook|sgml|devhelp2?)$`)
	// manNames are the sources of manual pages.
	manNames = regexp.MustCompile(`\.(?:\d[a-z]*|man|mdoc)(?:\.in)?$`)
)

// sharpComment is a line that is a comment in shell, m4, make, Python, Perl and
// the like. The words are those of C's preprocessor, and of encodings.
var (
	sharpComment = regexp.MustCompile(`^\s*#+(?:[ \t]|$)`)
	directive    = regexp.MustCompile(`^\s*#\s*(?:define|undef|if|ifdef|ifndef|elif|elifdef|else|endif|include|include_next|import|pragma|error|warning|line|ident|embed|.*coding[:=])`)
	dnlComment   = regexp.MustCompile(`^\s*dnl[ \t]`)
	roffComment  = regexp.MustCompile(`^[.']\\"`)
)

// fields are lines that tools fill in; the group is quiet.
var fields = []struct{ names, line *regexp.Regexp }{
	{manNames, regexp.MustCompile(`^\.TH "?[\w.+:-]+"? "?\d[a-z]*"? "?([^"\\]*)"?(?: "[^"\\]*")*$`)},             // man(7)
	{manNames, regexp.MustCompile(`^\.Dd ([\w ,]+)$`)},                                                           // mdoc(7)
	{regexp.MustCompile(`\.pot?$`), regexp.MustCompile(`^"(?:POT-Creation|PO-Revision)-Date: ([-+:\w ]+)\\n"$`)}, // gettext manual, "Header Entry"
	{regexp.MustCompile(`\.texi(?:nfo)?$`), regexp.MustCompile(`^@set UPDATED(?:-MONTH)? ([\w ]+)$`)},            // automake manual, "Texinfo"
	{regexp.MustCompile(`^config\.(?:guess|sub)$`), regexp.MustCompile(`^timestamp='([\d-]+)'$`)},                // their own
	{sharpNames, regexp.MustCompile(`^scriptversion=(\d{4}-\d\d-\d\d)\.\d\d; # UTC$`)},                           // gnulib, time-stamp-format
	{regexp.MustCompile(`\.e?ps$`), regexp.MustCompile(`^%%CreationDate: ([-+:\w ,()]+)$`)},                      // PostScript DSC 3.0
	{slashNames, regexp.MustCompile(`^#line \d+ "([^"\\]*)"$`)},                                                  // C, 6.10.4
	{slashNames, regexp.MustCompile(`^# \d+ "([^"\\]*)"(?: \d)*$`)},                                              // GCC, "Preprocessor Output"
}

// Quiet returns where the quiet part of a line of a file of the given base name
// is; to is 0 for none. The line must not be one that another goes on in.
func Quiet(name, line string) (from, to int) {
	line = strings.TrimSuffix(line, "\r")
	for _, f := range fields {
		if f.names.MatchString(name) {
			if m := f.line.FindStringSubmatchIndex(line); m != nil {
				return m[2], m[3]
			}
		}
	}
	start := strings.TrimLeft(line, " \t")
	lead := len(line) - len(start)
	switch {
	case GoesOn(line):
		return 0, 0
	case slashNames.MatchString(name):
		return slashPart(start, lead)
	case sharpNames.MatchString(name) && (sharpComment.MatchString(line) && !directive.MatchString(line) || dnlComment.MatchString(line)):
		// If the line is within a string, that ends at a quote; "[" and "]" are m4's.
		if end := strings.IndexAny(line, "'\"`[]"); end >= 0 {
			return lead, end
		}
		return lead, len(line)
	case manNames.MatchString(name) && roffComment.MatchString(line):
		return lead, len(line)
	case xmlNames.MatchString(name) && strings.HasPrefix(start, "<!--"):
		if end := strings.Index(start, "-->"); end > 0 {
			return lead, lead + end
		}
	}
	return 0, 0
}

// slashPart is Quiet of a comment in C and its kin.
func slashPart(start string, lead int) (from, to int) {
	switch {
	case strings.HasPrefix(start, "//") && !strings.Contains(start, "*/") && !strings.Contains(start, "?>"): // these end a comment begun before, and PHP
		return lead, lead + len(start)
	case strings.HasPrefix(start, "/*/"): // it ends a comment that was begun before, or begins one
	case strings.HasPrefix(start, "/*"):
		if end := strings.Index(start[2:], "*/"); end >= 0 {
			return lead, lead + 2 + end
		}
	}
	return 0, 0
}

// GoesOn reports whether a line is joined to the next: by a backslash, or by the
// trigraph of one (C99, 5.2.1.1).
func GoesOn(line string) bool {
	line = strings.TrimRight(line, " \t\r") // GCC joins also where space follows
	return strings.HasSuffix(line, `\`) || strings.HasSuffix(line, "??/")
}
