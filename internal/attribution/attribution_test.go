//go:build unix

package attribution_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/attribution"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
)

// tar is a tar of the given size of a file that compresses.
func tar(t *testing.T, bytesOfFile int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	var b strings.Builder
	for b.Len() < bytesOfFile {
		fmt.Fprintf(&b, "%d words and %x\n", r.IntN(100), r.IntN(1<<16))
	}
	return testkit.Tar(t, map[string]string{"p/file": b.String()})
}

// shell runs a script in dir, with the tar as its input.
func shell(t *testing.T, dir, script string, stdin []byte) {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, "sh"), "-ec", script)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func look(t *testing.T, path string) *attribution.Result {
	t.Helper()
	r, err := attribution.Run(t.Context(), attribution.Options{Archive: path})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return r
}

// What real programs make is remade, and by the line that says how.
func TestRemade(t *testing.T) {
	for _, name := range []string{"gzip", "pigz", "bzip2", "lbzip2", "xz", "zstd", "python3", "bsdtar", "git"} {
		testkit.Program(t, name)
	}
	small, large := tar(t, 200_000), tar(t, 1_400_000) // large: more than one block of xz -0 and of bzip2
	for _, c := range []struct{ file, script, want string }{
		{"f.tar.gz", "gzip -9 >f.tar.gz", "gzip -9 -n -c"},
		{"f.tar.gz", "gzip >f.tar.gz", "gzip -6 -n -c"},
		{"f.tar.gz", "gzip -2 >f.tar.gz", "gzip -2 -n -c"},
		{"f.tar.gz", "gzip -9 --rsyncable >f.tar.gz", "gzip -9 --rsyncable -n -c"},
		{"f.tar.gz", "cat >f.tar; touch -d @1700000000 f.tar; gzip -9 f.tar", "gzip -9 -n -c"},
		{"f.tar.gz", "pigz -9 -p2 >f.tar.gz", "pigz -9 -n -c"},
		{"f.tar.gz", "cat >f.tar; pigz -1 f.tar", "pigz -1 -n -c"},
		{"f.tar.gz", "cat >f; bsdtar -czf f.tar.gz f", "zlib at level 6"},
		{"f.tar.gz", "git init -q --bare g; cd g; b=$(git hash-object -w --stdin); t=$(printf '100644 blob %s\\tf' $b | git mktree); git archive --format=tar.gz -o ../f.tar.gz $t", ""}, // gzip or zlib, by git's age
		{"f.tgz", "cat >f; python3 -c 'import tarfile;t=tarfile.open(\"f.tgz\",\"w:gz\");t.add(\"f\");t.close()'", "zlib at level 9"},
		{"f.tar.bz2", "bzip2 >f.tar.bz2", "bzip2 -9 -c"},
		{"f.tar.bz2", "bzip2 -1 >f.tar.bz2", "bzip2 -1 -c"},
		{"f.tar.bz2", "lbzip2 -4 >f.tar.bz2", "lbzip2 -4 -c"},
		{"f.tar.xz", "xz -T1 >f.tar.xz", "xz -6 -T1 -c"},
		{"f.tar.xz", "xz -5e -T1 -C crc32 >f.tar.xz", "xz -5e -T1 -C crc32 -c"},
		{"f.tar.xz", "xz -0 -T3 >f.tar.xz", "xz -0 -T2 -c"},
		{"f.tar.xz", "xz -0e -T2 --block-size=500000 >f.tar.xz", "xz -0e -T2 --block-size=500000 -c"},
		{"f.tar.xz", "xz --lzma2=preset=1,lc=4,pb=0 -T1 >f.tar.xz", "xz --lzma2=preset=1,lc=4,pb=0 -T1 -c"},
		{"f.tar.zst", "zstd -q -3 >f.tar.zst", "zstd -3 -T1 -q -c"},
		{"f.tar.zst", "cat >f.tar; zstd -q -8 f.tar", "zstd -8 -T1 --stream-size="},
		{"f.tar.zst", "zstd -q -1 --no-check >f.tar.zst", "zstd -1 -T1 --no-check -q -c"},
	} {
		dir := t.TempDir()
		stdin := small
		if strings.Contains(c.script, "bzip2") || strings.Contains(c.script, "xz -0") {
			stdin = large
		}
		shell(t, dir, c.script, stdin)
		r := look(t, filepath.Join(dir, c.file))
		found := r.Found()
		if found == nil || r.Exit() != 0 || !strings.HasPrefix(found.String(), c.want) && !strings.HasPrefix(found.Means, c.want) || found.EqualBytes != r.FileBytes {
			t.Errorf("%s: %+v\n%s", c.script, found, r.Text())
			continue
		}
		remake(t, r)
	}
}

// remake runs the line that was found, as a person would, and compares.
func remake(t *testing.T, r *attribution.Result) {
	t.Helper()
	dir := t.TempDir()
	unpack := map[string]string{"gzip": "gzip -dc", "bzip2": "bzip2 -dc", "xz": "xz -dc", "zstd": "zstd -dc"}[r.Trace.Format.String()]
	shell(t, dir, unpack+" <"+r.Archive+" | "+r.Found().String()+" >remade", nil)
	got, err := os.ReadFile(filepath.Join(dir, "remade"))
	want, err2 := os.ReadFile(r.Archive)
	if r.Trace.Rest > 0 {
		got, want = got[10:], want[r.Trace.Rest:] // the header's name and time are the file's
	}
	if err != nil || err2 != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes are not the same %d (%v, %v)", r.Found(), len(got), len(want), err, err2)
	}
}

// What nobody here makes is not remade; where it first differs is said.
func TestNotRemade(t *testing.T) {
	testkit.Program(t, "xz")
	dir := t.TempDir()
	shell(t, dir, "xz --lzma2=preset=1,nice=60 -T1 >f.tar.xz", tar(t, 200_000))
	r := look(t, filepath.Join(dir, "f.tar.xz"))
	if r.Found() != nil || r.Exit() != 1 || len(r.Tries) != 2 {
		t.Fatalf("%s", r.Text())
	}
	for _, try := range r.Tries {
		if try.Outcome != attribution.Differs || try.EqualBytes < 24 || try.EqualBytes >= r.FileBytes { // 24: the headers
			t.Errorf("%+v", try)
		}
	}
	text := r.Text()
	for _, want := range []string{"NOT REMADE: none of 2 tries gave these bytes; the first ", "\n  xz -1", "not tried other filters", fmt.Sprintf("%14d  xz -1 -T1 -c\n", r.Tries[0].EqualBytes)} {
		if !strings.Contains(text, want) {
			t.Errorf("the text does not hold %q:\n%s", want, text)
		}
	}
	var d map[string]any
	if err := json.Unmarshal(r.JSON(), &d); err != nil || d["exit"] != 1.0 || d["remade"] != nil || len(d["tries"].([]any)) != 2 || d["container"] != "xz" {
		t.Errorf("%v, %v", d, err)
	}
}

// A header that no program known writes is tried with none.
func TestUnknownTraces(t *testing.T) {
	testkit.Program(t, "gzip")
	dir := t.TempDir()
	shell(t, dir, "gzip -9 >f.tar.gz", tar(t, 1000))
	path := filepath.Join(dir, "f.tar.gz")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[9] = 11 // NTFS
	testkit.Write(t, path, string(raw))
	if r := look(t, path); r.Exit() != 1 || len(r.Tries) != 0 || !strings.HasPrefix(r.Text(), "NOT REMADE: no program that is known leaves these traces\n") {
		t.Errorf("%s", r.Text())
	}
}

// What is no compressed archive gets no verdict.
func TestRunErrors(t *testing.T) {
	testkit.Program(t, "gzip")
	dir := t.TempDir()
	content := tar(t, 1000)
	shell(t, dir, "tee f.tar | gzip >f.tar.gz; head -c 200 f.tar.gz >short.tar.gz; gzip -n <f.tar >wrong.tar.xz; (cat f.tar.gz; echo) >more.tar.gz; mkfifo fifo; printf 'PK\\5\\6aaaaaaaaaaaaaaaaaaaa' >f.zip; echo text >text", content)
	for name, c := range map[string]struct {
		want string
		code report.Code
	}{
		"absent.tar.gz": {"opening the archive", report.Usage}, "f.tar": {"it is not compressed", report.Usage}, "f.zip": {"each of its members", report.Usage},
		".": {"is no regular file", report.Usage}, "short.tar.gz": {"Z_TRUNCATED", report.Rejected}, "wrong.tar.xz": {"Z_FORMAT", report.Rejected},
		"more.tar.gz": {"Z_TRAILING", report.Rejected}, "text": {"Z_FORMAT", report.Rejected},
	} {
		r, err := attribution.Run(t.Context(), attribution.Options{Archive: filepath.Join(dir, name)})
		if r != nil || err == nil || !strings.Contains(err.Error(), c.want) || report.FailureOf(err, report.Internal).Code != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, refused := errors.AsType[*refusal.Refusal](err); refused != (c.code == report.Rejected) {
			t.Errorf("%s: %T", name, err)
		}
	}
}

// Without any program there is nothing to conclude; with some, they are tried.
func TestPrograms(t *testing.T) {
	gzip := testkit.Program(t, "gzip")
	dir := t.TempDir()
	shell(t, dir, "gzip -9 --rsyncable >f.tar.gz", tar(t, 300_000))
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	path := filepath.Join(dir, "f.tar.gz")
	_, err := attribution.Run(t.Context(), attribution.Options{Archive: path})
	if f, ok := errors.AsType[*report.Failure](err); !ok || f.Code != report.NotComplete || f.Hint != "install gzip" {
		t.Errorf("%v", err)
	}
	testkit.Write(t, filepath.Join(bin, "pigz"), "#!/bin/sh\ncase $1 in --version) echo 'pigz 0.1';; *) echo 'pigz: broken' >&2; exit 3;; esac\n")
	if err := os.Chmod(filepath.Join(bin, "pigz"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err = attribution.Run(t.Context(), attribution.Options{Archive: path})
	if f, ok := errors.AsType[*report.Failure](err); !ok || f.Code != report.NotComplete {
		t.Errorf("with a broken program alone: %v", err)
	}
	if err := os.Symlink(gzip, filepath.Join(bin, "gzip")); err != nil {
		t.Fatal(err)
	}
	r := look(t, path)
	var got []string
	for _, try := range r.Tries {
		got = append(got, try.Program+" "+string(try.Outcome))
	}
	if want := "gzip differs, python3 not installed, pigz failed, gzip remade"; strings.Join(got, ", ") != want || r.Tries[2].Detail != `running pigz: exit status 3: it said "pigz: broken"` {
		t.Errorf("%q, %+v", got, r.Tries[2])
	}
}

// A run that is ended says so, soon, and leaves nothing.
func TestInterrupted(t *testing.T) {
	testkit.Program(t, "xz")
	dir := t.TempDir()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	shell(t, dir, "xz -6e -T1 >f.tar.xz", tar(t, 2_000_000))
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := attribution.Run(ctx, attribution.Options{Archive: filepath.Join(dir, "f.tar.xz")})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
