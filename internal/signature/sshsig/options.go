package sshsig

import (
	"fmt"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
)

// principalsProblem says why the first word of a line cannot be principals, ""
// if it can. Options of authorized_keys stand in the same place (sshd(8),
// "AUTHORIZED_KEYS FILE FORMAT"), and some would change what the key may do.
func principalsProblem(word string) string {
	if strings.Contains(word, `"`) {
		return "the line begins with a word in quotes: principals without quotes are expected, and options of authorized_keys are not accepted"
	}
	for name := range strings.SplitSeq(word, ",") {
		name, _, _ = strings.Cut(strings.ToLower(name), "=")
		switch name {
		case "agent-forwarding", "cert-authority", "command", "environment", "expiry-time", "from", "namespaces",
			"no-agent-forwarding", "no-port-forwarding", "no-pty", "no-touch-required", "no-user-rc", "no-x11-forwarding",
			"permitlisten", "permitopen", "port-forwarding", "principals", "pty", "restrict", "tunnel", "user-rc",
			"valid-after", "valid-before", "verify-required", "x11-forwarding":
			return fmt.Sprintf("the line begins with the option %s: give the key alone, or principals before it", escape.Quote(name))
		}
	}
	return ""
}

// restrict applies the options of a line of allowed signers, and says what is
// wrong with them, "" if nothing is.
func (h *Holder) restrict(options string) string {
	seen := map[string]bool{}
	for rest := options; ; {
		name, value, after, ok := cutOption(rest)
		if !ok {
			return fmt.Sprintf("expected a type of key, or options, and found %s", escape.Quote(options))
		}
		if seen[name] {
			return fmt.Sprintf("the option %s stands twice", escape.Quote(name))
		}
		seen[name] = true
		if problem := h.apply(name, value); problem != "" {
			return problem
		}
		if after == "" {
			return ""
		}
		rest = after[1:] // the comma, after which another must follow
	}
}

// cutOption takes NAME or NAME="VALUE" off the options; after is empty or
// begins with the comma before the next. A backslash in the value is refused:
// OpenSSH lets it hide a quote, which no value that is accepted needs.
func cutOption(options string) (name, value, after string, ok bool) {
	end := strings.IndexAny(options, ",=")
	if end < 0 {
		end = len(options)
	}
	name, after = strings.ToLower(options[:end]), options[end:]
	if strings.HasPrefix(after, "=") {
		inner, opened := strings.CutPrefix(after, `="`)
		v, rest, closed := strings.Cut(inner, `"`)
		if !opened || !closed || v == "" || strings.Contains(v, `\`) {
			return "", "", "", false
		}
		value, after = v, rest
	}
	return name, value, after, name != "" && (after == "" || len(after) > 1 && after[0] == ',')
}

// apply applies one option of ssh-keygen(1), "ALLOWED SIGNERS".
func (h *Holder) apply(name, value string) string {
	switch {
	case name == "namespaces" && value != "":
		for namespace := range strings.SplitSeq(value, ",") {
			if namespace == "" || strings.ContainsAny(namespace, "*?! \t") {
				return fmt.Sprintf("the namespace %s is no plain name: patterns are not accepted", escape.Quote(namespace))
			}
			h.namespaces = append(h.namespaces, namespace)
		}
		return ""
	case name == "valid-after" || name == "valid-before":
		return h.limit(name, value)
	case name == "cert-authority":
		return "the key is one for certificates, which are not accepted"
	}
	return fmt.Sprintf("the option %s is unknown or its value malformed", escape.Quote(name))
}

// The farthest that clocks on land are ahead of UTC and behind it, in seconds.
const (
	farthestAhead  = 14 * 60 * 60
	farthestBehind = 12 * 60 * 60
)

// limit applies the option valid-after or valid-before: YYYYMMDD, YYYYMMDDHHMM
// or YYYYMMDDHHMMSS, with Z for UTC. Without Z, OpenSSH takes a time for that
// of the machine's zone; here, where the zone is not known, the key is valid
// only when it is so in every zone.
func (h *Holder) limit(name, value string) string {
	digits, isUTC := strings.CutSuffix(value, "Z")
	layout := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}[len(digits)]
	at, err := time.Parse(layout, digits)
	if layout == "" || err != nil || at.Unix() <= 0 { // which OpenSSH refuses
		return fmt.Sprintf("the option %s has no time as YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z for UTC", name)
	}
	after, before := at.Unix(), at.Unix()
	if !isUTC {
		after += farthestBehind
		before -= farthestAhead
	}
	if name == "valid-after" {
		h.after = &after
	} else {
		h.before = &before
	}
	return ""
}
