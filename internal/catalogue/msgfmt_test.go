package catalogue

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// msgfmt compiles a PO file.
func msgfmt(t testing.TB, po string, options ...string) (mo []byte, err error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.po"), []byte(po), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("msgfmt", append(options, "-o", "a.mo", "a.po")...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("running msgfmt: %v\n%s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "a.mo"))
}

// msgfmtCases are PO files that compile to something.
func msgfmtCases() map[string]string {
	many := strings.Builder{}
	for i := range 300 {
		fmt.Fprintf(&many, "msgid \"message %d\"\nmsgstr \"translation %d\"\n\n", i*7919%300, i)
	}
	one := "msgid \"a\"\nmsgstr \"b\"\n"
	return map[string]string{
		"header only":       poHeader,
		"no header":         one,
		"two":               poHeader + one,
		"three":             poHeader + one + "msgid \"aa\"\nmsgstr \"b\"\n",
		"all kinds":         comparedPO,
		"CRLF":              strings.ReplaceAll(comparedPO, "\n", "\r\n"),
		"fuzzy header":      "#, fuzzy\n" + poHeader + one,
		"dated":             strings.Replace(poHeader, "demo\\n", "demo\\n\"\n\"POT-Creation-Date: 2020\\n", 1) + one,
		"dated twice":       strings.Replace(poHeader, "demo\\n", "demo\\n\"\n\"POT-Creation-Date: 2020\\nPOT-Creation-Date: 2021\\n", 1) + one,
		"only a date":       "msgid \"\"\nmsgstr \"POT-Creation-Date: 2020\"\n" + one,
		"many":              poHeader + many.String(),
		"context":           poHeader + "msgctxt \"m\"\n" + one + one + "msgctxt \"\"\nmsgid \"\"\nmsgstr \"c\"\n",
		"plural":            poHeader + "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0] \"x\"\nmsgstr[1] \"\"\nmsgstr[2] \"z\"\nmsgid \"b\"\nmsgid_plural \"bs\"\nmsgstr[0] \"\"\nmsgstr[1] \"y\"\n",
		"escapes":           poHeader + `msgid "\a\b\f\n\r\t\v\\\"\101\7z\x41g" msgstr "\303\244\x7f"` + "\n",
		"sorted by bytes":   poHeader + "msgid \"é\"\nmsgstr \"1\"\nmsgid \"z\"\nmsgstr \"2\"\nmsgid \"zz\"\nmsgstr \"3\"\nmsgctxt \"z\"\nmsgid \"\"\nmsgstr \"4\"\nmsgid \"z\\001\"\nmsgid_plural \"x\"\nmsgstr[0] \"5\"\n",
		"previous":          poHeader + "#, fuzzy\n#| msgctxt \"m\"\n#| msgid \"x\"\n#| msgid_plural \"y\"\n" + one + "#| msgid \"q\"\nmsgid \"c\"\nmsgstr \"d\"\n#, fuzzy\n#~| msgid \"w\"\n#~ msgid \"o\"\n#~ msgstr \"p\"\n",
		"comment goes on":   poHeader + "# c\\\n#, fuzzy\n" + one,
		"flags":             poHeader + "#! fuzzy\n" + one + "#,fuzzy,c-format\nmsgid \"c\"\nmsgstr \"d\"\n#, c-format,range: 0..1,no-wrap\nmsgid \"e\"\nmsgstr \"f\"\n",
		"one line":          poHeader + `msgid"a""b"msgstr"c"msgid"d"msgstr"e"`,
		"system":            poHeader + "#, c-format\nmsgid \"z %<PRIu64> %%<PRIu8>\"\nmsgstr \"%-5<PRIu64>\"\n\n#, c-format\nmsgctxt \"c\"\nmsgid \"y %.3<PRIdMAX>\"\nmsgid_plural \"%<PRIdMAX> s\"\nmsgstr[0] \"%<PRIdMAX>\"\nmsgstr[1] \"%1$<PRIdMAX> %2$*3$<PRIxFAST32>\"\n" + one,
		"system, not meant": poHeader + "msgid \"z %<PRIu64>\"\nmsgstr \"%<PRIu64>\"\n#, no-c-format\nmsgid \"y %<PRIu64>\"\nmsgstr \"%<PRIu64>\"\n",
		"Latin-1":           "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=ISO-8859-1\\n\"\nmsgid \"a\"\nmsgstr \"\xe4\"\n",
		"EUC-JP":            "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=EUC-JP\\n\"\nmsgid \"a\"\nmsgstr \"\xa4\xa2\"\n",
	}
}

// TestMsgfmt: what msgfmt makes of a PO file is accepted, and means the same.
func TestMsgfmt(t *testing.T) {
	testkit.Program(t, "msgfmt")
	version, err := exec.Command("msgfmt", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(version, []byte("\n"))
	converts := bytes.Compare(line[bytes.LastIndexByte(line, ' ')+1:], []byte("0.22")) >= 0
	for name, text := range msgfmtCases() {
		t.Run(name, func(t *testing.T) {
			po := mustPO(t, text)
			for _, options := range [][]string{nil, {"--no-hash"}, {"--endianness=big"}, {"--alignment=4"}, {"--alignment=16", "--endianness=big", "--no-hash"}} {
				mo, err := msgfmt(t, text, options...)
				if err != nil {
					t.Fatal(err)
				}
				compiled := mustMO(t, mo)
				if converts && slices.Contains([]string{"Latin-1", "EUC-JP"}, name) {
					continue
				}
				if !compiled.Meaning().CompiledFrom(po.Meaning()) {
					t.Errorf("%q: msgfmt wrote %q, the PO file says %q", options, pairs(compiled, false), pairs(po, false))
				}
			}
		})
	}
}

// TestMsgfmtRefuses: what msgfmt refuses is refused here, except for the cases
// of other rules.
func TestMsgfmtRefuses(t *testing.T) {
	testkit.Program(t, "msgfmt")
	for _, text := range []string{
		"msgid \"a\n", "msgid \"a\"\n", "msgid \"a\"\n# c\nmsgstr \"b\"\n", "#~ msgid \"a\"\nmsgstr \"b\"\n",
		"msgid \"a\"\nmsgstr \"b\"\nmsgid \"a\"\nmsgstr \"b\"\n", "msgid \"a\"\nmsgstr \"b\"\n#~ msgid \"a\"\n#~ msgstr \"b\"\n",
		"msgid \"a\\q\"\nmsgstr \"b\"\n", "msgid \"a\\004\"\nmsgstr \"b\"\n", "msgid \"a\"\nmsgid_plural \"a\"\nmsgstr[1] \"b\"\n",
		"\xef\xbb\xbfmsgid \"a\"\nmsgstr \"b\"\n", "#| msgid \"a\"\n# c\nmsgid \"a\"\nmsgstr \"b\"\n", "msgid \"a\"\n#| \"b\"\nmsgstr \"b\"\n",
	} {
		if _, err := msgfmt(t, text); err == nil {
			t.Errorf("msgfmt accepts %q", text)
		}
		if _, err := ParsePO([]byte(text)); err == nil {
			t.Errorf("accepted: %q", text)
		}
	}
}
