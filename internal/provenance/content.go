package provenance

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

// tokenOf returns the word that a file consists of, but for white space at its
// end, "" if it is more.
func tokenOf(content []byte) string {
	const longest = 80
	word := bytes.TrimRight(content, " \t\r\n")
	if len(word) > longest || len(content) > len(word)+2 {
		return ""
	}
	return string(word)
}

// describeToken says what the only word of a file is, "" if nothing that is
// understood.
func describeToken(word string) string {
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
	textTitle = regexp.MustCompile(`^ *([A-Za-z_][\w.+:-]*)\((\d[a-z]*)\)(?: manual page|\s{2,}.*)?$`)
	manAlias  = regexp.MustCompile(`^\.so (?:man\d[a-z]*/)?([\w.+:-]+\.\d[a-z]*)$`)
)

// titleOf returns the title of a manual page, in its source or as text, as the
// name that its file would have in lower case: "xz.1"; of a page that is only
// the name of another, that. It is "" for all else.
func titleOf(content []byte) string {
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

// firstEntry returns the first line of text of the first entry of a ChangeLog,
// "" for none.
func firstEntry(name string, content []byte) string {
	if !strings.HasPrefix(name, "ChangeLog") {
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

// placeholder is what a template leaves to be filled in: @NAME@, as autoconf and
// meson have it, %NAME% and ${NAME}.
var placeholder = regexp.MustCompile(`@[A-Za-z_][\w-]*@|%[A-Z_][A-Z0-9_]*%|\$\{[A-Za-z_]\w*\}`)

// maxFilled bounds what may stand in the place of a placeholder.
const maxFilled = 200

// fills reports whether content is the template with its placeholders filled in,
// each with some text on its line; and how many lines were.
func fills(content, template []byte) (lines int, ok bool) {
	have, want := bytes.Split(content, []byte("\n")), bytes.Split(template, []byte("\n"))
	if len(have) != len(want) {
		return 0, false
	}
	for i := range have {
		if bytes.Equal(have[i], want[i]) {
			continue
		}
		if !fillsLine(have[i], want[i]) {
			return 0, false
		}
		lines++
	}
	return lines, true
}

func fillsLine(line, template []byte) bool {
	places := placeholder.FindAllIndex(template, -1)
	if len(places) == 0 {
		return false
	}
	if !bytes.HasPrefix(line, template[:places[0][0]]) {
		return false
	}
	line = line[places[0][0]:]
	for i, place := range places {
		end := len(template)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		literal := template[place[1]:end]
		at := bytes.Index(line, literal)
		if i+1 == len(places) {
			at = len(line) - len(literal)
			if at < 0 || !bytes.HasSuffix(line, literal) {
				return false
			}
		}
		if at < 0 || at > maxFilled {
			return false
		}
		line = line[at+len(literal):]
	}
	return true
}
