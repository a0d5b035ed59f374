package sandbox

import (
	"reflect"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/sandbox/namespace"
	"github.com/countermark/countermark/internal/sandbox/seccomp"
	"github.com/countermark/countermark/internal/testkit"
)

// connecting is a program that does one thing with sockets, and does not mind
// if that fails.
const connecting = `import socket
def attempt(family, kind, address, verb="connect"):
    s = socket.socket(family, kind)
    s.settimeout(2)
    try:
        s.sendto(b"x", address) if verb == "sendto" else s.connect(address)
    except OSError as e:
        print(e.errno)
INET, INET6, TCP, UDP = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
`

func TestNetworkAttemptsAreSeen(t *testing.T) {
	s := bubblewrapHere(t)
	for code, want := range map[string]string{
		`attempt(INET, TCP, ("198.51.100.1", 80))`:                                  namespace.IPv4NoRoute,
		`attempt(INET, UDP, ("198.51.100.1", 53), "sendto")`:                        namespace.IPv4NoRoute,
		`attempt(INET, UDP, ("198.51.100.1", 53))`:                                  namespace.IPv4NoRoute,
		`attempt(INET, UDP, ("224.0.0.251", 5353), "sendto")`:                       namespace.IPv4NoRoute,
		`attempt(INET6, TCP, ("2001:db8::1", 80))`:                                  namespace.IPv6NoRoute,
		`attempt(INET6, UDP, ("2001:db8::1", 53), "sendto")`:                        namespace.IPv6NoRoute,
		`attempt(INET6, UDP, ("ff02::fb", 5353), "sendto")`:                         namespace.IPv6NoRoute,
		`attempt(INET6, TCP, ("::ffff:198.51.100.1", 80))`:                          namespace.IPv4NoRoute,
		"try: socket.getaddrinfo('example.org', 80)\nexcept OSError as e: print(e)": namespace.IPv4NoRoute,
	} {
		o, out, _ := shell{script: python(t, connecting+code)}.run(t, s)
		if o.Exit != 0 || len(o.Network.Attempts) != 1 || o.Network.Attempts[0].Kind != want || o.Network.Attempts[0].Count == 0 || o.Succeeded() {
			t.Errorf("%s: %+v, printed %q, expected %s", code, o, out, want)
		}
	}
	o, _, _ := shell{script: python(t, connecting+"for i in range(3):\n attempt(INET, UDP, ('198.51.100.1', 1))\nattempt(INET6, TCP, ('2001:db8::1', 1))")}.run(t, s)
	if want := (namespace.Network{Watched: true, Attempts: []namespace.Attempt{{Kind: namespace.IPv4NoRoute, Count: 3}, {Kind: namespace.IPv6NoRoute, Count: 1}}}); !reflect.DeepEqual(o.Network, want) {
		t.Errorf("got %+v, expected %+v", o.Network, want)
	}
	// Also what a process does that the program left behind, and what is done
	// by a program that is ended.
	o, _, _ = shell{script: "(setsid sh -c 'echo > started; " + strings.ReplaceAll("python3 -c \"import socket; socket.socket(2, 2).connect((\\\"198.51.100.1\\\", 1))\"", "'", "") + "; echo > done; sleep 600' &) ; while ! test -e done; do sleep 0.05; done; exec cat /dev/zero",
		change: func(p *Program) { p.Limits.PrintedBytes = 10 }}.run(t, s)
	if len(o.Network.Attempts) != 1 || o.Limit != PrintedLimit {
		t.Errorf("a process left behind: %+v", o)
	}
}

func TestQuietProgramsAreQuiet(t *testing.T) {
	s := bubblewrapHere(t)
	for _, code := range []string{
		`pass`,
		`s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); socket.create_connection(s.getsockname()).send(b"x")`,
		`s = socket.socket(INET6); s.bind(("::1", 0)); s.listen(); socket.create_connection(s.getsockname()[:2]).send(b"x")`,
		`s = socket.socket(INET, UDP); s.bind(("127.0.0.1", 0)); s.sendto(b"x", s.getsockname())`,
		`attempt(INET, TCP, ("127.0.0.1", 9)); attempt(INET6, TCP, ("::1", 9)); attempt(INET, UDP, ("127.0.0.1", 9), "sendto")`,
		`a, b = socket.socketpair(); s = socket.socket(socket.AF_UNIX); s.bind("/tmp/s"); s.listen(); socket.socket(socket.AF_UNIX).connect("/tmp/s")`,
		`print(socket.getaddrinfo("localhost", 80)); print(socket.getaddrinfo("127.0.0.1", 80))`,
		`print(socket.getaddrinfo("localhost", 80, flags=socket.AI_ADDRCONFIG)); print(socket.getfqdn()); print(socket.gethostbyname(socket.gethostname()))`,
		`import time; time.sleep(3)`,
	} {
		o, out, _ := shell{script: python(t, connecting+code)}.run(t, s)
		if !o.Succeeded() || !o.Network.Watched {
			t.Errorf("%s: %+v, printed %q", code, o, out)
		}
	}
	// Tools of builds.
	for _, tool := range []string{"autoconf", "automake", "bison", "perl", "m4", "git", "re2c", "xgettext", "make", "gcc", "python3", "file", "xz", "awk"} {
		testkit.Program(t, tool)
		script := tool + " --version"
		if tool == "awk" { // mawk has no such option
			script = "awk 'BEGIN { print 1 }'"
		}
		o, out, _ := shell{script: script}.run(t, s)
		if !o.Succeeded() {
			t.Errorf("%s: %+v, printed %q", tool, o, out)
		}
	}
}

// Sockets of kinds that no network namespace keeps apart cannot be made.
func TestOtherSocketsCannotBeMade(t *testing.T) {
	s := bubblewrapHere(t)
	if _, known := seccomp.Filter(); !known {
		t.Skip("no filter of system calls is written for this architecture")
	}
	_, out, _ := shell{script: python(t, "import socket\nfor family in (1, 2, 10, 16, 17, 31, 38, 40):\n    try: socket.socket(family, 2 if family != 38 else 5); print('ok')\n    except OSError as e: print(e.errno)")}.run(t, s)
	if want := "ok\nok\nok\nok\n" + strings.Repeat("97\n", 4); out != want { // EAFNOSUPPORT
		t.Errorf("printed %q, expected %q", out, want)
	}
}
