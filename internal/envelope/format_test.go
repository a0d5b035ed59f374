package envelope_test

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/envelope"
)

// tarOf returns a small tar with one file of the given name and content.
func tarOf(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// v7Block returns a tar header without a magic.
func v7Block(checksum string) []byte {
	b := make([]byte, envelope.HeadBytes)
	copy(b, "dir/file")
	copy(b[100:], "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00")
	copy(b[148:], checksum)
	return b
}

func TestRecognise(t *testing.T) {
	for _, c := range []struct {
		name string
		head []byte
		want envelope.Format // 0 for none
	}{
		{"ustar", tarOf(t, "a", nil), envelope.Tar},
		{"ustar named like gzip", append([]byte("\x1f\x8b\x08"), tarOf(t, "abc", nil)[3:]...), envelope.Tar},
		{"ustar named like bzip2", tarOf(t, "BZh91AY&SY", nil), envelope.Tar},
		{"ustar named like lzip", tarOf(t, "LZIP-1.0/a", nil), envelope.Tar},
		{"v7", v7Block("006054\x00 "), envelope.Tar},
		{"v7, wrong sum", v7Block("006055\x00 "), 0},
		{"v7, no sum", v7Block(""), 0},
		{"zeros", make([]byte, 1024), envelope.Tar},
		{"short zeros", make([]byte, 511), 0},
		{"gzip", []byte("\x1f\x8b"), envelope.Gzip},
		{"bzip2", []byte("BZh91AY&SY"), envelope.Bzip2},
		{"empty bzip2", []byte("BZh1\x17\x72\x45\x38\x50\x90"), envelope.Bzip2},
		{"bzip2 level 0", []byte("BZh01AY&SY"), 0},
		{"text", []byte("BZh9 is not bzip2"), 0},
		{"xz", []byte("\xfd7zXZ\x00"), envelope.XZ},
		{"zstd", []byte("\x28\xb5\x2f\xfd"), envelope.Zstd},
		{"skippable frame", []byte("\x5f\x2a\x4d\x18"), envelope.Zstd},
		{"zip", []byte("PK\x03\x04"), envelope.Zip},
		{"empty zip", []byte("PK\x05\x06"), envelope.Zip},
		{"7z", []byte("7z\xbc\xaf\x27\x1c"), 0},
		{"nothing", nil, 0},
	} {
		got, ok := envelope.Recognise(c.head)
		if got != c.want || ok != (c.want != 0) {
			t.Errorf("%s: recognised %v, %v, expected %v", c.name, got, ok, c.want)
		}
	}
}

func TestFormatOfName(t *testing.T) {
	for name, want := range map[string]envelope.Format{
		"a.tar": envelope.Tar, "a.tar.gz": envelope.Gzip, "A.TAR.GZ": envelope.Gzip, "a.tgz": envelope.Gzip,
		"a.gz": envelope.Gzip, "a-1.0.crate": envelope.Gzip, "a.tar.bz2": envelope.Bzip2, "a.tbz": envelope.Bzip2,
		"a.tbz2": envelope.Bzip2, "a.bz2": envelope.Bzip2, "a.tar.xz": envelope.XZ, "a.txz": envelope.XZ,
		"a.xz": envelope.XZ, "a.tar.zst": envelope.Zstd, "a.tzst": envelope.Zstd, "a.zst": envelope.Zstd,
		"a.zip": envelope.Zip, "": 0, "a": 0, "gz": 0, "a.gz.asc": 0, "a.tar.lzma": 0, "tar.gz/x": 0,
	} {
		got, ok := envelope.FormatOfName(name)
		if got != want || ok != (want != 0) {
			t.Errorf("%q promises %v, %v, expected %v", name, got, ok, want)
		}
	}
}

func TestFormatString(t *testing.T) {
	var names []string
	for f := envelope.Tar; f <= envelope.Zip+1; f++ {
		names = append(names, f.String())
	}
	if got := strings.Join(names, " "); got != "tar gzip bzip2 xz zstd zip Format(7)" {
		t.Errorf("the formats are %s", got)
	}
}

func TestOpenRecognises(t *testing.T) {
	plain := tarOf(t, "a/b", []byte("content"))
	for _, c := range []struct {
		name    string
		base    string
		content []byte
		want    string
	}{
		{"plain tar", "a.tar", plain, "accept"},
		{"plain tar from standard input", "", plain, "accept"},
		{"plain tar with another ending", "a.orig", plain, "accept"},
		{"plain tar named .gz", "a.tar.gz", plain, "Z_FORMAT"},
		{"gzip named .tar", "a.tar", gz(t, plain), "Z_FORMAT"},
		{"gzip named .tbz2", "a.TBZ2", gz(t, plain), "Z_FORMAT"},
		{"gzip named .zip", "a.zip", gz(t, plain), "Z_FORMAT"},
		{"a tar with a broken header, left to the tar grammar", "a.tar", v7Block("000000\x00 "), "accept"},
		{"the same without a name", "", v7Block("000000\x00 "), "Z_FORMAT"},
		{"text named .tar", "a.tar", []byte("text"), "accept"},
		{"text", "", []byte("text"), "Z_FORMAT"},
		{"empty", "", nil, "Z_TRUNCATED"},
		{"empty named .tar.gz", "a.tar.gz", nil, "Z_TRUNCATED"},
		{"half a magic number", "", []byte("\xfd7zX"), "Z_TRUNCATED"},
		{"LZMA-alone", "a.tar.lzma", []byte("\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00"), "Z_FORMAT"},
		{"LZMA-alone named .tar", "a.tar", []byte("\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00"), "Z_FORMAT"},
		{"7z", "", []byte("7z\xbc\xaf\x27\x1c\x00\x04"), "Z_FORMAT"},
		{"compress", "a.tar.Z", []byte("\x1f\x9d\x90"), "Z_FORMAT"},
		{"zip", "a.zip", []byte("PK\x05\x06"), "error: reading zip as a stream: the format is read from its end"},
		{"zip named .gz", "a.gz", []byte("PK\x05\x06"), "Z_FORMAT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, out := verdict(t, c.content, envelope.Options{Name: c.base})
			if got != c.want {
				t.Errorf("verdict %s, expected %s", got, c.want)
			}
			if got == "accept" && !bytes.Equal(out, c.content) {
				t.Error("a file without a container changed")
			}
		})
	}
}

func TestNested(t *testing.T) {
	plain := tarOf(t, "a", nil)
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"gzip in gzip", gz(t, gz(t, plain)), "Z_NESTED"},
		{"zip in gzip", gz(t, []byte("PK\x05\x06")), "Z_NESTED"},
		{"xz in gzip", gz(t, []byte("\xfd7zXZ\x00")), "Z_NESTED"},
		{"LZMA-alone in gzip", gz(t, []byte("\x5d\x00\x00\x80\x00")), "Z_NESTED"},
		{"7z in gzip", gz(t, []byte("7z\xbc\xaf\x27\x1c")), "Z_NESTED"},
		{"a tar named like a compressed file", gz(t, tarOf(t, "BZh91AY&SY", nil)), "accept"},
		{"a tar named like lzip", gz(t, tarOf(t, "LZIP/a", nil)), "accept"},
		{"a tar that holds gzip", gz(t, tarOf(t, "a.gz", gz(t, plain))), "accept"},
		{"nothing in gzip", gz(t, nil), "accept"},
	} {
		if got, _ := verdict(t, c.content, envelope.Options{}); got != c.want {
			t.Errorf("%s: verdict %s, expected %s", c.name, got, c.want)
		}
	}
}
