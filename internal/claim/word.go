package claim

import (
	"bytes"
	"regexp"
	"strings"
)

// What a file may hold and nothing else: a version, a day, an id, the mark that
// gettext and autoconf leave in stamp files.
var (
	versionWord = regexp.MustCompile(`^v?\d[0-9A-Za-z.+~_-]{0,63}$`)
	dayWord     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	idWord      = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
	stampWord   = regexp.MustCompile(`^timestamp( for [\w./+-]{1,64})?$`)
)

// Word returns the word that a file consists of, but for white space at its
// end, "" if it is more.
func Word(content []byte) string {
	const longest = 80
	word := bytes.TrimRight(content, " \t\r\n")
	if len(word) > longest || len(content) > len(word)+2 {
		return ""
	}
	return string(word)
}

// DescribeWord says what the only word of a file is, "" if nothing that is
// understood.
func DescribeWord(word string) string {
	switch {
	case dayWord.MatchString(word):
		return "holds nothing but a day, " + word
	case idWord.MatchString(word):
		return "holds nothing but an object id, " + word
	case versionWord.MatchString(word):
		return "holds nothing but a version, " + word
	case stampWord.MatchString(word):
		return "holds nothing but the mark of a stamp file"
	}
	return ""
}

var (
	manTitle  = regexp.MustCompile(`^\.T[Hh] "?([\w.+:-]+)"? "?(\d[a-z]*)"?`)
	mdocTitle = regexp.MustCompile(`^\.Dt "?([\w.+:-]+)"? (\d[a-z]*)`)
	textTitle = regexp.MustCompile(`^ *(\S+?)\((\d[a-z]*)\)(?: manual page|\s.*\S\(\d[a-z]*\)|\s{2,}.*)?$`)
	manAlias  = regexp.MustCompile(`^\.so (?:man\d[a-z]*/)?([\w.+:-]+\.\d[a-z]*)$`)
)

// Title returns the title of a manual page, in its source or as text, as the
// name that its file would have in lower case: "xz.1"; of a page that is only
// the name of another, that. It is "" for all else.
func Title(content []byte) string {
	title := ""
	eachLine(content[:min(len(content), headBytes)], func(_ int, line []byte) bool {
		line = bytes.TrimRight(line, " \t")
		if len(line) == 0 || string(line) == ".nh" || bytes.HasPrefix(line, []byte(`.\"`)) || bytes.HasPrefix(line, []byte(`'\"`)) || bytes.HasPrefix(line, []byte(".Dd")) {
			return true
		}
		for _, pattern := range []*regexp.Regexp{manTitle, mdocTitle, textTitle} {
			if m := pattern.FindSubmatch(line); m != nil {
				title = strings.ToLower(string(m[1])) + "." + string(m[2])
			}
		}
		if m := manAlias.FindSubmatch(line); m != nil {
			title = strings.ToLower(string(m[1]))
		}
		return false
	})
	return title
}

// changeLogHead begins an entry of a GNU ChangeLog (GNU Coding Standards, "Style
// of Change Logs").
var changeLogHead = regexp.MustCompile(`^\d{4}-\d\d-\d\d  \S.*  <\S*>$`)

// FirstEntry returns the first line of text of the first entry of a ChangeLog,
// "" for none.
func FirstEntry(name string, content []byte) string {
	if name != "ChangeLog" && name != "ChangeLog.txt" {
		return ""
	}
	entry, headed := "", false
	eachLine(content[:min(len(content), headBytes)], func(number int, line []byte) bool {
		if number == 1 {
			headed = changeLogHead.Match(line)
			return headed
		}
		entry = strings.TrimLeft(strings.TrimSpace(string(line)), "* ")
		return entry == ""
	})
	return entry
}
