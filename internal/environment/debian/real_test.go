package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/packagelist"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/testkit"
)

// small is a suite whose essential packages the tests make.
func small() recipe.RootFS {
	return recipe.RootFS{Suite: "bookworm", Packages: []recipe.Package{{Name: "make"}}}
}

// real returns the list of the small filesystem from the mirror that this
// machine reaches: Debian's own, or $COUNTERMARK_TEST_MIRROR.
func real(t *testing.T) (packagelist.List, Options) {
	t.Helper()
	for _, program := range []string{"apt-get", "dpkg", "mmdebstrap"} {
		testkit.Program(t, program)
	}
	if _, err := os.Stat(DefaultKeyring); err != nil {
		testkit.Missing(t, "debian-archive-keyring is not installed")
	}
	o := Options{Mirror: os.Getenv("COUNTERMARK_TEST_MIRROR"), Temp: t.TempDir()}
	if err := os.Chmod(o.Temp, 0o755); err != nil {
		t.Fatal(err)
	}
	list, err := Resolve(t.Context(), small(), o)
	if transport, ok := errors.AsType[*TransportError](err); ok {
		testkit.Missing(t, "no mirror is reachable: %v", transport)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list, o
}

// What is made has the list's packages and no others; where all tests are run, it
// is made twice, and has the same bytes.
func TestMakeIsReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a root filesystem: half a minute")
	}
	list, o := real(t)
	status := map[string]int{}
	sums := make([][32]byte, 1)
	if os.Getenv(testkit.All) != "" {
		sums = make([][32]byte, 2)
	}
	for i := range sums {
		h := sha256.New()
		var b bytes.Buffer
		if err := Make(t.Context(), Order{small(), list}, o, io.MultiWriter(h, &b)); err != nil {
			t.Fatal(err)
		}
		sums[i] = [32]byte(h.Sum(nil))
		for line := range strings.Lines(member(t, b.Bytes(), "./var/lib/dpkg/status")) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Package: "); ok {
				status[name]++
			}
		}
		time.Sleep(time.Second) // another time is another chance to differ
	}
	if last := sums[len(sums)-1]; last != sums[0] {
		t.Errorf("the second time it is %x, was %x", last, sums[0])
	}
	for _, e := range list.Entries() {
		if status[e.Name] != len(sums) {
			t.Errorf("%s is installed in %d of %d", e, status[e.Name], len(sums))
		}
		delete(status, e.Name)
	}
	if len(status) > 0 {
		t.Errorf("installed and not in the list: %v", status)
	}
	if left, err := os.ReadDir(o.Temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Interrupted while mmdebstrap works, nothing is left, nothing is mounted.
func TestMakeInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a part of a root filesystem")
	}
	list, o := real(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o.Progress = func(line string) {
		if strings.Contains(line, "installing essential packages") {
			cancel()
		}
	}
	if err := Make(ctx, Order{small(), list}, o, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(o.Temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil || strings.Contains(string(mounts), o.Temp) {
		t.Errorf("%v, mounted:\n%s", err, mounts)
	}
}
