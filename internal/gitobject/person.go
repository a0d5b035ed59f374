package gitobject

import (
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/refusal"
)

// person reads the value of an author, committer or tagger header:
//
//	NAME SP "<" EMAIL ">" SP SECONDS SP ZONE
//
// as fsck_ident in git's fsck.c accepts it: neither name nor e-mail holds "<",
// ">" or LF, the seconds have no leading zero, the zone is a sign and four
// digits. An empty NAME leaves two spaces after the key.
func (h *headers) person(line header) (Person, error) {
	fail := func(what string) (Person, error) {
		return Person{}, refusal.New(h.rule, "the value of %q has %s", line.key, what).At(line.offset, "")
	}
	name, rest, found := strings.Cut(line.value, "<")
	if !found || !strings.HasSuffix(name, " ") || strings.Contains(name, ">") {
		return fail("no name followed by a space and \"<\"")
	}
	email, rest, found := strings.Cut(rest, ">")
	if !found || strings.Contains(email, "<") {
		return fail("no e-mail between \"<\" and \">\"")
	}
	date, found := strings.CutPrefix(rest, " ")
	seconds, zone, both := strings.Cut(date, " ")
	if !found || !both {
		return fail("no date after the e-mail")
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || unix < 0 || strconv.FormatInt(unix, 10) != seconds {
		return fail("a date that is not a plain number of seconds")
	}
	if len(zone) != len("+0000") || zone[0] != '+' && zone[0] != '-' || strings.Trim(zone[1:], "0123456789") != "" {
		return fail("a time zone that is not a sign and four digits")
	}
	return Person{Name: strings.TrimSuffix(name, " "), Email: email, Unix: unix, Zone: zone}, nil
}
