package statement_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/testkit"
)

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []string{
		statement.KindBuild.String(), statement.KindReview.String(), statement.KindRelease.String(), statement.KindWithdrawal.String(), statement.Kind(0).String(),
		statement.Agrees.String(), statement.Dissents.String(), statement.Verdict(0).String(),
		statement.NotReproducible.String(), statement.OtherTools.String(), statement.BuilderFault.String(), statement.Superseded.String(), statement.OtherCause.String(),
	} {
		if seen[s] {
			t.Errorf("%q is the name of two", s)
		}
		seen[s] = true
	}
	if (statement.KindWithdrawal+1).String() != "none" || (statement.Dissents+1).String() != "" || (statement.OtherCause+1).String() != "" {
		t.Error("what is no kind, verdict or cause has a name")
	}
}

func id(t testing.TB, digits string) digest.ObjectID {
	t.Helper()
	parsed, err := digest.ParseObjectID(digits)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// ids are of one object, made of a digit, in a repository of a format.
type ids struct {
	id    digest.ObjectID
	id256 digest.ObjectID
	sum   digest.SHA256
}

func named(t testing.TB, f digest.Format, digit string) ids {
	t.Helper()
	long := id(t, strings.Repeat(digit, 64))
	var sum digest.SHA256
	copy(sum[:], long.Bytes())
	if f == digest.SHA256Format {
		return ids{long, long, sum}
	}
	return ids{id(t, strings.Repeat(digit, 40)), long, sum}
}

// statements returns one statement of each kind, on one release.
func statements(t testing.TB, f digest.Format) map[string]*statement.Statement {
	t.Helper()
	object := func(digit string) statement.Object {
		n := named(t, f, digit)
		return statement.Object{ID: n.id, SHA256: n.sum}
	}
	tree := func(digit string) statement.Tree {
		n := named(t, f, digit)
		return statement.Tree{ID: n.id, SHA256: n.id256}
	}
	sum := func(digit string) digest.SHA256 { return named(t, f, digit).sum }
	base := statement.Statement{
		Issued: 1711713600,
		Identity: statement.Identity{Project: "https://hello.example", Version: "1.0", TagRef: "refs/tags/v1.0",
			Tag: object("1"), Commit: object("2"), Tree: tree("3"), Recipe: sum("4")},
		Outcome: statement.Outcome{Top: "hello-1.0", Commit: object("5"), BuiltTree: tree("6"), ArchiveTree: tree("7"), Tar: sum("8"),
			Filtered: []statement.Filtered{{Path: "src/hello.c", Mode: "100644", By: []string{"ident", "eol"}, Built: statement.Blob(tree("9")), Archive: statement.Blob(tree("a"))}}},
		Archives: []statement.Archive{{Name: "hello-1.0.tar.gz", SHA256: sum("b")}, {Name: "hello-1.0.tar.xz", SHA256: sum("c")}, {Name: "hello-1.0.zip", SHA256: sum("d")}},
	}
	all := map[string]*statement.Statement{}
	add := func(name string, kind statement.Kind, set func(s *statement.Statement)) {
		s := base
		s.Kind = kind
		set(&s)
		all[name] = &s
	}
	tools := []statement.Tool{{Name: "bison", SHA256: sum("e"), Version: "bison (GNU Bison) 3.8.2", Package: "bison=2:3.8.2+dfsg-1+b1"}, {Name: "re2c", SHA256: sum("f"), Version: "re2c 3.0", Source: "sha256:" + strings.Repeat("1", 64)}}
	add("build", statement.KindBuild, func(s *statement.Statement) {
		s.Build = &statement.Build{BuilderID: "https://ci.example/runner/7", HostingDomain: "ci.example", ToolchainOrigin: "Debian", Countermark: "v0.1.0",
			Environment: statement.Environment{Kind: "rootfs", ID: sum("2"), System: "Debian GNU/Linux 12 (bookworm)", Machine: "x86_64", Sandbox: "bubblewrap 0.8.0"},
			Tools:       tools, Record: statement.Record{Name: "hello-1.0.build.json", SHA256: sum("3")}}
	})
	add("rebuild", statement.KindBuild, func(s *statement.Statement) {
		s.Build = &statement.Build{BuilderID: statement.LocalBuilder, Countermark: "v0.1.0",
			Environment: statement.Environment{Kind: "host", System: "Debian GNU/Linux 12 (bookworm)", Machine: "x86_64", Sandbox: "none"},
			Record:      statement.Record{Name: "hello-1.0.build.json", SHA256: sum("3")}, Rebuild: &statement.Rebuild{Commit: object("5").ID, Reproduced: true}}
	})
	add("review", statement.KindReview, func(s *statement.Statement) {
		s.Review = &statement.Review{Complete: true, Comment: "Read in full.\nNothing odd.", Files: []statement.Reviewed{
			{Path: "configure", Mode: "100755", Blob: statement.Blob(tree("b")), Comment: "as autoconf 2.71 makes it"}, {Path: "parser.c", Mode: "100644", Blob: statement.Blob(tree("c"))}}}
	})
	add("release", statement.KindRelease, func(s *statement.Statement) {
		s.Release = &statement.Release{PolicyVersion: 3, Policy: sum("1"), Previous: sum("2"), Seen: []statement.Seen{
			{Statement: sum("4"), Verdict: statement.Agrees}, {Statement: sum("5"), Verdict: statement.Dissents, Cause: statement.OtherTools, Text: "It has bison 3.7."}}}
	})
	add("withdrawal", statement.KindWithdrawal, func(s *statement.Statement) {
		s.Withdrawal = &statement.Withdrawal{Why: "configure runs what is in a test file"}
	})
	return all
}

func encode(t testing.TB, s *statement.Statement) []byte {
	t.Helper()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func ruleOf(err error) string {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return string(r.Rule)
	}
	if err != nil {
		return err.Error()
	}
	return "accepted"
}

func TestRoundTrip(t *testing.T) {
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		release := map[digest.SHA256]bool{}
		for name, s := range statements(t, f) {
			data := encode(t, s)
			again, err := statement.Parse(data)
			if err != nil || !reflect.DeepEqual(again, s) {
				t.Errorf("%v, %s: read %+v, %v of\n%s", f, name, again, err, data)
				continue
			}
			if !bytes.Equal(encode(t, again), data) {
				t.Errorf("%v, %s: is written in two ways", f, name)
			}
			release[again.ReleaseDigest()] = true
		}
		if len(release) != 1 {
			t.Errorf("statements on one release have %d release digests", len(release))
		}
	}
}

// Every value of identity and outcome moves the release digest, and nothing else
// does.
func TestReleaseDigest(t *testing.T) {
	of := func(change func(s *statement.Statement)) digest.SHA256 {
		s := statements(t, digest.SHA1Format)["build"]
		change(s)
		return s.ReleaseDigest()
	}
	seen := map[digest.SHA256]string{of(func(*statement.Statement) {}): "nothing"}
	for name, change := range map[string]func(s *statement.Statement){
		"project":      func(s *statement.Statement) { s.Identity.Project += "x" },
		"version":      func(s *statement.Statement) { s.Identity.Version += "x" },
		"tag ref":      func(s *statement.Statement) { s.Identity.TagRef += "x" },
		"tag":          func(s *statement.Statement) { s.Identity.Tag.ID = s.Identity.Commit.ID },
		"tag sum":      func(s *statement.Statement) { s.Identity.Tag.SHA256[0]++ },
		"no tag":       func(s *statement.Statement) { s.Identity.Tag = statement.Object{} },
		"commit":       func(s *statement.Statement) { s.Identity.Commit.ID = s.Identity.Tag.ID },
		"commit sum":   func(s *statement.Statement) { s.Identity.Commit.SHA256[0]++ },
		"tree":         func(s *statement.Statement) { s.Identity.Tree.ID = s.Identity.Tag.ID },
		"tree 256":     func(s *statement.Statement) { s.Identity.Tree.SHA256 = s.Outcome.BuiltTree.SHA256 },
		"recipe":       func(s *statement.Statement) { s.Identity.Recipe[0]++ },
		"top":          func(s *statement.Statement) { s.Outcome.Top += "x" },
		"built":        func(s *statement.Statement) { s.Outcome.Commit.ID = s.Identity.Tag.ID },
		"built sum":    func(s *statement.Statement) { s.Outcome.Commit.SHA256[0]++ },
		"built tree":   func(s *statement.Statement) { s.Outcome.BuiltTree.ID = s.Identity.Tag.ID },
		"archive tree": func(s *statement.Statement) { s.Outcome.ArchiveTree.SHA256 = s.Outcome.BuiltTree.SHA256 },
		"tar":          func(s *statement.Statement) { s.Outcome.Tar[0]++ },
		"no tar":       func(s *statement.Statement) { s.Outcome.Tar = digest.SHA256{} },
		"no filtered":  func(s *statement.Statement) { s.Outcome.Filtered = nil },
		"filtered by":  func(s *statement.Statement) { s.Outcome.Filtered[0].By = []string{"eol"} },
	} {
		a, b := statements(t, digest.SHA1Format)["build"], statements(t, digest.SHA1Format)["build"]
		if change(b); len(a.Differences(b)) != 1 || len(b.Differences(b)) != 0 {
			t.Errorf("%s: differs in %q", name, a.Differences(b))
		}
		d := of(change)
		if other, twice := seen[d]; twice {
			t.Errorf("%s and %s give one release digest", name, other)
		}
		seen[d] = name
	}
	if seen[of(func(s *statement.Statement) { s.Issued++; s.Archives[0].SHA256[0]++; s.Build.Countermark = "" })] != "nothing" {
		t.Error("time, archives or builder move the release digest")
	}
}

func TestVectors(t *testing.T) {
	accepted, expected := map[statement.Kind]bool{}, map[string]bool{}
	for _, v := range testkit.Vectors(t, "../../testdata/vectors/statement") {
		expected[v.Expect] = true
		s, err := statement.Parse(v.Input)
		if got := ruleOf(err); got != v.Expect {
			t.Errorf("%s: %s, want %s (%v)", v.Name, got, v.Expect, err)
		}
		if err != nil {
			if s != nil {
				t.Errorf("%s: refused, and something is read of it", v.Name)
			}
			continue
		}
		accepted[s.Kind] = true
		if strings.HasSuffix(v.Name, ": as written") && !bytes.Equal(encode(t, s), v.Input) {
			t.Errorf("%s: is written otherwise here:\n%s", v.Name, encode(t, s))
		}
		got := map[string]string{"kind": s.Kind.String(), "digest": statement.Digest(v.Input).String(), "release_digest": s.ReleaseDigest().String()}
		for name, want := range v.Gives {
			if got[name] != want {
				t.Errorf("%s: %s is %q, want %q", v.Name, name, got[name], want)
			}
		}
	}
	for _, rule := range []refusal.Rule{refusal.JSONFormat, refusal.JSONLimit, refusal.StmType, refusal.StmField, refusal.StmSubject, refusal.StmMust, refusal.StmLimit} {
		if !expected[string(rule)] {
			t.Errorf("no vector is refused by %s", rule)
		}
	}
	if len(accepted) != 4 {
		t.Errorf("%d kinds are among those that are accepted", len(accepted))
	}
}

func TestLimits(t *testing.T) {
	for name, change := range map[string]func(all map[string]*statement.Statement) *statement.Statement{
		"archives": func(all map[string]*statement.Statement) *statement.Statement {
			s := all["build"]
			s.Archives = make([]statement.Archive, statement.MaxArchives+1)
			return s
		},
		"filtered": func(all map[string]*statement.Statement) *statement.Statement {
			s := all["build"]
			s.Outcome.Filtered = make([]statement.Filtered, statement.MaxFiles+1)
			return s
		},
		"tools": func(all map[string]*statement.Statement) *statement.Statement {
			all["build"].Build.Tools = make([]statement.Tool, statement.MaxTools+1)
			return all["build"]
		},
		"reviewed": func(all map[string]*statement.Statement) *statement.Statement {
			all["review"].Review.Files = make([]statement.Reviewed, statement.MaxFiles+1)
			return all["review"]
		},
		"seen": func(all map[string]*statement.Statement) *statement.Statement {
			all["release"].Release.Seen = make([]statement.Seen, statement.MaxSeen+1)
			return all["release"]
		},
		"a reason": func(all map[string]*statement.Statement) *statement.Statement {
			all["withdrawal"].Withdrawal.Why = strings.Repeat("a", statement.MaxTextBytes+1)
			return all["withdrawal"]
		},
		"a line": func(all map[string]*statement.Statement) *statement.Statement {
			all["build"].Build.Countermark = strings.Repeat("a", statement.MaxLineBytes+1)
			return all["build"]
		},
		"a URI": func(all map[string]*statement.Statement) *statement.Statement {
			all["build"].Build.BuilderID = "a:" + strings.Repeat("a", statement.MaxURIBytes)
			return all["build"]
		},
	} {
		s := change(statements(t, digest.SHA1Format))
		if _, err := s.Encode(); ruleOf(err) != string(refusal.StmLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := statement.Parse(bytes.Repeat([]byte(" "), statement.MaxBytes+1)); ruleOf(err) != string(refusal.StmLimit) {
		t.Errorf("too large: %v", err)
	}
}

// record is one that FromRecord makes the statement "build" of.
func record(t testing.TB) *buildrecord.Record {
	t.Helper()
	n := func(digit string) ids { return named(t, digest.SHA1Format, digit) }
	file := func(digit string) buildrecord.File {
		return buildrecord.File{Path: "src/hello.c", Mode: "100644", Blob: n(digit).id, SHA256: n(digit).id256}
	}
	return &buildrecord.Record{
		Format: buildrecord.FormatVersion, Project: "https://hello.example", Version: "1.0",
		Recipe: buildrecord.Recipe{SHA256: n("4").sum, Origin: buildrecord.RecipeOfSource},
		Source: buildrecord.Source{Ref: "refs/tags/v1.0", Tag: n("1").id, TagSHA256: n("1").sum, Commit: n("2").id, CommitSHA256: n("2").sum, Tree: n("3").id, TreeSHA256: n("3").id256},
		Environment: buildrecord.Environment{Kind: "rootfs", ID: n("2").sum, System: "Debian GNU/Linux 12 (bookworm)", Machine: "x86_64",
			Sandbox: buildrecord.Sandbox{Name: "bubblewrap", Version: "0.8.0"}, Tools: []buildrecord.Tool{
				{Name: "bison", Path: "/usr/bin/bison", SHA256: n("e").sum, Version: "bison (GNU Bison) 3.8.2", Package: "bison=2:3.8.2+dfsg-1+b1"},
				{Name: "gone"},
				{Name: "re2c", Path: "/countermark/re2c/bin/re2c", SHA256: n("f").sum, Version: "re2c 3.0", Source: "sha256:" + strings.Repeat("1", 64)}}},
		Built:    buildrecord.Built{Commit: n("5").id, CommitSHA256: n("5").sum, Tree: n("6").id, TreeSHA256: n("6").id256},
		Tar:      buildrecord.Tar{SHA256: n("8").sum, Top: "hello-1.0", Tree: n("7").id, TreeSHA256: n("7").id256},
		Filtered: []buildrecord.Filtered{{Path: "src/hello.c", By: []string{"ident", "eol"}, Built: file("9"), Archive: file("a")}},
		Archives: []buildrecord.Archive{{Name: "hello-1.0.zip", SHA256: n("d").sum}, {Name: "hello-1.0.tar.gz", SHA256: n("b").sum}, {Name: "hello-1.0.tar.xz", SHA256: n("c").sum}},
	}
}

func making(t testing.TB) statement.Making {
	t.Helper()
	return statement.Making{
		Claims:     statement.Claims{Issued: 1711713600, BuilderID: "https://ci.example/runner/7", HostingDomain: "ci.example", ToolchainOrigin: "Debian", Countermark: "v0.1.0"},
		RecordName: "hello-1.0.build.json", RecordDigest: named(t, digest.SHA1Format, "3").sum}
}

func TestClaims(t *testing.T) {
	good := making(t).Claims
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	if err := (&statement.Claims{}).Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(c *statement.Claims){
		"builder":   func(c *statement.Claims) { c.BuilderID = "me" },
		"domain":    func(c *statement.Claims) { c.HostingDomain = "a\nb" },
		"toolchain": func(c *statement.Claims) { c.ToolchainOrigin = "a\x1bb" },
		"program":   func(c *statement.Claims) { c.Countermark = "\xff" },
	} {
		c := good
		if change(&c); ruleOf(c.Check()) != string(refusal.StmField) {
			t.Errorf("%s: %v", name, c.Check())
		}
	}
}

func TestFromRecord(t *testing.T) {
	s, err := statement.FromRecord(record(t), making(t))
	if want := statements(t, digest.SHA1Format)["build"]; err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("%v: got %+v\nwant %+v", err, s, want)
	}
	nobody := making(t)
	nobody.BuilderID = ""
	r := record(t)
	r.Environment.Tools[0].Version = strings.Repeat("é", statement.MaxLineBytes)
	if s, err = statement.FromRecord(r, nobody); err != nil || s.Build.BuilderID != statement.LocalBuilder || len(s.Build.Tools[0].Version) != statement.MaxLineBytes {
		t.Errorf("%v: %+v", err, s)
	}
	for name, change := range map[string]func(r *buildrecord.Record){
		"no digest of the tag":     func(r *buildrecord.Record) { r.Source.TagSHA256 = digest.SHA256{} },
		"no digest of the commit":  func(r *buildrecord.Record) { r.Built.CommitSHA256 = digest.SHA256{} },
		"no top":                   func(r *buildrecord.Record) { r.Tar.Top = "" },
		"a filtered mode":          func(r *buildrecord.Record) { r.Filtered[0].Archive.Mode = "100755" },
		"a file left out":          func(r *buildrecord.Record) { r.Filtered = nil },
		"two names":                func(r *buildrecord.Record) { r.Archives[0].Name = "other-1.0.zip" },
		"no archive":               func(r *buildrecord.Record) { r.Archives = nil },
		"an environment of no one": func(r *buildrecord.Record) { r.Environment.ID = digest.SHA256{} },
	} {
		r := record(t)
		change(r)
		if _, err := statement.FromRecord(r, making(t)); err == nil {
			t.Errorf("%s: a statement is made", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, format := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		for _, s := range statements(f, format) {
			f.Add(encode(f, s))
		}
	}
	for _, v := range testkit.Vectors(f, "../../testdata/vectors/statement") {
		f.Add(v.Input)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := statement.Parse(data)
		if err != nil {
			return
		}
		written, err := s.Encode()
		if err != nil {
			t.Fatalf("read %+v, and cannot write it: %v", s, err)
		}
		again, err := statement.Parse(written)
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("read %+v, wrote %s, read %+v, %v", s, written, again, err)
		}
		if s.ReleaseDigest() != again.ReleaseDigest() {
			t.Fatal("a spelling moves the release digest")
		}
	})
}
