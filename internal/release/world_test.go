package release_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/archive/canonical"
	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

const (
	projectURL = "https://git.example.org/hello"
	epoch      = 1_700_000_000
	format     = digest.SHA1Format
)

const helloRecipe = `countermark-recipe = 1

[project]
url = "https://git.example.org/hello"
archive = "hello-{version}"

[source]
tag = "v{version}"

[environment]
kind = "host"

[[step]]
name = "words"
run = ["sh", "gen.sh"]
outputs = ["words.h", "table.h"]

[built]
branch = "hello-built"
author = {name = "CI", email = "ci@example.org"}

[archives]
formats = ["tar.gz"]
`

// party is the name of a key, and the key: "saki" is an ssh key, "saki/pgp" one
// of another form (see addKey).
type party struct {
	name string
	key  key
}

// world is a project with its parties, in which releases are made and signed.
type world struct {
	tb      testing.TB
	parties map[string]party
	policy  string
}

// newWorld makes a world with the parties of the policy, in which "KEY(name)"
// stands for the public key of that name.
func newWorld(tb testing.TB, policy string) *world {
	w := &world{tb: tb, parties: map[string]party{}}
	for rest := policy; ; {
		_, after, found := strings.Cut(rest, "KEY(")
		if !found {
			break
		}
		name, tail, _ := strings.Cut(after, ")")
		rest = tail
		w.addKey(name)
	}
	w.policy = w.fill(policy)
	return w
}

// fill puts keys and the recipe's digest into a policy.
func (w *world) fill(policy string) string {
	for _, name := range slices.Sorted(maps.Keys(w.parties)) {
		line := w.parties[name].key.Line()
		if strings.Contains(line, "\n") {
			line = "\n'''\n" + line + "'''"
		} else {
			line = `"` + line + `"`
		}
		policy = strings.ReplaceAll(policy, "KEY("+name+")", line)
	}
	return strings.ReplaceAll(policy, "RECIPE", fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(helloRecipe))))
}

func (w *world) must(err error) {
	w.tb.Helper()
	if err != nil {
		w.tb.Fatal(err)
	}
}

// made is one build of one release: everything that a party could have made.
type made struct {
	version  string
	identity statement.Identity
	outcome  statement.Outcome
	archive  statement.Archive
	file     []byte // of the archive
	objects  map[digest.ObjectID]object
	recipe   []byte
}

type object struct {
	kind    digest.ObjectType
	content []byte
}

// plan says what to make.
type plan struct {
	version   string
	source    map[string]string // content by path
	generated map[string]string
	tagger    string // party that signs the tag, "" for nobody
	recipe    string
	converted map[string]string // what git's filters make of files in the archive, as the statements say
	headers   string            // more of the source commit
	archived  map[string]string // what the archive has otherwise than the built commit
}

func honest() plan {
	return plan{version: "1.0", tagger: "saki", recipe: helloRecipe,
		source:    map[string]string{"main.c": "int main() {}\n", "gen.sh": "echo words >words.h\n"},
		generated: map[string]string{"words.h": "words\n", "table.h": "1, 2, 3\n"}}
}

func (m *made) add(tb testing.TB, kind digest.ObjectType, content []byte) statement.Object {
	id, err := digest.HashObject(format, kind, content)
	if err != nil {
		tb.Fatal(err)
	}
	m.objects[id] = object{kind, content}
	return statement.Object{ID: id, SHA256: sha256.Sum256(content)}
}

// lay makes a tree of files, and its objects.
func (w *world) lay(m *made, files map[string]string) (tree.Tree, statement.Tree) {
	var entries []tree.Entry
	hash := digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format)
	for path, content := range files {
		hash.Reset(digest.Blob, int64(len(content)))
		_, _ = io.WriteString(hash, content)
		ids, err := hash.Sum()
		w.must(err)
		entries = append(entries, tree.Entry{Path: tree.Path(path), Kind: tree.File, Size: int64(len(content)), IDs: ids})
	}
	t, err := tree.Build(entries)
	w.must(err)
	objects, err := gitobject.EncodeTrees(format, t)
	w.must(err)
	for _, o := range objects {
		m.objects[o.ID] = object{digest.Tree, o.Content}
	}
	ids := t.Identity(format, digest.SHA256Format).Git
	return t, statement.Tree{ID: ids.In(format), SHA256: ids.In(digest.SHA256Format)}
}

// makeRelease makes a release as planned.
func (w *world) makeRelease(p plan) *made {
	w.tb.Helper()
	m := &made{version: p.version, objects: map[digest.ObjectID]object{}, recipe: []byte(p.recipe)}
	_, sourceTree := w.lay(m, p.source)
	commit := m.add(w.tb, digest.Commit, fmt.Appendf(nil, "tree %v\nauthor A U Thor <a@example.org> %d +0000\ncommitter A U Thor <a@example.org> %d +0000\n%s\nrelease\n", sourceTree.ID, epoch, epoch, p.headers))
	ref := "refs/tags/v" + p.version
	tag := fmt.Appendf(nil, "object %v\ntype commit\ntag v%s\ntagger A U Thor <a@example.org> %d +0000\n\nhello %s\n", commit.ID, p.version, epoch, p.version)
	if p.tagger != "" {
		tag = append(tag, w.parties[p.tagger].key.Sign(signature.GitNamespace.Namespace(), tag)...)
	}
	m.identity = statement.Identity{Project: projectURL, Version: p.version, TagRef: ref, Tag: m.add(w.tb, digest.Tag, tag), Commit: commit, Tree: sourceTree, Recipe: sha256.Sum256(m.recipe)}
	files := maps.Clone(p.source)
	maps.Copy(files, p.generated)
	_, builtTree := w.lay(m, files)
	_, root, err := builtcommit.Root(format)
	w.must(err)
	version, err := recipe.ParseVersion(p.version)
	w.must(err)
	built := &builtcommit.Commit{Tree: builtTree.ID, Previous: root, Author: builtcommit.Person{Name: "CI", Email: "ci@example.org"}, Committer: builtcommit.Person{Name: "CI", Email: "ci@example.org"},
		Unix: epoch, Name: "hello", Version: version, Source: builtcommit.Source{Tag: ref, TagObject: m.identity.Tag.ID, Commit: commit.ID}, Recipe: m.identity.Recipe}
	raw, _, err := built.Encode()
	w.must(err)
	m.outcome = statement.Outcome{Top: "hello-" + p.version, Commit: m.add(w.tb, digest.Commit, raw), BuiltTree: builtTree}
	m.outcome.Filtered = w.filtered(files, p.converted)
	maps.Copy(files, p.converted)
	_, m.outcome.ArchiveTree = w.lay(&made{objects: map[digest.ObjectID]object{}}, files)
	maps.Copy(files, p.archived)
	archived, _ := w.lay(&made{objects: map[digest.ObjectID]object{}}, files)
	var tarball, file bytes.Buffer
	w.must(canonical.Write(&tarball, archived, canonical.Source{Prefix: m.outcome.Top, Mtime: epoch, Content: func(e *tree.Entry, out io.Writer) error {
		_, err := io.WriteString(out, files[string(e.Path)])
		return err
	}}))
	m.outcome.Tar = sha256.Sum256(tarball.Bytes())
	z := gzip.NewWriter(&file)
	_, err = z.Write(tarball.Bytes())
	w.must(err)
	w.must(z.Close())
	m.file = file.Bytes()
	m.archive = statement.Archive{Name: "hello-" + p.version + ".tar.gz", SHA256: sha256.Sum256(m.file)}
	return m
}

// filtered says what git's filters make of files.
func (w *world) filtered(files, converted map[string]string) []statement.Filtered {
	blob := func(content string) statement.Blob {
		var ids [2]digest.ObjectID
		for i, f := range []digest.Format{format, digest.SHA256Format} {
			id, err := digest.HashObject(f, digest.Blob, []byte(content))
			w.must(err)
			ids[i] = id
		}
		return statement.Blob{ID: ids[0], SHA256: ids[1]}
	}
	var all []statement.Filtered
	for _, path := range slices.Sorted(maps.Keys(converted)) {
		all = append(all, statement.Filtered{Path: tree.Path(path), Mode: "100644", By: []string{"ident"}, Built: blob(files[path]), Archive: blob(converted[path])})
	}
	return all
}

// open reads the archive of a release under a name.
func (w *world) open(name string, data []byte) lineage.File {
	w.tb.Helper()
	a, err := archive.Open(bytes.NewReader(data), archive.Options{Envelope: envelope.Options{Name: name}})
	w.must(err)
	defer a.Close()
	contents, err := a.Read(context.Background(), nil)
	w.must(err)
	return lineage.File{Name: name, Contents: contents}
}

// build returns what a builder of the release says.
func (m *made) build() *statement.Statement {
	return &statement.Statement{Kind: statement.KindBuild, Issued: epoch, Identity: m.identity, Outcome: m.outcome, Archives: []statement.Archive{m.archive},
		Build: &statement.Build{BuilderID: "https://example.org/builder", Countermark: "test",
			Environment: statement.Environment{Kind: "host", System: "Debian", Machine: "x86_64", Sandbox: "bubblewrap 0.8.0"},
			Record:      statement.Record{Name: "hello-" + m.version + ".build.json", SHA256: digest.SHA256{1}}}}
}

// release returns what a release manager says under a policy who has seen the statements.
func (m *made) release(policyVersion int64, policy digest.SHA256, seen ...statement.Seen) *statement.Statement {
	s := m.build()
	s.Kind, s.Build = statement.KindRelease, nil
	s.Release = &statement.Release{PolicyVersion: policyVersion, Policy: policy, Seen: seen}
	return s
}

// sign returns a statement in an envelope, signed by parties.
func (w *world) sign(s *statement.Statement, names ...string) dsse.Envelope {
	w.tb.Helper()
	payload, err := s.Encode()
	w.must(err)
	return w.signPayload(dsse.StatementType, payload, signature.StatementNamespace, names...)
}

func (w *world) signPayload(payloadType string, payload []byte, d signature.Domain, names ...string) dsse.Envelope {
	e := dsse.Envelope{PayloadType: payloadType, Payload: payload}
	for _, name := range names {
		sig := w.parties[name].key.Sign(d.Namespace(), dsse.PAE(payloadType, payload))
		id, err := signature.KeyID(sig)
		w.must(err)
		e.Signatures = append(e.Signatures, dsse.Signature{KeyID: id, Sig: sig})
	}
	return e
}

// root is the digest of the world's policy.
func (w *world) root() digest.SHA256 { return sha256.Sum256([]byte(w.policy)) }

// evidence returns what comes with a release.
func (w *world) evidence(m *made, statements ...dsse.Envelope) release.Evidence {
	w.tb.Helper()
	e := release.Evidence{Chain: []policychain.Link{{Policy: []byte(w.policy)}}, Root: w.root(), Statements: statements, Objects: &lineage.Objects{},
		Recipes: [][]byte{m.recipe}, Now: epoch, Files: []lineage.File{w.open(m.archive.Name, m.file)}}
	for id, o := range m.objects {
		w.must(e.Objects.Add(id, o.kind, o.content))
	}
	return e
}

// vouch returns the statements of an honest release.
func (w *world) vouch(m *made) []dsse.Envelope {
	return []dsse.Envelope{w.sign(m.build(), "ci"), w.sign(m.build(), "nightjar"), w.sign(m.build(), "ben"), w.sign(m.release(1, w.root()), "ben")}
}
