// Package signatures is the signatures of one release: found in the source tag
// and beside the archives, read, and verified with the keys that were given.
// What they come to is judged by package endorsement.
package signatures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/endorsement"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
)

// Options say with which keys signatures are verified, and where they are.
type Options struct {
	Keyrings       []string // files of OpenPGP certificates or of a key of minisign or signify
	AllowedSigners []string // files of ssh public keys
	Files          []string // detached signatures of the one archive; none: those beside the archives
	Now            int64    // Unix seconds, to which the lives of keys are held
}

// Asked reports whether signatures are to be looked at.
func (o *Options) Asked() bool { return len(o.Keyrings)+len(o.AllowedSigners) > 0 }

// Check refuses options that mean nothing, together and with the names of the
// archives. The error is a *report.Failure.
func (o *Options) Check(archives []string) error {
	switch {
	case len(o.Files) > 0 && !o.Asked():
		return report.UsageFailure("name the project's keys with --keyring or --allowed-signers", "--signature is given, and no keys to verify it with")
	case len(o.Files) > 0 && len(archives) > 1:
		return report.UsageFailure("the signatures beside several archives are found by their names", "--signature is given, and more than one archive")
	}
	return nil
}

// Signatures are the signatures of one release, as far as they were looked at.
type Signatures struct {
	options Options
	seen    map[string]bool // files of signatures
	release endorsement.Release
}

// Open reads the files of keys. The error is a *report.Failure.
func Open(o Options) (*Signatures, error) {
	s := &Signatures{options: o, seen: make(map[string]bool)}
	for _, name := range o.Keyrings {
		holders, err := readKeys(name)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(holders, isSSH) { // then all are
			return nil, report.UsageFailure("name it with --allowed-signers", "--keyring %q holds ssh keys", name)
		}
		s.release.Holders = append(s.release.Holders, holders...)
	}
	for _, name := range o.AllowedSigners {
		holders, err := readKeys(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(holders, isSSH) {
			return nil, report.UsageFailure("name it with --keyring", "--allowed-signers %q holds no ssh keys", name)
		}
		s.release.Holders = append(s.release.Holders, holders...)
	}
	return s, nil
}

func isSSH(h signature.Holder) bool { return h.Form == signature.SSH }

// Source is the commit of a release, and the tag that leads to it.
type Source struct {
	Ref    string          // full name of the tag's ref, "" for none
	Tag    digest.ObjectID // the tag object, zero for a lightweight tag or none
	Commit digest.ObjectID
}

// Source looks at the signature of the tag, and where the tag has none at that of
// the commit. The objects are read raw, and hashed; git is not asked. Errors are
// those of the repository, or a *report.Failure.
func (s *Signatures) Source(ctx context.Context, repo *gitrepo.Repository, source Source) error {
	tag := endorsement.Signature{Object: endorsement.Tag, Name: source.Ref}
	switch {
	case source.Ref == "":
		tag.Unsigned = "a commit was named, and no tag"
	case source.Tag.IsZero():
		tag.Unsigned = "it is lightweight: a bare name, which no one can sign"
	default:
		_, raw, err := repo.Object(ctx, source.Tag)
		if err != nil {
			return err
		}
		parsed, err := gitobject.ParseTag(repo.Format(), raw)
		if err != nil {
			return err
		}
		if parsed.Signature != "" {
			payload := strings.TrimSuffix(string(raw), parsed.Signature)
			return s.add(tag, signature.GitNamespace, []byte(parsed.Signature), strings.NewReader(payload))
		}
		tag.Unsigned = "the tag object holds no signature"
	}
	s.release.Signatures = append(s.release.Signatures, tag)
	return s.commit(ctx, repo, source.Commit)
}

func (s *Signatures) commit(ctx context.Context, repo *gitrepo.Repository, id digest.ObjectID) error {
	_, raw, err := repo.Object(ctx, id)
	if err != nil {
		return err
	}
	parsed, err := gitobject.ParseCommit(repo.Format(), raw)
	if err != nil || parsed.Signature == "" {
		return err
	}
	payload, err := gitobject.Unsigned(repo.Format(), raw)
	if err != nil {
		return err
	}
	found := endorsement.Signature{Object: endorsement.Commit, Name: id.String()}
	return s.add(found, signature.GitNamespace, []byte(parsed.Signature), strings.NewReader(string(payload)))
}

// add verifies one signature. The error is a *report.Failure.
//
//nolint:params // what, by what, of what, over what
func (s *Signatures) add(found endorsement.Signature, domain signature.Domain, sig []byte, message io.Reader) error {
	if domain == signature.GitNamespace {
		// Package gitobject has seen to it that nothing but one empty line
		// follows; some servers write that.
		sig = []byte(strings.TrimRight(string(sig), "\n") + "\n")
	}
	var err error
	found.Finding, err = signature.Verify(domain, sig, message, s.release.Holders, s.options.Now)
	if err != nil {
		name := found.File
		if name == "" {
			name = found.Name
		}
		return inFile(name, err)
	}
	s.release.Signatures = append(s.release.Signatures, found)
	return nil
}

// inFile says of an error which file it is about.
func inFile(name string, err error) error {
	if failure, ok := errors.AsType[*report.Failure](err); ok {
		return failure
	}
	f := report.FailureOf(err, report.Internal)
	f.File, f.Detail = name, fmt.Sprintf("%s: %s", name, f.Detail)
	return f
}

// Judge says what the signatures come to, beside the keys that the lock file
// names, if there is one.
func (s *Signatures) Judge(lock *lockfile.Lock, lockPath string) (*endorsement.Release, endorsement.Verdict) {
	if lock != nil {
		s.release.TagKeys, s.release.ArchiveKeys, s.release.LockFile = lock.TagKeys, lock.ArchiveKeys, lockPath
	}
	return &s.release, endorsement.Judge(&s.release)
}

// Pins returns the keys that the lock file names after this release: see
// endorsement.Release. Judge must have been called.
func (s *Signatures) Pins() (tag, archive []lockfile.Key) { return s.release.Pins() }
