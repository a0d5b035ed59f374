package sshsig

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
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
	case (name == "valid-after" || name == "valid-before") && isTime(value):
		h.limited = true
		return ""
	case name == "cert-authority":
		return "the key is one for certificates, which are not accepted"
	}
	return fmt.Sprintf("the option %s is unknown or its value malformed", escape.Quote(name))
}

// isTime reports whether s is written as a time: YYYYMMDD, YYYYMMDDHHMM or
// YYYYMMDDHHMMSS, and Z for UTC. Which time is of no matter, as no ssh
// signature says when it was made.
func isTime(s string) bool {
	digits := strings.TrimSuffix(s, "Z")
	return (len(digits) == 8 || len(digits) == 12 || len(digits) == 14) && ascii.IsOnly(digits, "") && strings.Trim(digits, "0123456789") == ""
}
