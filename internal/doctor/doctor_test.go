package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// only makes a PATH that holds the named programs of this machine, and scripts.
func only(t *testing.T, programs []string, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range programs {
		if err := os.Symlink(testkit.Program(t, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func examine(t *testing.T) (Report, map[string]Item) {
	t.Helper()
	r, err := Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	items := map[string]Item{}
	for _, item := range r.Items {
		items[item.Name] = item
		if (item.State == Works) != (item.Advice == "") || item.Detail == "" || item.For == "" || strings.ContainsAny(item.Detail+item.Advice, "\n\x1b") {
			t.Errorf("the item is %+v", item)
		}
	}
	return r, items
}

func TestExamine(t *testing.T) {
	for _, name := range []string{"git", "bwrap", "xz", "gzip", "bzip2", "zstd", "zip"} {
		testkit.Program(t, name)
	}
	r, items := examine(t)
	if items["bubblewrap"].State != Works {
		testkit.Missing(t, "bubblewrap does not work here: %+v", items["bubblewrap"])
	}
	if !r.Ready || r.Format != FormatVersion || items["network watch"].State != Works || (len(r.Notes) > 0) != (os.Geteuid() == 0) {
		t.Errorf("got %+v", r)
	}
	for _, name := range []string{"xz", "gzip", "bzip2", "zstd", "zip"} {
		if item := items[name]; item.State != Works || !versionNumber.MatchString(item.Detail) {
			t.Errorf("%s is %+v", name, item)
		}
	}
}

func TestNothingIsInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r, items := examine(t)
	if r.Ready || len(items) != 11 {
		t.Errorf("got %+v", r)
	}
	for name, item := range items {
		if item.State != Missing {
			t.Errorf("%s is %+v", name, item)
		}
	}
}

// What is there and does not work is told apart from what is missing.
func TestWhatDoesNotWork(t *testing.T) {
	only(t, []string{"git"}, map[string]string{
		"bwrap": `test "$1" = --version && echo bubblewrap 0.8.0 && exit; echo 'bwrap: No permissions to create new namespace' >&2; exit 1`,
		"xz":    `printf 'broken \033[2J'; exit 1`, "zip": `echo Zip 3.0`, "podman": "echo podman version 3.0.1",
	})
	r, items := examine(t)
	if b := items["bubblewrap"]; r.Ready || b.State != Blocked || !strings.Contains(b.Detail, "No permissions") || !strings.Contains(b.Advice+b.Detail, "user namespaces") {
		t.Errorf("got %+v", b)
	}
	if items["git"].State != Works || items["network watch"].State != Missing || items["xz"].State != Blocked || items["zip"].Detail != "3.0" ||
		!strings.Contains(items["podman"].Detail, "at least 4.3.0") {
		t.Errorf("got %+v", items)
	}
}

// A bubblewrap that runs programs but watches nothing is not enough.
func TestNetworkMustBeSeen(t *testing.T) {
	testkit.Program(t, "bwrap")
	real := testkit.Program(t, "bwrap")
	only(t, []string{"git"}, map[string]string{"bwrap": `for a; do test "$a" = --unshare-net || set -- "$@" "$a"; shift; done; exec ` + real + ` "$@"`})
	r, items := examine(t)
	if r.Ready || items["bubblewrap"].State == Works && items["network watch"].State == Works {
		t.Errorf("got %+v", r)
	}
	if detail := items["bubblewrap"].Detail; !strings.Contains(detail, "not the sandbox's own") {
		t.Errorf("bubblewrap is said to be %q", detail)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Examine(ctx); err == nil {
		t.Error("an examination that was cancelled has a result")
	}
}
