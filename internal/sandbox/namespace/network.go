// Package namespace watches the namespaces of a sandboxed program: its use of
// the network, and its processes.
package namespace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Network is what was seen of a program's use of the network.
type Network struct {
	// Watched is false if nobody looked: then Attempts says nothing.
	Watched bool
	// Attempts are the counters that rose, in a fixed order.
	Attempts []Attempt
}

// Attempt is one kind of use of the network, and how often the kernel counted
// it: once or more for every time that a program sends, connects or looks up a
// name.
type Attempt struct {
	Kind  string
	Count uint64
}

// The kinds of attempts: a packet or a connection for which the kernel had no
// route, in a network namespace that has no interface but its own loopback.
const (
	IPv4NoRoute = "IPv4, no route"
	IPv6NoRoute = "IPv6, no route"
)

// Counters are the no-route counters of a network namespace.
type Counters struct{ ipv4, ipv6 uint64 }

// Since returns what was counted after an earlier reading.
func (c Counters) Since(earlier Counters) Network {
	n := Network{Watched: true}
	for _, a := range []Attempt{{IPv4NoRoute, c.ipv4 - earlier.ipv4}, {IPv6NoRoute, c.ipv6 - earlier.ipv6}} {
		if a.Count > 0 {
			n.Attempts = append(n.Attempts, a)
		}
	}
	return n
}

// parseSNMP reads Ip OutNoRoutes (RFC 4293, ipSystemStatsOutNoRoutes) from the
// text of /proc/net/snmp: pairs of lines, of names and of values, each headed
// by the protocol (net/ipv4/proc.c in Linux).
func parseSNMP(text []byte) (uint64, error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		names := strings.Fields(lines.Text())
		if len(names) == 0 || names[0] != "Ip:" {
			continue
		}
		if !lines.Scan() {
			break
		}
		values := strings.Fields(lines.Text())
		if len(values) != len(names) || values[0] != "Ip:" {
			return 0, errors.New("the values of Ip do not go with their names")
		}
		for i, name := range names {
			if name == "OutNoRoutes" {
				return parseCounter(values[i])
			}
		}
	}
	return 0, errors.New("there is no Ip OutNoRoutes")
}

// parseSNMP6 reads Ip6OutNoRoutes from the text of /proc/net/snmp6: lines of a
// name and a value (net/ipv6/proc.c in Linux).
func parseSNMP6(text []byte) (uint64, error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "Ip6OutNoRoutes" {
			return parseCounter(f[1])
		}
	}
	return 0, errors.New("there is no Ip6OutNoRoutes")
}

func parseCounter(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the counter %q is no number", text)
	}
	return n, nil
}
