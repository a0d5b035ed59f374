package namespace

import "testing"

func TestParseSNMP(t *testing.T) {
	for text, want := range map[string]uint64{
		"Ip: Forwarding OutNoRoutes X\nIp: 1 7 9\nTcp: A\nTcp: 1\n": 7,
		"Tcp: OutNoRoutes\nTcp: 3\nIp: OutNoRoutes\nIp: 4\n":        4,
	} {
		if n, err := parseSNMP([]byte(text)); n != want || err != nil {
			t.Errorf("%q gives %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "Ip: OutNoRoutes\n", "Ip: OutNoRoutes\nTcp: 1\n", "Ip: OutNoRoutes\nIp: 1 2\n", "Ip: A\nIp: 1\n", "Ip: OutNoRoutes\nIp: -1\n"} {
		if n, err := parseSNMP([]byte(text)); err == nil {
			t.Errorf("%q gives %d", text, n)
		}
	}
	if n, err := parseSNMP6([]byte("Ip6InReceives 5\nIp6OutNoRoutes   \t6\n")); n != 6 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	for _, text := range []string{"", "Ip6OutNoRoutes\n", "Ip6OutNoRoutes x\n", "XIp6OutNoRoutes 1\n"} {
		if n, err := parseSNMP6([]byte(text)); err == nil {
			t.Errorf("%q gives %d", text, n)
		}
	}
}

func FuzzParseSNMP(f *testing.F) {
	f.Add([]byte("Ip: Forwarding OutNoRoutes\nIp: 1 7\n"))
	f.Add([]byte("Ip6OutNoRoutes 6\n"))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = parseSNMP(text); _, _ = parseSNMP6(text) })
}
