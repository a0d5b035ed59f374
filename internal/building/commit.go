package building

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/objects"
	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/report"
)

// commit makes the built commit, in memory.
func (b *build) commit(ctx context.Context) error {
	built, wrong := b.account.Built()
	for _, v := range wrong {
		b.found.Add(finding.Finding{Rule: finding.Dirty, Path: v.Path, Detail: fmt.Sprintf("a %v is in the way of the built commit", v.Kind), Hint: "declare it under " + v.Hint})
	}
	if len(wrong) > 0 {
		return nil
	}
	if built.Len() == 0 {
		return report.UsageFailure("let omit mean less", "nothing is left to be released: the recipe's omit means every path")
	}
	b.built = built
	branch, err := b.source.Recipe.BranchOf(b.source.Version)
	if err != nil {
		return err
	}
	head, err := refs.ReadBefore(ctx, b.source.Repo, refs.Release{Branch: branch, Version: b.source.Version, Source: b.sourceOfCommit()})
	if err != nil {
		return err
	}
	root, rootID, err := builtcommit.Root(b.source.Format())
	if err != nil {
		return err
	}
	if head.ID.IsZero() {
		head.ID = rootID
		b.roots = [][]byte{root}
	}
	id := built.Identity(b.source.Formats()...)
	b.record.Built.Branch = branch
	b.record.Built.Tree, b.record.Built.TreeSHA256 = id.Git.In(b.source.Format()), id.Git.In(digest.SHA256Format)
	c := b.builtCommit(head.ID)
	b.raw, b.record.Built.Commit, err = c.Encode()
	b.record.Built.CommitSHA256 = sha256.Sum256(b.raw)
	b.record.Built.Parents = []digest.ObjectID{c.Previous, c.Source.Commit}
	return err
}

// builtCommit returns what the built commit says.
func (b *build) builtCommit(previous digest.ObjectID) *builtcommit.Commit {
	built := b.source.Recipe.Built
	return &builtcommit.Commit{
		Tree: b.record.Built.Tree, Previous: previous,
		Author:    builtcommit.Person{Name: built.Author.Name, Email: built.Author.Email},
		Committer: builtcommit.Person{Name: built.Committer.Name, Email: built.Committer.Email},
		Unix:      b.source.Epoch(),
		Name:      builtcommit.NameOf(b.source.Recipe.PrefixOf(b.source.Version), string(b.source.Version)), Version: b.source.Version,
		Source: b.sourceOfCommit(),
		Recipe: b.source.Recipe.Digest,
	}
}

func (b *build) sourceOfCommit() builtcommit.Source {
	return builtcommit.Source{Tag: b.source.Ref.Name, TagObject: b.source.TagID, Commit: b.source.CommitID}
}

// addObjects writes all objects of the built commit that a repository lacks.
func (b *build) addObjects(ctx context.Context, into *gitrepo.Repository) error {
	c := objects.Commit{Dir: b.work(), Tree: b.built, Format: b.source.Format(), Roots: b.roots, Raw: b.raw}
	return c.Add(ctx, into)
}
