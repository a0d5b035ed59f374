package finding

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// logsOf makes a folder of logs.
func logsOf(t *testing.T, said string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "logs")
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "steps"), 0o755), os.WriteFile(filepath.Join(dir, "steps", "01-s.log"), []byte(said), 0o644)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestKeepLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "logs")
	l := &List{}
	if err := l.KeepLogs(dir, "toy-1.0", filepath.Join(dir, "absent")); err != nil || l.Logs != "" {
		t.Fatalf("no logs: %v, %q", err, l.Logs)
	}
	var kept []string
	for i := range maxKeptBuilds + 5 {
		if err := l.KeepLogs(dir, "toy-1.0", logsOf(t, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		said, err := os.ReadFile(filepath.Join(l.Logs, "steps", "01-s.log"))
		if err != nil || string(said) != fmt.Sprint(i) || !strings.HasPrefix(filepath.Base(l.Logs), "toy-1.0-") {
			t.Fatalf("%q in %s, %v", said, l.Logs, err)
		}
		kept = append(kept, l.Logs)
		// The clock of file systems may stand still for a while.
		then := time.Now().Add(time.Duration(i-1000) * time.Second)
		if err := os.Chtimes(l.Logs, then, then); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != maxKeptBuilds {
		t.Errorf("%d folders are kept, %v", len(entries), err)
	}
	for i, folder := range kept {
		if _, err := os.Stat(folder); (err == nil) != (i >= len(kept)-maxKeptBuilds) {
			t.Errorf("the logs of build %d: %v", i, err)
		}
	}
}

// What a killed build left is removed when it is old; another build may be at work.
func TestKeepLogsSweeps(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{"old": 2 * keepAge, "new": 0} {
		left := filepath.Join(dir, keepPrefix+name)
		then := time.Now().Add(-age)
		if err := errors.Join(os.Mkdir(left, 0o700), os.Chtimes(left, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	l := &List{}
	if err := l.KeepLogs(dir, "toy-1.0", logsOf(t, "x")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != keepPrefix+"new" || filepath.Join(dir, entries[1].Name()) != l.Logs {
		t.Errorf("there is %v, %v", entries, err)
	}
}
