// Package objects reads the objects of git repositories that nobody vouches
// for, through a running "git cat-file", and hashes each of them again. The
// errors are *refusal.Refusal with a GIT_ rule wherever an object is not what it
// should be.
package objects

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/refusal"
)

// Reader reads objects. It is not safe for concurrent use. Close ends its
// process; the next question starts another.
type Reader struct {
	Program    *gitexec.Program
	GitDir     string        // a repository of our own, of the format
	Alternates []string      // object directories to read from
	Format     digest.Format // of the objects
	batch      *batch
}

// Object is an answer. Type is 0 if the object is not there.
type Object struct {
	Type      digest.ObjectType
	SizeBytes int64
	Content   []byte // valid only until the next answer; nil if only the header was asked for
}

// Read reads whole objects and calls each in the order of ids. The error is a
// *refusal.Refusal: GIT_HASH, GIT_SHA1_COLLISION, GIT_FORMAT or GIT_LIMIT, or
// what each returned, or another if git failed.
func (r *Reader) Read(ctx context.Context, ids []digest.ObjectID, each func(i int, o Object) error) error {
	return r.ask(ctx, question{"contents", ids}, each)
}

// Info asks for types and sizes, as git claims them, in the order of ids.
func (r *Reader) Info(ctx context.Context, ids []digest.ObjectID, each func(i int, o Object) error) error {
	return r.ask(ctx, question{"info", ids}, each)
}

// Close ends the process, if it is running.
func (r *Reader) Close() {
	if r.batch == nil {
		return
	}
	r.batch.end()
	r.batch = nil
}

// Object returns the type and content of an object, hashed again. The error is
// a *refusal.Refusal: GIT_MISSING, GIT_HASH, GIT_SHA1_COLLISION, GIT_FORMAT or
// GIT_LIMIT, or another if git failed.
func (r *Reader) Object(ctx context.Context, id digest.ObjectID) (digest.ObjectType, []byte, error) {
	var kind digest.ObjectType
	var content []byte
	err := r.Read(ctx, []digest.ObjectID{id}, func(_ int, o Object) error {
		if kind, content = o.Type, bytes.Clone(o.Content); kind == 0 {
			return r.Missing(id)
		}
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return kind, content, nil
}

// Missing is the refusal for an object that is not there. git says "missing"
// too of one that it cannot decode; only its stderr, complete once the process
// has ended, tells the two apart.
func (r *Reader) Missing(id digest.ObjectID) *refusal.Refusal {
	if r.batch != nil {
		r.batch.end()
		if damage := r.batch.damage(); damage != nil {
			return damage.At(refusal.Unknown, id.String())
		}
		if said := strings.Join(r.batch.stderr.Lines(), "; "); said != "" {
			return refusal.New(refusal.GitMissing, "the repository does not give the object, and git said: %s", said).At(refusal.Unknown, id.String())
		}
	}
	return refusal.New(refusal.GitMissing, "the repository does not have the object").At(refusal.Unknown, id.String())
}

// Commit returns a commit. The error is a *refusal.Refusal: those of Object and
// gitobject.ParseCommit, or GIT_TYPE.
func (r *Reader) Commit(ctx context.Context, id digest.ObjectID) (*gitobject.Commit, error) {
	kind, raw, err := r.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if kind != digest.Commit {
		return nil, refusal.New(refusal.GitType, "the object is a %v where a commit was expected", kind).At(refusal.Unknown, id.String())
	}
	c, err := gitobject.ParseCommit(r.Format, raw)
	return c, InObject(err, id)
}

// InObject says in a refusal which object it is about.
func InObject(err error, id digest.ObjectID) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		if r.Member != "" {
			r = refusal.New(r.Rule, "%s, in tree object %v", r.Detail, id).At(r.Offset, r.Member)
		}
		return r.At(refusal.Unknown, id.String())
	}
	return err
}
