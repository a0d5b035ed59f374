package filter

import "bytes"

// Limits of the match of an export-subst file. A file beyond them does not
// match: there is no partial answer.
const (
	// matchWorkPerByte bounds the work of one match to so many steps (a byte
	// compared, an offset kept) for each byte of image and committed content.
	// A file with a few keywords needs about two.
	matchWorkPerByte = 16
	// matchWorkBase is what small files may use on top.
	matchWorkBase = 1 << 20
	// placeholderWork is what reading one placeholder counts for.
	placeholderWork = 64
	// MaxRefTextBytes is the longest text in one $Format:…$ that may depend on
	// refs: names of a few tags and branches.
	MaxRefTextBytes = 200
)

const formatOpening = "$Format:"

// offsets is the set of places in the image that the content read so far may
// end at. The value is 0 if no text that depends on refs led there, else one
// more than the fewest bytes of it in the current keyword: whatever follows is
// possible with fewer if it is possible with more.
type offsets map[int]int

func (o offsets) add(at, refBytes int) {
	if old, found := o[at]; !found || refBytes < old {
		o[at] = refBytes
	}
}

// matcher walks the committed content once, keeping every offset of the image
// that it can have reached: no backtracking, and a bound on the work.
type matcher struct {
	image []byte
	facts *facts
	work  int // steps left
}

// matchSubstituted reports whether image is content with every $Format:…$
// replaced by what git's format_subst (archive.c) makes of it.
func matchSubstituted(image, content []byte, f *facts) Match {
	m := matcher{image: image, facts: f, work: matchWorkBase + matchWorkPerByte*(len(image)+len(content))}
	at := offsets{0: 0}
	for len(at) > 0 {
		before, format, after, found := cutFormat(content)
		at = m.literal(at, before)
		if !found {
			break
		}
		at = m.format(at, format)
		content = after
	}
	cost, reached := at[len(image)]
	switch {
	case !reached:
		return None
	case cost == 0:
		return Exact
	}
	return RefsOnly
}

// cutFormat splits content around its first keyword: from "$Format:" to the
// next dollar sign, on whatever line that is. Without one, before is content.
func cutFormat(content []byte) (before, format, after []byte, found bool) {
	start := bytes.Index(content, []byte(formatOpening))
	if start < 0 {
		return content, nil, nil, false
	}
	text := content[start+len(formatOpening):]
	end := bytes.IndexByte(text, '$')
	if end < 0 {
		return content, nil, nil, false
	}
	return content[:start], text[:end], text[end+1:], true
}

// spend takes n steps and reports whether they were left.
func (m *matcher) spend(n int) bool {
	m.work -= n + 1
	return m.work >= 0
}

// literal moves every offset over text, dropping those where the image differs.
func (m *matcher) literal(at offsets, text []byte) offsets {
	if len(text) == 0 {
		return at
	}
	next := make(offsets, len(at))
	for from, cost := range at {
		same := commonPrefix(m.image[from:], text)
		if !m.spend(same) {
			return nil
		}
		if same == len(text) {
			next.add(from+same, cost)
		}
	}
	return next
}

// commonPrefix returns the number of bytes in which a and b begin alike.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	if bytes.Equal(a[:n], b[:n]) {
		return n
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// format moves every offset over the expansion of one keyword. Formats are C
// strings to git: a NUL ends one. Since some placeholders have more than one
// reading of different lengths, offsets are kept for each place in the format.
func (m *matcher) format(at offsets, format []byte) offsets {
	if nul := bytes.IndexByte(format, 0); nul >= 0 {
		format = format[:nul]
	}
	pending := map[int]offsets{0: at}
	ends := make(map[int]offsets) // of the readings that took the whole format
	for len(pending) > 0 {
		pos := earliest(pending)
		at = pending[pos]
		delete(pending, pos)
		rest := format[pos:]
		text, placeholder, found := bytes.Cut(rest, []byte("%"))
		at = m.literal(at, text)
		if !m.spend(placeholderWork + len(at)) {
			return nil
		}
		if !found {
			merge(ends, len(format), at)
			continue
		}
		pos += len(text) + 1
		for _, r := range m.facts.item(placeholder) {
			next := m.sequence(at, r.parts)
			if m.work < 0 {
				return nil
			}
			if len(next) > 0 {
				merge(pending, pos+r.consumed, next)
			}
		}
	}
	return settle(ends[len(format)])
}

// earliest returns the smallest key.
func earliest(pending map[int]offsets) int {
	first := -1
	for pos := range pending {
		if first < 0 || pos < first {
			first = pos
		}
	}
	return first
}

// merge adds the offsets to those already pending at a place in the format.
func merge(pending map[int]offsets, pos int, next offsets) {
	if pending[pos] == nil {
		pending[pos] = make(offsets, len(next))
	}
	for to, cost := range next {
		pending[pos].add(to, cost)
	}
}

// settle forgets how much text depended on refs in the keyword that ends here.
func settle(at offsets) offsets {
	for to, cost := range at {
		at[to] = min(cost, 1)
	}
	return at
}

// sequence moves every offset over the parts of one expansion.
func (m *matcher) sequence(at offsets, parts []part) offsets {
	for _, p := range parts {
		if len(at) == 0 {
			break
		}
		switch p.kind {
		case abbreviation:
			at = m.abbreviation(at, p.text)
		case refText:
			at = m.refText(at)
		case noRefText:
			at = m.noRefText(at)
		case plainText:
			at = m.literal(at, []byte(p.text))
		}
	}
	return at
}

// minAbbrev is the shortest abbreviation of an id that git makes
// (MINIMUM_ABBREV; core.abbrev in git-config(1)).
const minAbbrev = 4

// abbreviation moves every offset over any abbreviation of a full id: its
// length depends on the other objects of the repository that was archived.
func (m *matcher) abbreviation(at offsets, full string) offsets {
	next := make(offsets, len(at))
	for from, cost := range at {
		same := commonPrefix(m.image[from:], []byte(full))
		if !m.spend(2 * same) {
			return nil
		}
		for n := minAbbrev; n <= same; n++ {
			next.add(from+n, cost)
		}
	}
	return next
}

// noRefText keeps every offset, noting that refs led there.
func (m *matcher) noRefText(at offsets) offsets {
	next := make(offsets, len(at))
	for from, cost := range at {
		next.add(from, max(cost, 1))
	}
	return next
}

// refText moves every offset over any text of at least one byte that may name
// refs.
func (m *matcher) refText(at offsets) offsets {
	next := make(offsets, len(at))
	for from, cost := range at {
		used := max(cost-1, 0)
		for i := from; i < len(m.image) && used < MaxRefTextBytes && isRefTextByte(m.image[i]); i++ {
			used++
			if !m.spend(1) {
				return nil
			}
			next.add(i+1, used+1)
		}
	}
	return next
}

// isRefTextByte reports whether c may stand in text that depends on refs: what
// names of releases are made of, and git's own words around them
// ("HEAD -> main, tag: v1.0"). No quote, no bracket that a language gives a
// meaning in a string, no line end.
func isRefTextByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return bytes.IndexByte([]byte(" ._/+:,()@>-"), c) >= 0
}
