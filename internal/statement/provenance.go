package statement

import (
	"strings"

	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/digest"
)

// The names of resources in a build statement (section 5).
const (
	sourceCommit = "source/commit"
	sourceTree   = "source/tree"
	environment  = "environment"
	toolPrefix   = "tool/"
	builtCommit  = "built/commit"
	builtTree    = "built/tree"
	archiveTree  = "archive/tree"
	recordName   = "record"
	comparison   = "comparison"
)

// The digests of resources (in-toto, spec/v1/digest_set.md). The first two are of
// SHA-1, as others read them; the next two, which it does not define, are git's
// own ids in its SHA-256 format; the last is of a file, or an object's content.
const (
	gitCommit       = "gitCommit"
	gitTree         = "gitTree"
	gitCommitSHA256 = "gitCommitSHA256"
	gitTreeSHA256   = "gitTreeSHA256"
	sha256Name      = "sha256"
)

// provenance returns the predicate of a build.
func (s *Statement) provenance() object {
	i, o, b := &s.Identity, &s.Outcome, s.Build
	external := i.json()
	delete(external, "commit")
	delete(external, "tree")
	dependencies := array{
		object{"name": sourceCommit, "digest": commitDigests(i.Commit)},
		object{"name": sourceTree, "digest": treeDigests(i.Tree)},
		b.Environment.json(),
	}
	for _, t := range b.Tools {
		dependencies = append(dependencies, object{"name": toolPrefix + t.Name, "digest": object{sha256Name: t.SHA256.String()},
			"annotations": object{"version": t.Version, "package": t.Package, "source": t.Source}})
	}
	products := array{
		object{"name": builtCommit, "digest": commitDigests(o.Commit)},
		object{"name": builtTree, "digest": treeDigests(o.BuiltTree)},
		object{"name": archiveTree, "digest": treeDigests(o.ArchiveTree), "annotations": object{"top": o.Top, "filtered": filteredJSON(o.Filtered)}},
		object{"name": recordName, "digest": object{sha256Name: b.Record.SHA256.String()}, "annotations": object{"file": b.Record.Name}},
	}
	if r := b.Rebuild; r != nil {
		products = append(products, object{"name": comparison, "annotations": object{
			"commit": orNull(r.Commit.String()), "archive": sumOrNull(r.Archive), "reproduced": r.Reproduced, "differs": r.Differs}})
	}
	return object{
		"buildDefinition": object{
			"buildType": BuildType, "externalParameters": external,
			"internalParameters":   object{"hostingDomain": b.HostingDomain, "toolchainOrigin": b.ToolchainOrigin},
			"resolvedDependencies": dependencies,
		},
		"runDetails": object{
			"builder":    object{"id": b.BuilderID, "version": object{"countermark": b.Countermark}},
			"metadata":   object{"finishedOn": timeText(s.Issued)},
			"byproducts": products,
		},
	}
}

func commitDigests(o Object) object {
	name := gitCommit
	if o.ID.Format() == digest.SHA256Format {
		name = gitCommitSHA256
	}
	return object{name: o.ID.String(), sha256Name: o.SHA256.String()}
}

func treeDigests(t Tree) object {
	o := object{gitTreeSHA256: t.SHA256.String()}
	if t.ID.Format() == digest.SHA1Format {
		o[gitTree] = t.ID.String()
	}
	return o
}

func (e *Environment) json() object {
	o := object{"name": environment, "annotations": object{"kind": e.Kind, "system": e.System, "machine": e.Machine, "sandbox": e.Sandbox}}
	if !e.ID.IsZero() {
		o["digest"] = object{sha256Name: e.ID.String()}
	}
	return o
}

// readProvenance reads the predicate of a build into s.
func (s *Statement) readProvenance(p canonicaljson.Members) {
	definition, run := p.Object("buildDefinition"), p.Object("runDetails")
	if definition.Text("buildType") != BuildType && p.Err() == nil {
		p.FailWith(wrongType("the build type is another than %q", BuildType))
	}
	external := definition.Object("externalParameters")
	// SLSA has verifiers refuse parameters that they do not know: they may have
	// changed what was built (slsa.dev/spec/v1.0/verifying-artifacts).
	external.Only("project", "version", "tagRef", "tag", "recipe")
	s.Identity = readNames(external)
	b := &Build{}
	s.Build = b
	builder := run.Object("builder")
	b.BuilderID, b.Countermark = builder.Text("id"), builder.OptionalObject("version").OptionalText("countermark")
	internal := definition.OptionalObject("internalParameters")
	b.HostingDomain, b.ToolchainOrigin = internal.OptionalText("hostingDomain"), internal.OptionalText("toolchainOrigin")
	s.Issued = canonicaljson.Field(run.Object("metadata"), "finishedOn", parseTime)
	s.readDependencies(resources(definition, "resolvedDependencies"))
	s.readProducts(resources(run, "byproducts"))
}

// resourceList is what a list of resources holds.
type resourceList struct {
	list   canonicaljson.Members
	key    string
	byName map[string]canonicaljson.Members
	tools  []canonicaljson.Members
}

func resources(m canonicaljson.Members, key string) resourceList {
	r := resourceList{list: m, key: key, byName: make(map[string]canonicaljson.Members)}
	for _, resource := range m.Objects(key) {
		name := resource.OptionalText("name")
		if strings.HasPrefix(name, toolPrefix) {
			r.tools = append(r.tools, resource)
			continue
		}
		if _, twice := r.byName[name]; twice && name != "" {
			m.Fail(key, "has two resources that are called %q", name)
		}
		r.byName[name] = resource
	}
	return r
}

// get returns the resource of a name, which must be there.
func (r resourceList) get(name string) canonicaljson.Members {
	m, there := r.byName[name]
	if !there {
		r.list.Fail(r.key, "has no resource that is called %q", name)
		return r.list
	}
	return m
}

func (s *Statement) readDependencies(r resourceList) {
	s.Identity.Commit = readCommit(r.get(sourceCommit).Object("digest"))
	s.Identity.Tree = readTree(r.get(sourceTree).Object("digest"))
	e, at := &s.Build.Environment, r.get(environment)
	if at.Present("digest") {
		e.ID = canonicaljson.Field(at.Object("digest"), sha256Name, digest.ParseSHA256)
	}
	notes := at.Object("annotations")
	e.Kind, e.System, e.Machine, e.Sandbox = notes.Text("kind"), notes.Text("system"), notes.Text("machine"), notes.Text("sandbox")
	for _, m := range r.tools {
		notes := m.Object("annotations")
		s.Build.Tools = append(s.Build.Tools, Tool{
			Name: strings.TrimPrefix(m.Text("name"), toolPrefix), SHA256: canonicaljson.Field(m.Object("digest"), sha256Name, digest.ParseSHA256),
			Version: notes.Text("version"), Package: notes.Text("package"), Source: notes.Text("source"),
		})
	}
}

func (s *Statement) readProducts(r resourceList) {
	s.Outcome.Commit = readCommit(r.get(builtCommit).Object("digest"))
	s.Outcome.BuiltTree = readTree(r.get(builtTree).Object("digest"))
	at := r.get(archiveTree)
	s.Outcome.ArchiveTree = readTree(at.Object("digest"))
	s.Outcome.Top, s.Outcome.Filtered = at.Object("annotations").Text("top"), readFiltered(at.Object("annotations"))
	at = r.get(recordName)
	s.Build.Record = Record{Name: at.Object("annotations").Text("file"), SHA256: canonicaljson.Field(at.Object("digest"), sha256Name, digest.ParseSHA256)}
	at, compared := r.byName[comparison]
	if !compared {
		return
	}
	notes := at.Object("annotations")
	c := &Rebuild{Reproduced: notes.Bool("reproduced"), Differs: notes.Integer("differs")}
	if !notes.IsNull("commit") {
		c.Commit = canonicaljson.Field(notes, "commit", digest.ParseObjectID)
	}
	if !notes.IsNull("archive") {
		c.Archive = canonicaljson.Field(notes, "archive", digest.ParseSHA256)
	}
	s.Build.Rebuild = c
}

func readCommit(m canonicaljson.Members) Object {
	return Object{ID: readID(m, gitCommit, gitCommitSHA256), SHA256: canonicaljson.Field(m, sha256Name, digest.ParseSHA256)}
}

func readTree(m canonicaljson.Members) Tree {
	return Tree{ID: readID(m, gitTree, gitTreeSHA256), SHA256: canonicaljson.Field(m, gitTreeSHA256, digest.ParseObjectID)}
}

// readID reads the id in the repository's format: that of SHA-1 if it is there.
func readID(m canonicaljson.Members, sha1, sha256 string) digest.ObjectID {
	if !m.Present(sha1) {
		return canonicaljson.Field(m, sha256, digest.ParseObjectID)
	}
	id := canonicaljson.Field(m, sha1, digest.ParseObjectID)
	if m.Err() == nil && id.Format() != digest.SHA1Format {
		m.Fail(sha1, "is not of 40 digits")
	}
	return id
}
