package cause

import (
	"regexp"
	"strings"
)

// fill is something that a build fills in, and what it looks like elsewhere.
type fill struct {
	kind  Kind
	value string // here
	other *regexp.Regexp
	what  string
}

// minFillBytes is the shortest value that is looked for: shorter ones are found
// everywhere.
const minFillBytes = 3

// fills are the values of a build.
func fills(b *Build) []fill {
	all := []fill{
		{BuildPath, strings.TrimRight(b.Dir, "/"), regexp.MustCompile(`^/[\w.+~@/-]*[\w.+~@-]$`), "the build's folder"},
		{HostName, b.Host, regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`), "the machine's name"},
		{UserName, b.User, regexp.MustCompile(`^[A-Za-z_][\w.-]*$`), "the name of who built"},
	}
	var given []fill
	for _, f := range all {
		if len(f.value) >= minFillBytes {
			given = append(given, f)
		}
	}
	return given
}

// addFilled looks for the values of the build, and returns what takes away those
// that differ.
func (d *Difference) addFilled(t *text, b *Build) []replacement {
	var all []replacement
	for _, f := range fills(b) {
		other, ok := t.counterpart(f)
		if !ok {
			continue
		}
		here, there := wordOf(f.value), wordOf(other)
		quiet := func(side int, l line) string {
			return t.replaceQuiet(side, l, [2]*regexp.Regexp{here, there}[side])
		}
		loud := func(side int, l line) string {
			return replaceLoud(l, [2]*regexp.Regexp{here, there}[side])
		}
		d.addReplaced(t, replaced{f.kind, quiet, loud, f.what, ": " + other + " there, " + f.value + " here"})
		all = append(all, quiet)
	}
	return all
}

// wordOf finds a value where it is no part of a longer word.
func wordOf(value string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(value) + `\b`
	if !strings.HasPrefix(value, "/") {
		quoted = `\b` + quoted
	}
	return regexp.MustCompile(quoted)
}

// counterpart returns what stands there in the place of a value of this build:
// in the first line that differs in nothing else.
func (t *text) counterpart(f fill) (other string, ok bool) {
	here := wordOf(f.value)
	for _, h := range t.hunks {
		if h.A1-h.A0 != h.B1-h.B0 {
			continue
		}
		for i := range h.A1 - h.A0 {
			a, b := t.lines[ours][h.A0+i], t.lines[theirs][h.B0+i]
			at := here.FindAllStringIndex(a, 2)
			if len(at) != 1 {
				continue
			}
			before, after := a[:at[0][0]], a[at[0][1]:]
			if len(b) <= len(before)+len(after) || !strings.HasPrefix(b, before) || !strings.HasSuffix(b, after) {
				continue
			}
			if other = b[len(before) : len(b)-len(after)]; len(other) <= maxTextBytes && f.other.MatchString(other) && other != f.value {
				return other, true
			}
		}
	}
	return "", false
}

// replaced is a cause that takes something away from lines: quietly, and
// wherever it is.
type replaced struct {
	kind        Kind
	quiet, loud replacement
	what        string // "a date"
	more        string // a clause after the sentence
}

// addReplaced adds the cause if it takes away any difference.
func (d *Difference) addReplaced(t *text, r replaced) {
	left, solved := t.without(r.quiet)
	_, loudly := t.without(r.quiet, r.loud)
	code := len(loudly) - len(solved)
	if len(loudly) == 0 {
		return
	}
	c := Cause{Kind: r.kind, Remaining: remaining(left), Evidence: first(solved)}
	if n := len(solved); n > 0 {
		c.Sentence = count(n, "line") + " of comments and such fields " + verb(n, "differs", "differ") + " in " + r.what
	}
	if code > 0 {
		if c.Sentence != "" {
			c.Sentence += "; "
		}
		c.Sentence += count(code, "line") + " of what is not known to be a comment " + verb(code, "differs", "differ") + " in " + r.what + ", which it may act upon"
		c.Evidence = first(append(beyond(loudly, solved), solved...))
	}
	c.Sentence += r.more
	d.add(c)
}

// beyond returns the places that are not among the others.
func beyond(all, others []Evidence) []Evidence {
	known := make(map[Evidence]bool, len(others))
	for _, e := range others {
		known[e] = true
	}
	var more []Evidence
	for _, e := range all {
		if !known[e] {
			more = append(more, e)
		}
	}
	return more
}
