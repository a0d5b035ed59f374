package digest_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
)

// git runs git in dir, without any configuration from outside.
func git(t testing.TB, dir string, stdin []byte, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running git %q: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

func newRepository(t testing.TB, f digest.Format) string {
	t.Helper()
	testkit.Program(t, "git")
	dir := t.TempDir()
	git(t, dir, nil, "init", "-q", "--bare", "--object-format="+f.String(), ".")
	return dir
}

// Contents around the block size of both hashes (64 bytes) with their headers.
func contents() [][]byte {
	all := [][]byte{nil, []byte("\x00"), []byte("hello\n"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)}
	for n := 40; n < 130; n += 7 {
		all = append(all, bytes.Repeat([]byte{byte(n)}, n))
	}
	return all
}

func TestObjectIDsAreGits(t *testing.T) {
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		dir := newRepository(t, f)
		for _, typ := range []digest.ObjectType{digest.Blob, digest.Tree, digest.Commit, digest.Tag} {
			for _, content := range contents() {
				want := git(t, dir, content, "hash-object", "--literally", "-t", typ.String(), "--stdin")
				id, err := digest.HashObject(f, typ, content)
				if err != nil || id.String() != want {
					t.Errorf("%v of %d bytes, %v: got %v, %v; git says %s", typ, len(content), f, id, err, want)
				}
			}
		}
	}
}

// However the content is cut, and whatever was hashed before, the ids are the same.
func TestWritesMayBeCut(t *testing.T) {
	h := digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format)
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "content")
		h.Reset(digest.Blob, int64(len(content)))
		for rest := content; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if wrote, err := h.Write(rest[:n]); wrote != n || err != nil {
				t.Fatalf("Write of %d bytes: %d, %v", n, wrote, err)
			}
			rest = rest[n:]
		}
		ids, err := h.Sum()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
			want, _ := digest.HashObject(f, digest.Blob, content)
			if ids.In(f) != want {
				t.Fatalf("%v: cut into pieces %v, at once %v", f, ids.In(f), want)
			}
		}
	})
}

func TestOneFormatOnly(t *testing.T) {
	h := digest.NewObjectHash(digest.SHA256Format)
	h.Reset(digest.Tree, 0)
	ids, err := h.Sum()
	if err != nil || !ids.In(digest.SHA1Format).IsZero() || ids.In(digest.SHA256Format).String() != emptyTreeSHA256 {
		t.Errorf("got %v, %v", ids, err)
	}
}

// The first 320 bytes of the two files of Stevens and others, "The first
// collision for full SHA-1" (2017, shattered.io): up to byte 192 they are the
// same, then come the two near-collision blocks of each.
const (
	shatteredStart = "255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f" +
		"4865696768742033203020522f547970652034203020522f537562747970652035203020522f4669" +
		"6c7465722036203020522f436f6c6f7253706163652037203020522f4c656e677468203820302052" +
		"2f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d31" +
		"20697320646561642121212121852fec092339759c39b1a1c63c4c97e1fffe01"
	shatteredBlocks1 = "7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de2" +
		"18f86db3a90901d5df45c14f26fedfb3dc38e96ac22fe7bd728f0e45bce046d2" +
		"3c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500" +
		"eb4ddc0decc1a864790c782c76215660dd309791d06bd0af3f98cda4bc4629b1"
	shatteredBlocks2 = "7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df6" +
		"14f86db1690901c56b45c1530afedfb76038e972722fe7ad728f0e4904e046c2" +
		"30570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514" +
		"e74ddc0f2cc1a874cd0c78305a21566461309789606bd0bf3f98cda8044629a1"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bareSum hashes without an object's header, since the published collisions
// are lost behind one, in pieces of n bytes.
func bareSum(content []byte, n int) (digest.IDs, error) {
	h := digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format)
	for len(content) > 0 {
		k := min(n, len(content))
		_, _ = h.Write(content[:k])
		content = content[k:]
	}
	return h.Sum()
}

func TestCollisionAttackIsDetected(t *testing.T) {
	one, two := unhex(t, shatteredStart+shatteredBlocks1), unhex(t, shatteredStart+shatteredBlocks2)
	if sha1.Sum(one) != sha1.Sum(two) || bytes.Equal(one, two) {
		t.Fatal("the two prefixes are no collision: the test's own data is wrong")
	}
	tail := []byte("and then the same text")
	for _, n := range []int{1, 63, 64, 320, 1000} {
		for name, content := range map[string][]byte{"one": one, "two": two, "one with a tail": append(bytes.Clone(one), tail...)} {
			ids, err := bareSum(content, n)
			if !errors.Is(err, digest.ErrCollision) {
				t.Errorf("%s in pieces of %d: error is %v", name, n, err)
			}
			if ids.SHA1 == sha1.Sum(content) {
				t.Errorf("%s in pieces of %d: the id is the one that collides", name, n)
			}
		}
	}
	a, _ := bareSum(one, 64)
	b, _ := bareSum(two, 64)
	if a.SHA1 == b.SHA1 || a.SHA256 == b.SHA256 {
		t.Error("the two contents have one id")
	}
}

func TestNoCollisionIsSeenWhereNoneIs(t *testing.T) {
	start, blocks := unhex(t, shatteredStart), unhex(t, shatteredBlocks1)
	flipped := append(bytes.Clone(start), blocks...)
	flipped[200] ^= 1
	for name, content := range map[string][]byte{"the start alone": start, "one bit flipped": flipped} {
		if ids, err := bareSum(content, 64); err != nil || ids.SHA1 != sha1.Sum(content) {
			t.Errorf("%s: %x, %v", name, ids.SHA1, err)
		}
	}
	// Behind git's header, which is in no block of the attack, it is harmless.
	whole := append(bytes.Clone(start), blocks...)
	if _, err := digest.HashObject(digest.SHA1Format, digest.Blob, whole); err != nil {
		t.Errorf("as a blob: %v", err)
	}
}

// A collision leaves nothing behind for the next object.
func TestResetForgetsCollision(t *testing.T) {
	h := digest.NewObjectHash(digest.SHA1Format)
	_, _ = h.Write(unhex(t, shatteredStart+shatteredBlocks1))
	if _, err := h.Sum(); !errors.Is(err, digest.ErrCollision) {
		t.Fatalf("error is %v", err)
	}
	h.Reset(digest.Tree, 0)
	if ids, err := h.Sum(); err != nil || ids.In(digest.SHA1Format).String() != emptyTreeSHA1 {
		t.Errorf("got %v, %v", ids, err)
	}
}
