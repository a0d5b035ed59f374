package buildrecord_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
)

func id(t testing.TB, digits string) digest.ObjectID {
	t.Helper()
	parsed, err := digest.ParseObjectID(strings.Repeat(digits, 40/len(digits)))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// sample is a record in which no key is left out.
func sample(t testing.TB) *buildrecord.Record {
	t.Helper()
	tree256, err := digest.ParseObjectID(strings.Repeat("5", 64))
	if err != nil {
		t.Fatal(err)
	}
	return &buildrecord.Record{
		Format: buildrecord.FormatVersion, Project: "https://example.org/toy", Version: "1.0",
		Recipe: buildrecord.Recipe{SHA256: digest.SHA256{1}, Origin: buildrecord.RecipeOfSource},
		Source: buildrecord.Source{Ref: "refs/tags/v1.0", Tag: id(t, "1"), TagSHA256: digest.SHA256{5}, Commit: id(t, "2"), CommitSHA256: digest.SHA256{6}, Tree: id(t, "3"), TreeSHA256: tree256, Time: 1700000000,
			Submodules: []buildrecord.Submodule{{Path: "sub", Commit: id(t, "4"), Laid: true}}},
		Environment: buildrecord.Environment{Kind: "host", Tools: []buildrecord.Tool{{Name: "re2c", Path: "/usr/bin/re2c"}},
			MadeBy: []buildrecord.Maker{{Name: "apt-get", Version: "apt 2.6.1 (amd64)"}}},
		Inputs: []buildrecord.Input{{Path: "phar", SHA256: digest.SHA256{2}, URL: "https://example.org/phar"}},
		Steps: []buildrecord.Step{{Name: "one <&>", Run: []string{"one"}, Git: "none",
			Outputs: []buildrecord.File{{Path: "a/b", Mode: "100644", Blob: id(t, "6"), SHA256: tree256}}}},
		Built:    buildrecord.Built{Branch: "refs/heads/toy-built", Commit: id(t, "7"), CommitSHA256: digest.SHA256{7}, Parents: []digest.ObjectID{id(t, "2")}, Tree: id(t, "8"), TreeSHA256: tree256},
		Tar:      buildrecord.Tar{SHA256: digest.SHA256{3}, Bytes: 10240, Top: "toy-1.0", Tree: id(t, "8"), TreeSHA256: tree256},
		Filtered: []buildrecord.Filtered{{Path: "ident.c", By: []string{}, Built: buildrecord.File{Path: "ident.c", Mode: "100644"}, Archive: buildrecord.File{Path: "ident.c", Mode: "100644"}}},
		Archives: []buildrecord.Archive{{Name: "toy-1.0.tar.gz", SHA256: digest.SHA256{4}, Bytes: 100, Encoder: []string{"gzip", "-9", "-n"},
			Program: buildrecord.Tool{Name: "gzip", Path: "/usr/bin/gzip", SHA256: digest.SHA256{5}, Version: "gzip 1.12"}}},
	}
}

func encode(t testing.TB, r *buildrecord.Record) []byte {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	r := sample(t)
	data := encode(t, r)
	again, err := buildrecord.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, again) {
		t.Errorf("read %+v, wrote %+v", again, r)
	}
	for _, want := range []string{`"one <&>"`, `"changes": []`, `"packages": []`, `"id": ""`} {
		if !bytes.Contains(data, []byte(want)) {
			t.Errorf("the record lacks %s:\n%s", want, data)
		}
	}
}

// Whatever Encode would not write is refused.
func TestParseRefuses(t *testing.T) {
	good := string(encode(t, sample(t)))
	for name, c := range map[string]struct{ old, now, says string }{
		"another format":     {`"format": 1`, `"format": 2`, "format 2"},
		"unknown key":        {`"version": "1.0"`, `"version": "1.0", "extra": 1`, "unknown field"},
		"doubled key":        {`"version": "1.0",`, `"version": "1.1", "version": "1.0",`, "not written as records are"},
		"missing key":        {`  "tar": {`, `  "Tar": {`, "not written as records are"},
		"spacing":            {`"version": "1.0"`, `"version":  "1.0"`, "not written as records are"},
		"escapes":            {`"one <&>"`, `"one \u003c&>"`, "not written as records are"},
		"null":               {`"changes": []`, `"changes": null`, "not written as records are"},
		"null in a file":     {`"by": []`, `"by": null`, "not written as records are"},
		"a bad path":         {`"a/b"`, `"a/../b"`, "NAME_"},
		"a bad id":           {strings.Repeat("7", 40), strings.Repeat("7", 39), "object id"},
		"no commit":          {`"commit": "` + strings.Repeat("7", 40), `"commit": "`, "what was built of what"},
		"two object formats": {strings.Repeat("7", 40), strings.Repeat("7", 64), "two object formats"},
		"a tree of SHA-1":    {strings.Repeat("5", 64), strings.Repeat("5", 40), "none of git's SHA-256 format"},
		"recipe of nowhere":  {`"origin": "source"`, `"origin": "moon"`, "where its recipe comes from"},
		"trailing bytes":     {"\n}\n", "\n}\n\n", "not written as records are"},
		"two records":        {"\n}\n", "\n}\n{}\n", "not written as records are"},
		"no end":             {"\n}\n", "\n", "no build record"},
		"not text":           {`"one <&>"`, "\"one \xff\"", "not written as records are"},
	} {
		if !strings.Contains(good, c.old) {
			t.Fatalf("%s: the record does not hold %q", name, c.old)
		}
		bad := strings.ReplaceAll(good, c.old, c.now)
		if _, err := buildrecord.Parse([]byte(bad)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want …%s…", name, err, c.says)
		}
	}
	if _, err := buildrecord.Parse(make([]byte, buildrecord.MaxBytes+1)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("too large: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, sample(f)))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := buildrecord.Parse(data)
		if err != nil {
			return
		}
		if again := encode(t, r); !bytes.Equal(again, data) {
			t.Errorf("read %q, would write %q", data, again)
		}
	})
}
