package envelope_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os/exec"
	"testing"
)

// needProgram skips a test whose program is not installed, or fails it where
// all tests must run.
func needProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, "the program "+name)
	}
	return path
}

// compressed runs a real compressor over content.
func compressed(t testing.TB, content []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(needProgram(t, program), args...)
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
