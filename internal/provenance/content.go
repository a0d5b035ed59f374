package provenance

import (
	"bytes"
	"regexp"
)

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
