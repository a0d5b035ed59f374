package command_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/encoder/command"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/testkit"
)

func TestNew(t *testing.T) {
	for _, c := range []struct {
		s    command.Settings
		want string
	}{
		{command.Settings{Format: envelope.Gzip, Level: 9, Threads: 1}, "gzip -9 -n -c"},
		{command.Settings{Format: envelope.Gzip, Level: 1, Threads: 1}, "gzip -1 -n -c"},
		{command.Settings{Format: envelope.Bzip2, Level: 9, Threads: 1}, "bzip2 -9 -z -c"},
		{command.Settings{Format: envelope.XZ, Level: 9, Threads: 1}, "xz -9 -T1 --format=xz --check=crc64 --no-adjust -z -c"},
		{command.Settings{Format: envelope.XZ, Level: 0, Threads: 1024}, "xz -0 -T1024 --format=xz --check=crc64 --no-adjust -z -c"},
		{command.Settings{Format: envelope.Zstd, Level: 19, Threads: 2}, "zstd -19 -T2 --check -q -z -c"},
		{command.Settings{Format: envelope.Zstd, Level: 20, Threads: 1}, "zstd --ultra -20 -T1 --check -q -z -c"},
		{command.Settings{Format: envelope.Zip, Level: 6, Threads: 1}, "zip -6 -X -D -y -nw -q - -@"},
	} {
		got, err := command.New(c.s)
		if err != nil || got.String() != c.want || strings.Join(got.Vector(), " ") != c.want {
			t.Errorf("%+v: %s, %v, want %s", c.s, got, err, c.want)
		}
	}
}

func TestNewErrors(t *testing.T) {
	for _, c := range []struct {
		s    command.Settings
		want string
	}{
		{command.Settings{Format: envelope.Gzip, Level: 0, Threads: 1}, "the level of gzip is 0, expected 1 to 9"},
		{command.Settings{Format: envelope.Gzip, Level: 10, Threads: 1}, "the level of gzip is 10, expected 1 to 9"},
		{command.Settings{Format: envelope.XZ, Level: -1, Threads: 1}, "the level of xz is -1, expected 0 to 9"},
		{command.Settings{Format: envelope.XZ, Level: 10, Threads: 1}, "the level of xz is 10, expected 0 to 9"},
		{command.Settings{Format: envelope.Zstd, Level: 0, Threads: 1}, "the level of zstd is 0, expected 1 to 22"},
		{command.Settings{Format: envelope.Zstd, Level: 23, Threads: 1}, "the level of zstd is 23, expected 1 to 22"},
		{command.Settings{Format: envelope.XZ, Level: 9}, "the number of threads is 0, expected 1 to 1024"},
		{command.Settings{Format: envelope.XZ, Level: 9, Threads: 1025}, "the number of threads is 1025, expected 1 to 1024"},
		{command.Settings{Format: envelope.Gzip, Level: 9, Threads: 2}, "gzip has 2 threads, only xz and zstd can have more than 1"},
		{command.Settings{Format: envelope.Zip, Level: 9, Threads: 2}, "zip has 2 threads"},
		{command.Settings{Format: envelope.Tar, Level: 9, Threads: 1}, "no program compresses to tar"},
		{command.Settings{}, "the number of threads is 0"},
	} {
		if got, err := command.New(c.s); err == nil || !strings.Contains(err.Error(), c.want) && c.s != (command.Settings{}) || got.Program != "" {
			t.Errorf("%+v: %s, %v, want %q", c.s, got, err, c.want)
		}
	}
}

// What String writes, a shell reads as the vector.
func TestString(t *testing.T) {
	line := command.Line{Program: "printf", Args: []string{`%s\n`, "", "plain-word_1.2/3=4,5:6@7+8%", "two words", "it's", `a"b\c`, "$HOME `x` * ? ~ #", "a\nb", "é", ";", "[x]", "!"}}
	cmd := exec.Command(testkit.Program(t, "sh"), "-c", line.String())
	got, err := cmd.Output()
	if err != nil || string(got) != strings.Join(line.Args[1:], "\n")+"\n" {
		t.Errorf("%q, %v", got, err)
	}
	if s := (command.Line{Program: "xz", Args: []string{"-9", "--check=crc64", "--lzma2=preset=6,pb=0"}}).String(); s != "xz -9 --check=crc64 --lzma2=preset=6,pb=0" {
		t.Errorf("needlessly quoted: %s", s)
	}
	if !slices.Equal(command.Environment(), []string{"LC_ALL=C", "TZ=UTC"}) {
		t.Errorf("the environment is %q", command.Environment())
	}
}

func TestZipList(t *testing.T) {
	if got, err := command.ZipList([]string{"p/b", "p/ a", "p/-x", "p/é"}); err != nil || got != "p/b\np/ a\np/-x\np/é\n" {
		t.Errorf("%q, %v", got, err)
	}
	for path, want := range map[string]string{
		"": "for something else", "-x": "for something else", "@": "for something else", "p/\u0085": `the path "p/\u0085" is not visible UTF-8`,
		"p/a\nb": "not visible", "p/\x7f": "not visible", "p/\xff": "not visible",
	} {
		if got, err := command.ZipList([]string{"p/a", path}); got != "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v, want %q", path, got, err, want)
		}
	}
	if _, err := command.ZipList(nil); err == nil {
		t.Error("an empty list")
	}
}

func ExampleNew() {
	line, err := command.New(command.Settings{Format: envelope.XZ, Level: 9, Threads: 2})
	fmt.Println(line, err)
	_, err = command.New(command.Settings{Format: envelope.Bzip2, Level: 19, Threads: 1})
	fmt.Println(err)
	// Output:
	// xz -9 -T2 --format=xz --check=crc64 --no-adjust -z -c <nil>
	// the level of bzip2 is 19, expected 1 to 9
}
