package statement

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
)

// Claims is what a builder says of itself.
type Claims struct {
	Issued          int64  // Unix seconds
	BuilderID       string // URI; "" for LocalBuilder
	HostingDomain   string // who runs the machine, "" if it does not say
	ToolchainOrigin string // who made the tools, "" if it does not say
	Countermark     string // version of this program
}

// Check holds the claims to their grammar. The error is a *refusal.Refusal.
func (c *Claims) Check() error {
	return cmp.Or(checkURI("the builder", cmp.Or(c.BuilderID, LocalBuilder)), checkLine(c.HostingDomain), checkLine(c.ToolchainOrigin), checkLine(c.Countermark))
}

// Making is what a build statement says beside what is in the record.
type Making struct {
	Claims
	RecordName   string // name of the record's file
	RecordDigest digest.SHA256
	Rebuild      *Rebuild // of a rebuild, else nil
}

// FromRecord returns the statement of a machine that has built what the record
// says. The error, a *refusal.Refusal, says what no statement can say: a record
// of other than one release, or one that lacks a digest.
func FromRecord(r *buildrecord.Record, m Making) (*Statement, error) {
	s := &Statement{
		Kind: KindBuild, Issued: m.Issued,
		Identity: Identity{
			Project: r.Project, Version: r.Version, TagRef: r.Source.Ref,
			Tag: Object{r.Source.Tag, r.Source.TagSHA256}, Commit: Object{r.Source.Commit, r.Source.CommitSHA256},
			Tree: Tree{r.Source.Tree, r.Source.TreeSHA256}, Recipe: r.Recipe.SHA256,
		},
		Outcome: Outcome{
			Top: r.Tar.Top, Commit: Object{r.Built.Commit, r.Built.CommitSHA256}, BuiltTree: Tree{r.Built.Tree, r.Built.TreeSHA256},
			ArchiveTree: Tree{r.Tar.Tree, r.Tar.TreeSHA256}, Tar: r.Tar.SHA256,
		},
		Build: &Build{
			BuilderID: cmp.Or(m.BuilderID, LocalBuilder), HostingDomain: m.HostingDomain, ToolchainOrigin: m.ToolchainOrigin, Countermark: m.Countermark,
			Environment: environmentOf(&r.Environment), Record: Record{m.RecordName, m.RecordDigest}, Rebuild: m.Rebuild,
		},
	}
	for _, t := range r.Environment.Tools {
		if !t.SHA256.IsZero() { // it was found
			s.Build.Tools = append(s.Build.Tools, Tool{Name: t.Name, SHA256: t.SHA256, Version: line(t.Version), Package: line(t.Package), Source: line(t.Source)})
		}
	}
	for _, a := range r.Archives {
		s.Archives = append(s.Archives, Archive{Name: a.Name, SHA256: a.SHA256})
	}
	for _, f := range r.Filtered {
		if f.Built.Mode != f.Archive.Mode {
			return nil, wrong("the file %q has another mode in the archives than in the built commit, which no filter of git makes", f.Path)
		}
		s.Outcome.Filtered = append(s.Outcome.Filtered, Filtered{Path: f.Path, Mode: f.Built.Mode, By: f.By,
			Built: Blob{f.Built.Blob, f.Built.SHA256}, Archive: Blob{f.Archive.Blob, f.Archive.SHA256}})
	}
	s.sort()
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func environmentOf(e *buildrecord.Environment) Environment {
	return Environment{Kind: e.Kind, ID: e.ID, System: line(e.System), Machine: line(e.Machine), Sandbox: line(strings.TrimSpace(e.Sandbox.Name + " " + e.Sandbox.Version))}
}

// line cuts what a program said of itself: the record has all of it.
func line(s string) string {
	s = s[:min(len(s), MaxLineBytes)]
	for !utf8.ValidString(s) && len(s) > 0 {
		s = s[:len(s)-1]
	}
	return s
}
