package oci

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// The layout that podman writes of an image.
func TestPodmanLayout(t *testing.T) {
	podman := testkit.Program(t, "podman")
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(podman, append([]string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("podman %q: %v: %s", args, err, out)
		}
	}
	archive := testkit.Write(t, filepath.Join(dir, "root.tar"), string(testkit.Tar(t, map[string]string{"file": "x"})))
	run("import", "--quiet", archive, "test:1")
	run("save", "--quiet", "--format", "oci-dir", "--output", filepath.Join(dir, "layout"), "test:1")
	var index struct {
		Manifests []descriptor `json:"manifests"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "layout", "index.json"))
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil || len(index.Manifests) != 1 {
		t.Fatalf("%v: %s", err, data)
	}
	want, err := index.Manifests[0].sum()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unpacked(t.Context(), t, filepath.Join(dir, "layout"), want); err != nil || !slices.Equal(got, []string{"file"}) {
		t.Errorf("%q, %v", got, err)
	}
}
