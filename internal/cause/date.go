package cause

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	month = `(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)`
	day   = `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)`
	clock = `[0-2]\d:[0-5]\d(?::[0-6]\d)?(?:\.\d{1,9})?`
	zone  = `(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Z]{3,4}))?`
	years = `(?:19|20)\d\d`
)

var (
	// dates are the forms that tools write.
	dates = regexp.MustCompile(`\b(?:` + strings.Join([]string{
		years + `-[01]\d-[0-3]\d(?:[T ]` + clock + zone + `)?`,                       // ISO 8601, RFC 3339
		day + `, +\d{1,2} ` + month + ` ` + years + `(?: ` + clock + zone + `)?`,     // RFC 5322
		day + ` ` + month + ` +\d{1,2} ` + clock + `(?: [A-Z]{3,4})? ` + years,       // asctime, date(1)
		`(?:\d{1,2}(?:st|nd|rd|th)? )?` + month + `,? ` + years,                      // manual pages
		month + ` \d{1,2}(?:st|nd|rd|th)?, ` + years,                                 // mdoc(7)
		years + `/[01]\d/[0-3]\d(?: ` + clock + zone + `)?|[0-3]\d/[0-3]\d/` + years, // others
		`1\d{9}`, // seconds since the epoch, 2001 to 2033
	}, "|") + `)\b`)
	// copyrightYears are the years of a notice.
	copyrightYears = regexp.MustCompile(`\b` + years + `(?:-(?:` + years + `|\d\d))?(?:, *` + years + `(?:-(?:` + years + `|\d\d))?)*\b`)
)

// withoutDates takes dates away where they are quiet.
func (t *text) withoutDates(side int, l line) string {
	l.text = t.replaceQuiet(side, l, dates)
	if strings.Contains(l.text, "Copyright") {
		l.text = t.replaceQuiet(side, l, copyrightYears)
	}
	return l.text
}

// addDates looks for dates that differ, and returns what takes them away.
func (d *Difference) addDates(t *text, b *Build) replacement {
	more := ""
	if b.Epoch > 0 && t.holdsEpoch(b.Epoch) {
		more = "; here it is that of SOURCE_DATE_EPOCH"
	}
	loud := func(_ int, l line) string { return replaceLoud(l, dates) }
	d.addReplaced(t, replaced{Date, t.withoutDates, loud, "a date", more})
	return t.withoutDates
}

// holdsEpoch reports whether a line that differs has the given time here, in UTC.
func (t *text) holdsEpoch(epoch int64) bool {
	at := time.Unix(epoch, 0).UTC()
	forms := []string{strconv.FormatInt(epoch, 10)}
	for _, layout := range []string{time.DateOnly, "Jan _2 15:04:05", "02 Jan 2006", "2 January 2006", "January 2, 2006", "January 2006"} {
		forms = append(forms, at.Format(layout))
	}
	for _, h := range t.hunks {
		for _, l := range t.side(h, ours) {
			if slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(l.text, form) }) {
				return true
			}
		}
	}
	return false
}
