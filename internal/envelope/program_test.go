package envelope_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os/exec"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// compressed runs a real compressor over content.
func compressed(t testing.TB, content []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, program), args...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Stdin = bytes.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running %s %q: %v", program, args, err)
	}
	return out
}

// sample returns size bytes that are part text, part noise.
func sample(size int) []byte {
	var b bytes.Buffer
	seed := [32]byte{1}
	for b.Len() < size {
		fmt.Fprintf(&b, "line %d of a source file\n", b.Len())
		seed = sha256.Sum256(seed[:])
		b.Write(seed[:8])
	}
	return b.Bytes()[:size]
}
