package provenance

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/countermark/countermark/internal/catalogue"
	"github.com/countermark/countermark/internal/tree"
)

// change says what was done to a file.
func (j *judgement) change(c *changed) Finding {
	if same := j.looked[c.ids]; same != nil && c.kind == tree.File && c.print.SHA256.IsZero() {
		c.print = same.print // a hard link to an added file
		c.print.Serial = serialAs(c.path, same.serial)
	}
	f := Finding{Path: c.path, Kind: c.kind, Serial: c.print.Serial}
	if known := j.Index.Find(c.print.SHA256); len(known) > 0 && c.size > 0 && c.kind == tree.File {
		f.Change, f.Known = KnownToolFile, known
		f.describeKnown(path.Base(string(c.path)))
		return f
	}
	f.Change = c.change
	base := j.commit.Lookup(c.path)
	switch {
	case base == nil || base.Kind != c.kind:
		f.Change, f.Evidence = OtherChange, "it is another kind of file"
	case c.kind != tree.File:
		f.Change, f.Evidence = OtherChange, fmt.Sprintf("another %v", c.kind)
	case c.change != ChangeUnknown:
		f.Evidence = c.said
	case c.blob.IsZero():
		f.Evidence = "its committed content is not at hand"
	case c.content != nil:
		f.Evidence = fmt.Sprintf("its committed content is not at hand (blob %v)", c.blob)
	default:
		f.Evidence = "it is too large, a hard link, or there are too many that differ"
	}
	j.setNamesake(&f)
	j.serialAhead(&f)
	return f
}

// compareContents says what was done to the committed content.
func compareContents(ext string, before, after []byte) (Change, string) {
	if sameButSpace(before, after) {
		return WhiteSpace, "only white space differs"
	}
	if ext == ".po" || ext == ".pot" {
		if said, ok := compareCatalogues(before, after); ok {
			return CatalogueUpdate, said
		} else if said != "" {
			return OtherChange, said
		}
	}
	if lines, ok := stamped(before, after); ok {
		return VersionStamp, "only numbers, dates and versions differ, on " + count(lines, "line")
	}
	added, removed := lineCounts(before, after)
	return OtherChange, fmt.Sprintf("%s added, %d removed", count(added, "line"), removed)
}

// compareCatalogues compares what two catalogues say; "" if one cannot be read.
// It is an update if no translation is new or another one: msgmerge takes
// translations away whose original was changed, and adds none.
func compareCatalogues(before, after []byte) (said string, update bool) {
	old, err := catalogue.ParsePO(before)
	if err != nil {
		return "", false
	}
	now, err := catalogue.ParsePO(after)
	if err != nil {
		return "", false
	}
	d := catalogue.Compare(old, now)
	switch {
	case d.TranslationsSame():
		return "the translations are the same" + describeDifference(d), true
	case d.Translated.Added == 0 && d.Translated.Changed == 0 && !d.Decoding:
		return "no translation is new or another one" + describeDifference(d), true
	}
	return "translations are new, or others" + describeDifference(d), false
}

// describeDifference says in words what differs between two catalogues.
func describeDifference(d catalogue.Difference) string {
	var parts []string
	for _, kind := range []struct {
		name string
		catalogue.Count
	}{{"translated", d.Translated}, {"fuzzy", d.Fuzzy}, {"untranslated", d.Untranslated}, {"obsolete", d.Obsolete}} {
		if kind.Count != (catalogue.Count{}) {
			parts = append(parts, fmt.Sprintf("%s: %d added, %d removed, %d changed", kind.name, kind.Added, kind.Removed, kind.Changed))
		}
	}
	if len(d.HeaderFields) > 0 {
		parts = append(parts, "header: "+clip(strings.Join(d.HeaderFields, ", ")))
	}
	if len(parts) == 0 {
		parts = append(parts, "comments, references, order or wrapping differ")
	}
	return ": " + strings.Join(parts, "; ")
}

// sameButSpace reports whether two texts are the same but for white space.
func sameButSpace(a, b []byte) bool {
	for {
		a, b = skipSpace(a), skipSpace(b)
		if len(a) == 0 || len(b) == 0 || a[0] != b[0] {
			return len(a) == 0 && len(b) == 0
		}
		a, b = a[1:], b[1:]
	}
}

func skipSpace(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r') {
		s = s[1:]
	}
	return s
}

// maxLineBytes bounds the lines that expressions are tried on.
const maxLineBytes = 2 << 10

// stampWords is what a release writes anew: numbers, versions, days, names of
// months and days. What is joined to a number by "-" is part of a version only
// if it is a usual one: "1-rm" is not.
var stampWords = regexp.MustCompile(`\b(?:[Vv]?\d+[A-Za-z]?(?:[.:~+_-]?(?:\d+[A-Za-z]?|` + stampTail + `|` + stampMonth + `))*|` + stampMonth +
	`|Mon|Tue|Wed|Thu|Fri|Sat|Sun|unreleased|UNRELEASED)\b`)

const (
	stampTail  = `alpha|beta|rc|RC|pre|post|dev|DEV|git|svn|snapshot|dirty|ubuntu|deb|bpo|st|nd|rd|th|g?[0-9a-f]{7,40}`
	stampMonth = `Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?`
)

// stamped reports whether two texts have the same lines but for stampWords, and
// on how many lines those differ.
func stamped(before, after []byte) (lines int, ok bool) {
	old, now := bytes.Split(before, []byte("\n")), bytes.Split(after, []byte("\n"))
	if len(old) != len(now) || bytes.IndexByte(before, 0) >= 0 || bytes.IndexByte(after, 0) >= 0 {
		return 0, false
	}
	for i := range old {
		if bytes.Equal(old[i], now[i]) {
			continue
		}
		lines++
		if len(old[i]) > maxLineBytes || len(now[i]) > maxLineBytes || !bytes.Equal(unstamped(old[i]), unstamped(now[i])) {
			return 0, false
		}
	}
	return lines, true
}

// unstamped returns a line with each run of stampWords, and what divides them,
// as one.
func unstamped(line []byte) []byte {
	line = stampWords.ReplaceAll(line, []byte("\x00"))
	return stampRun.ReplaceAll(line, []byte("\x00"))
}

var stampRun = regexp.MustCompile("\x00(?:[ ,/.:-]*\x00)*")

// lineCounts returns how many lines one text has that the other has not, and
// the reverse, each line as often as it occurs.
func lineCounts(before, after []byte) (added, removed int) {
	counts := make(map[string]int)
	for line := range bytes.SplitSeq(before, []byte("\n")) {
		counts[string(line)]++
	}
	for line := range bytes.SplitSeq(after, []byte("\n")) {
		counts[string(line)]--
	}
	for _, n := range counts {
		added, removed = added+max(-n, 0), removed+max(n, 0)
	}
	return added, removed
}

// count says how many there are of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
