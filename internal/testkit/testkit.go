// Package testkit is what the tests of several packages share: the programs and
// data that they need, files, archives. Nothing but tests imports it.
package testkit

import (
	"archive/tar"
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// All is the environment variable that turns skips into failures: where it is
// set, as in CI, everything that tests need must be there.
const All = "COUNTERMARK_TEST_ALL"

// Missing ends a test that lacks something: it is skipped, or fails if All is
// set. The format says what is needed.
func Missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv(All) != "" {
		tb.Fatalf(format+", and "+All+" is set", args...)
	}
	tb.Skipf(format, args...)
}

// Releases returns the folder of the published archives of ../shared/cases, which
// the script "get" there downloads: $COUNTERMARK_CASES, or "cases" in the user's
// cache. It need not exist.
func Releases(tb testing.TB) string {
	tb.Helper()
	if dir := os.Getenv("COUNTERMARK_CASES"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		Missing(tb, "there is no cache folder: %v", err)
	}
	return filepath.Join(cache, "cases")
}

// HasProgram reports whether a program is installed.
func HasProgram(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

// Program returns the path of a program that the test cannot do without.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(tb, "%s is not installed", name)
	}
	return path
}

// Write writes a file, and the folders that it lies in, and returns its path.
func Write(tb testing.TB, path, content string) string {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

// Tar returns a tar of regular files of mode 0644, in the order of their names.
func Tar(tb testing.TB, files map[string]string) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(files[name]))})
		if _, writeErr := w.Write([]byte(files[name])); err != nil || writeErr != nil {
			tb.Fatal(err, writeErr)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
