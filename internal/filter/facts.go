package filter

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/gitobject"
)

// facts is what a commit says in each placeholder, as git writes it.
type facts struct {
	id, tree, parents  string
	abbreviatedParents []part
	author, committer  person
	utf8, signed       bool
	encoding           string
	message            string // %B
	subject            string // %s
	fileName           string // %f
	body               string // %b
}

func newFacts(c Commit) *facts {
	f := &facts{
		id:        c.ID.String(),
		tree:      c.Tree.String(),
		author:    newPerson(c.Author),
		committer: newPerson(c.Committer),
		utf8:      isUTF8Name(c.Encoding),
		signed:    c.Signature != "",
		encoding:  c.Encoding,
	}
	var parents []string
	for i, p := range c.Parents {
		parents = append(parents, p.String())
		if i > 0 {
			f.abbreviatedParents = append(f.abbreviatedParents, part{text: " "})
		}
		f.abbreviatedParents = append(f.abbreviatedParents, part{abbreviation, p.String()})
	}
	f.parents = strings.Join(parents, " ")
	f.message, _, _ = strings.Cut(c.Message, "\x00") // a C string to git
	f.subject, f.fileName, f.body = splitMessage(f.message)
	return f
}

// gitSpace is what git's isspace (ctype.c) takes for white space.
const gitSpace = " \t\n\r"

// splitMessage is git's parse_commit_message and format_subject: the subject
// is the first paragraph, its lines joined by spaces, only the white space at
// their ends removed; the body is all after the blank lines that follow.
func splitMessage(message string) (subject, fileName, body string) {
	message = skipBlankLines(message)
	fileName, _, _ = strings.Cut(message, "\n")
	var lines []string
	for message != "" {
		line, rest, _ := strings.Cut(message, "\n")
		message = rest
		line = strings.TrimRight(line, gitSpace)
		if line == "" {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " "), sanitizeSubject(fileName), skipBlankLines(message)
}

func skipBlankLines(s string) string {
	for s != "" {
		line, rest, _ := strings.Cut(s, "\n")
		if strings.Trim(line, gitSpace) != "" {
			break
		}
		s = rest
	}
	return s
}

// sanitizeSubject is git's format_sanitized_subject (pretty.c): letters,
// digits, "_" and single dots; a dash for any run of other bytes between them.
func sanitizeSubject(line string) string {
	var out []byte
	gap := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_':
			if gap && len(out) > 0 {
				out = append(out, '-')
			}
			gap = false
			out = append(out, c)
			for c == '.' && i+1 < len(line) && line[i+1] == '.' {
				i++
			}
		default:
			gap = true
		}
	}
	return strings.TrimRight(string(out), ".-")
}

// person is one identity line as git's split_ident_line (ident.c) reads it.
type person struct {
	name, email, local string
	unix               int64
	zone               int // hours and minutes as one decimal number, "-0130" is -130
	dated              bool
	at                 time.Time // in that zone
}

func newPerson(g gitobject.Person) person {
	p := person{name: strings.TrimRight(g.Name, gitSpace), email: g.Email, unix: g.Unix}
	p.local, _, _ = strings.Cut(p.email, "@")
	zone, err := strconv.Atoi(g.Zone)
	minutes := zone/100*60 + zone%100
	// Years beyond 9999 and times before 1970 are nothing that git writes
	// everywhere alike.
	const year10000 = 253402300800
	if err == nil && len(g.Zone) == len("+hhmm") && g.Unix >= 0 && g.Unix+int64(minutes)*60 >= 0 && g.Unix < year10000-24*3600 {
		p.zone, p.dated = zone, true
		p.at = time.Unix(g.Unix+int64(minutes)*60, 0).UTC()
	}
	return p
}

// placeholder reads %aX or %cX: git's format_person_part. The mailmap forms
// are taken for the plain ones: a mailmap that says otherwise does not match.
// Relative and human dates depend on the clock and are not modelled.
func (p person) placeholder(format []byte) []reading {
	if len(format) < 2 {
		return unknown()
	}
	switch format[1] {
	case 'n', 'N':
		return plain(2, p.name)
	case 'e', 'E':
		return plain(2, p.email)
	case 'l', 'L':
		return plain(2, p.local)
	case 't', 'd', 'D', 'i', 'I', 's':
		if !p.dated {
			return nil
		}
		return p.date(format[1])
	case 'r', 'h':
		return nil
	}
	return unknown()
}

// date is git's show_date (date.c) in the mode of the placeholder's letter,
// with the default mode for "d": git archive reads no log.date.
func (p person) date(mode byte) []reading {
	t, zone := p.at, fmt.Sprintf("%+05d", p.zone)
	switch mode {
	case 't':
		return plain(2, strconv.FormatInt(p.unix, 10))
	case 'D':
		return plain(2, t.Format("Mon, 2 Jan 2006 15:04:05 ")+zone)
	case 'i':
		return plain(2, t.Format("2006-01-02 15:04:05 ")+zone)
	case 's':
		return plain(2, t.Format("2006-01-02"))
	case 'I':
		local := t.Format("2006-01-02T15:04:05")
		numeric := plain(2, local+zone[:3]+":"+zone[3:])
		if p.zone == 0 { // "Z" since git 2.45
			return append(numeric, plain(2, local+"Z")...)
		}
		return numeric
	}
	normal := t.Format("Mon Jan 2 15:04:05 2006")
	if p.zone == -1 { // git's mark for "no zone to show", which "-0001" happens to be
		return plain(2, normal)
	}
	return plain(2, normal+" "+zone)
}
