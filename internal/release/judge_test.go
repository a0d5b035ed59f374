package release_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/statement"
)

const helloPolicy = `countermark-policy = 1
version = 1
project = "https://git.example.org/hello"
recipes = [RECIPE]
waive = ["reviewer"]

[people.saki]
keys = [KEY(saki)]

[people.ben]
keys = [KEY(ben)]

[people.ada]
keys = [KEY(ada)]

[machines.ci]
keys = [KEY(ci)]
domain = "forge"
toolchain = "debian"
operators = ["ada"]

[machines.nightjar]
keys = [KEY(nightjar)]
domain = "university"
toolchain = "guix"
operators = ["eve"]

[people.eve]
keys = [KEY(eve)]

[owners]
need = 2
of = ["saki", "ben", "ada"]

[quorum.source]
need = 1
of = ["saki"]

[quorum.builder]
need = 1
of = ["ci"]

[quorum.rebuilder]
need = 1
of = ["nightjar"]

[quorum.release-manager]
need = 1
of = ["ben"]
`

func judge(t *testing.T, e release.Evidence) *release.Verdict {
	t.Helper()
	v, err := release.Judge(e)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHonest(t *testing.T) {
	w := newWorld(t, helloPolicy)
	m := w.makeRelease(honest())
	v := judge(t, w.evidence(m, w.vouch(m)...))
	if v.Outcome() != release.Vouched {
		t.Fatalf("%v: %+v, %v", v.Outcome(), v.Failures, v.Open)
	}
}

// row is one change of the honest evidence, and what must come of it.
type row struct {
	name   string
	change func(w *world, m *made, e *release.Evidence)
	want   string // the first failure's rule, "" for none
	exit   int
}

// Whatever is not as the statements say is found, and named.
func TestRules(t *testing.T) {
	for _, r := range []row{
		{"an archive with another file", func(w *world, m *made, e *release.Evidence) {
			evil := w.makeRelease(func() plan { p := honest(); p.archived = map[string]string{"words.h": "evil\n"}; return p }())
			e.Files = []lineage.File{w.open(m.archive.Name, evil.file)}
		}, "REL_ARCHIVE", 1},
		{"an archive of another name", func(w *world, m *made, e *release.Evidence) { e.Files[0].Name = "hello-1.1.tar.gz" }, "REL_BINDING", 1},
		{"another compression of the same tar", func(w *world, m *made, e *release.Evidence) {
			e.Files = []lineage.File{w.open(m.archive.Name, regzip(w.tb, m.file))}
		}, "", 0},
		{"a version that was not asked for", func(_ *world, _ *made, e *release.Evidence) { e.Version = "1.1" }, "REL_NONE", 1},
		{"no archive", func(_ *world, _ *made, e *release.Evidence) { e.Files = nil }, "", 3},
		{"no release statement", func(_ *world, _ *made, e *release.Evidence) { e.Statements = e.Statements[:3] }, "REL_NONE", 1},
		{"no builder", func(_ *world, _ *made, e *release.Evidence) { e.Statements = e.Statements[1:] }, "POL_QUORUM", 1},
		{"no rebuilder", func(_ *world, _ *made, e *release.Evidence) { e.Statements = slices.Delete(e.Statements, 1, 2) }, "POL_QUORUM", 1},
		{"a release manager who did not build", func(_ *world, _ *made, e *release.Evidence) { e.Statements = slices.Delete(e.Statements, 2, 3) }, "POL_QUORUM", 1},
		{"no policy", func(_ *world, _ *made, e *release.Evidence) { e.Chain = nil }, "", 3},
		{"no root", func(_ *world, _ *made, e *release.Evidence) { e.Root = digest.SHA256{} }, "", 3},
		{"another root", func(_ *world, _ *made, e *release.Evidence) { e.Root = digest.SHA256{1} }, "POL_CHAIN", 1},
		{"a newer policy was seen", func(_ *world, _ *made, e *release.Evidence) {
			e.Remembered = release.Remembered{Version: 2, Policy: digest.SHA256{1}}
		}, "POL_ROLLBACK", 1},
		{"another policy of this version was seen", func(_ *world, _ *made, e *release.Evidence) {
			e.Remembered = release.Remembered{Version: 1, Policy: digest.SHA256{1}}
		}, "POL_ROLLBACK", 1},
		{"this policy was seen", func(w *world, _ *made, e *release.Evidence) {
			e.Remembered = release.Remembered{Version: 1, Policy: w.root()}
		}, "", 0},
		{"no git objects", func(_ *world, _ *made, e *release.Evidence) { e.Objects = nil }, "", 3},
		{"no recipe", func(_ *world, _ *made, e *release.Evidence) { e.Recipes = nil }, "", 3},
		{"an unsigned tag", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) { p.tagger = "" })
		}, "POL_QUORUM", 1},
		{"a tag that somebody else signed", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) { p.tagger = "ada" })
		}, "POL_QUORUM", 1},
		{"a recipe that nobody approved", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) { p.recipe = strings.Replace(p.recipe, `"table.h"`, `"table.h", "more.h"`, 1) })
		}, "POL_CONDITION", 1},
		{"a recipe of another project", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) {
				p.recipe = strings.Replace(p.recipe, "git.example.org/hello", "git.example.org/other", 1)
			})
		}, "REL_BINDING", 1},
		{"a file that no step may make", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) { p.generated["more.c"] = "evil\n" })
		}, "REL_RECIPE", 1},
		{"a source file that no step may change", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) { p.generated["main.c"] = "evil\n" })
		}, "REL_RECIPE", 1},
		{"an archive that is not its own built commit", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) { p.archived = map[string]string{"words.h": "evil\n"} })
		}, "REL_TREE", 1},
		{"a file more in the archive", func(w *world, _ *made, e *release.Evidence) {
			*e = w.fresh(func(p *plan) { p.archived = map[string]string{"words.c": "evil\n"} })
		}, "REL_TREE", 1},
		{"statements that name another tag object", func(w *world, m *made, e *release.Evidence) {
			m.identity.Tag.SHA256[0] ^= 1
			e.Statements = w.vouch(m)
		}, "REL_SOURCE", 1},
		{"statements that name another source tree", func(w *world, m *made, e *release.Evidence) {
			m.identity.Tree = m.outcome.BuiltTree
			e.Statements = w.vouch(m)
		}, "REL_SOURCE", 1},
		{"statements that name another built commit", func(w *world, m *made, e *release.Evidence) {
			m.outcome.Commit.SHA256[0] ^= 1
			e.Statements = w.vouch(m)
		}, "REL_BUILT", 1},
		{"a release under a policy that is none of these", func(w *world, m *made, e *release.Evidence) {
			e.Statements[3] = w.sign(m.release(1, digest.SHA256{1}), "ben")
		}, "POL_QUORUM", 1},
		{"a withdrawal by too few", func(w *world, m *made, e *release.Evidence) {
			e.Statements = append(e.Statements, w.sign(m.withdrawal(), "ada"))
		}, "", 0},
		{"a withdrawal", func(w *world, m *made, e *release.Evidence) {
			e.Statements = append(e.Statements, w.sign(m.withdrawal(), "ben"))
		}, "REL_DRAWN", 1},
		{"a dissenting builder of the policy", func(w *world, m *made, e *release.Evidence) {
			evil := w.makeRelease(func() plan { p := honest(); p.generated["words.h"] = "other\n"; return p }())
			e.Statements[0] = w.sign(evil.build(), "ci")
		}, "POL_MIXED", 1},
	} {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t, helloPolicy)
			m := w.makeRelease(honest())
			e := w.evidence(m, w.vouch(m)...)
			r.change(w, m, &e)
			v := judge(t, e)
			got := ""
			if len(v.Failures) > 0 {
				got = string(v.Failures[0].Rule)
			}
			if got != r.want || v.Outcome().Exit() != r.exit {
				t.Errorf("exit %d, want %d; failures %v, want %q; open %v", v.Outcome().Exit(), r.exit, v.Failures, r.want, v.Open)
			}
		})
	}
}

// fresh returns the evidence of a release that is otherwise honest.
func (w *world) fresh(change func(p *plan)) release.Evidence {
	p := honest()
	change(&p)
	m := w.makeRelease(p)
	return w.evidence(m, w.vouch(m)...)
}

// tagged returns the evidence of a release whose tag is of something else.
func (w *world) tagged(m *made, object digest.ObjectID, kind string) release.Evidence {
	tag := fmt.Appendf(nil, "object %v\ntype %s\ntag v1.0\ntagger A U Thor <a@example.org> %d +0000\n\nhello\n", object, kind, epoch)
	m.identity.Tag = m.add(w.tb, digest.Tag, append(tag, w.parties["saki"].key.Sign("git", tag)...))
	return w.evidence(m, w.vouch(m)...)
}

// A tag leads to the source commit and bears its ref's name (G15 and G16 of the
// threats), or the source is not the release's.
func TestTags(t *testing.T) {
	for name, change := range map[string]func(w *world, m *made) release.Evidence{
		"G15 a tag behind another name": func(w *world, m *made) release.Evidence {
			m.identity.TagRef = "refs/tags/v9.9"
			return w.evidence(m, w.vouch(m)...)
		},
		"G16 a tag of a tag":          func(w *world, m *made) release.Evidence { return w.tagged(m, m.identity.Tag.ID, "tag") },
		"G16 a tag of a tree":         func(w *world, m *made) release.Evidence { return w.tagged(m, m.identity.Tree.ID, "tree") },
		"G16 a tag of another commit": func(w *world, m *made) release.Evidence { return w.tagged(m, m.outcome.Commit.ID, "commit") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, helloPolicy)
			v := judge(t, change(w, w.makeRelease(honest())))
			if !slices.ContainsFunc(v.Failures, func(f release.Failure) bool { return f.Rule == refusal.RelSource }) || v.Outcome() != release.Refuted {
				t.Errorf("%v: %v, want %s", v.Outcome(), v.Failures, refusal.RelSource)
			}
		})
	}
}

// A lightweight tag is one that nobody signed.
func TestLightweightTag(t *testing.T) {
	w := newWorld(t, helloPolicy)
	m := w.makeRelease(honest())
	m.identity.Tag = statement.Object{}
	if v := judge(t, w.evidence(m, w.vouch(m)...)); v.Outcome() != release.Refuted {
		t.Errorf("%v: %v", v.Outcome(), v.Open)
	}
}

func (m *made) withdrawal() *statement.Statement {
	s := m.build()
	s.Kind, s.Build, s.Withdrawal = statement.KindWithdrawal, nil, &statement.Withdrawal{Why: "words.h is wrong"}
	return s
}

// regzip compresses the tar of an archive in another way.
func regzip(tb testing.TB, file []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	tarball, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		tb.Fatal(err)
	}
	_, _ = w.Write(tarball)
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestTooManyReleases(t *testing.T) {
	w := newWorld(t, helloPolicy)
	m := w.makeRelease(honest())
	e := w.evidence(m)
	for i := range release.MaxCandidates + 1 {
		m.outcome.Commit.SHA256[0] = byte(i)
		e.Statements = append(e.Statements, w.sign(m.release(1, w.root()), "ben"))
	}
	_, err := release.Judge(e)
	if refused, ok := errors.AsType[*refusal.Refusal](err); !ok || refused.Rule != refusal.RelLimit {
		t.Errorf("%v, want %s", err, refusal.RelLimit)
	}
}
