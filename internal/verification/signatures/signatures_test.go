package signatures

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/endorsement"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
	"github.com/countermark/countermark/internal/verification/input"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"a-1.tar.gz": "a-1.tar", "a-1.tar.xz": "a-1.tar", "d/a-1.tar.zst": "d/a-1.tar", "a-1.tar.bz2": "a-1.tar",
		"a-1.tar": "", "a-1.zip": "", "a-1.gz": "", "a-1.tgz": "", "": "", ".tar.gz": ".tar", "standard input": "",
	} {
		if got := tarName(name); got != want {
			t.Errorf("the tar of %q is %q, expected %q", name, got, want)
		}
	}
	for _, c := range []struct {
		file, archive string
		want          bool
	}{
		{"a.tar.sign", "a.tar.xz", true},
		{"elsewhere/a.tar.asc", "d/a.tar.gz", true},
		{"a.tar.xz.sign", "a.tar.xz", false},
		{"a.tar.sign", "a.tar", false},
		{"b.tar.sign", "a.tar.xz", false},
		{".sign", "a.zip", false},
		{".asc", "a.tar", false},
		{"a.tar.md5", "a.tar.gz", false},
	} {
		if got := isOverTar(c.file, c.archive); got != c.want {
			t.Errorf("%s is over the tar in %s: %v", c.file, c.archive, got)
		}
	}
}

// What is read a second time must be the same, to the last byte.
func TestHeldReader(t *testing.T) {
	const content = "the archive"
	for given, same := range map[string]bool{content: true, content + "x": false, content[1:]: false, "": false, "The archive": false} {
		for _, r := range []io.Reader{strings.NewReader(given), iotest.OneByteReader(strings.NewReader(given)), iotest.DataErrReader(strings.NewReader(given))} {
			h := &heldReader{r: r, sum: sha256.New(), want: sha256.Sum256([]byte(content))}
			_, err := io.ReadAll(h)
			if (err == nil) != same || h.ended != same {
				t.Errorf("%q: %v, ended %v", given, err, h.ended)
			}
			if f, ok := errors.AsType[*report.Failure](err); !same && (!ok || f.Code != report.NotComplete) {
				t.Errorf("%q: %v", given, err)
			}
		}
	}
	broken := errors.New("broken")
	h := &heldReader{r: iotest.ErrReader(broken), sum: sha256.New(), want: sha256.Sum256(nil)}
	if _, err := io.ReadAll(h); !errors.Is(err, broken) || h.ended {
		t.Errorf("%v", err)
	}
}

// release writes an archive with a signature beside it, and returns what reading
// the archive gave.
func release(t *testing.T) (s *Signatures, in *input.Input, contents *archive.Contents) {
	t.Helper()
	dir := t.TempDir()
	tar := testkit.Tar(t, map[string]string{"a/b": "c"})
	name := testkit.Write(t, filepath.Join(dir, "a.tar"), string(tar))
	k := signer.NewSSH(t, "ssh-ed25519")
	testkit.Write(t, name+".sig", string(k.Sign(signature.FileNamespace.Namespace(), tar)))
	keys := testkit.Write(t, filepath.Join(dir, "keys"), k.Line()+"\n")
	s, err := Open(Options{AllowedSigners: []string{keys}})
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := input.Open(context.Background(), []string{name}, nil)
	t.Cleanup(func() { input.Close(inputs) })
	if err != nil {
		t.Fatal(err)
	}
	a, err := inputs[0].Archive(context.Background(), input.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	contents, err = a.Read(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, inputs[0], contents
}

// An archive that is written to after it was compared is not verified, even if
// what it was then was signed.
func TestArchiveChanges(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string, contents *archive.Contents){
		"not at all": nil,
		"another byte": func(t *testing.T, path string, _ *archive.Contents) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, writeErr := f.WriteAt([]byte{'x'}, 600)
			if err := errors.Join(writeErr, f.Close()); err != nil {
				t.Fatal(err)
			}
		},
		"shorter": func(t *testing.T, path string, _ *archive.Contents) {
			if err := os.Truncate(path, 512); err != nil {
				t.Fatal(err)
			}
		},
		// The signature holds for what lies there now; it is not what was compared.
		"what was compared was another": func(_ *testing.T, _ string, contents *archive.Contents) { contents.SHA256 = digest.SHA256{1} },
	} {
		t.Run(name, func(t *testing.T) {
			s, in, contents := release(t)
			if change != nil {
				change(t, in.Name, contents)
			}
			err := s.Archive(context.Background(), in, contents, input.Settings{})
			f, failed := errors.AsType[*report.Failure](err)
			if failed != (change != nil) || failed && f.Code != report.NotComplete {
				t.Errorf("%v", err)
			}
			_, verdict := s.Judge(nil, "")
			if verdict.Holds() != (change == nil) {
				t.Errorf("%+v", verdict)
			}
		})
	}
}

// A file that is replaced after it was compared is not looked at: the one that was
// opened is.
func TestArchiveIsReplaced(t *testing.T) {
	s, in, contents := release(t)
	testkit.Write(t, in.Name+".new", "another")
	if err := os.Rename(in.Name+".new", in.Name); err != nil {
		t.Fatal(err)
	}
	if err := s.Archive(context.Background(), in, contents, input.Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, verdict := s.Judge(nil, ""); !verdict.Holds() || verdict.Assurance != endorsement.SignedArchive {
		t.Errorf("%+v", verdict)
	}
}
