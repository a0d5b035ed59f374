package vouching

import (
	"cmp"

	"github.com/countermark/countermark/internal/trust"
	"github.com/countermark/countermark/internal/verification"
)

// Root is a root of trust, and where it comes from. The zero value is none.
type Root struct {
	Root        string // as Options has it
	Project     string // that it is installed for, "" for any
	Unconfirmed string // the lock file that names it, of which nobody has said that it is theirs
}

// RootOptions say where a root may come from.
type RootOptions struct {
	Archives        []string
	Root            string // that was given, "" for none
	Lock            string // lock file that was named, "" for none
	RepositoryAsked bool   // whether something speaks of a repository
}

// FindRoot returns the root by which to verify (docs/spec/release.md, "Where the
// root comes from"). A lock file that merely lies in the current folder may be the
// upstream's: the root that it names comes last. The error is a *report.Failure.
func FindRoot(o RootOptions) (Root, error) {
	if o.Root != "" {
		return Root{Root: o.Root}, nil
	}
	path := cmp.Or(o.Lock, verification.LockFileName)
	lock, err := verification.ReadLock(path, o.Lock == "" || o.RepositoryAsked) // who compares with a repository says what is wrong with it
	if err != nil {
		return Root{}, err
	}
	named := lock != nil && !lock.Root.IsZero()
	switch {
	case named && o.Lock != "":
		return Root{Root: lock.Root.String()}, nil
	case o.RepositoryAsked:
		return Root{}, nil
	}
	installed, err := trust.Installed(BaseNames(o.Archives))
	switch {
	case err != nil:
		return Root{}, err
	case installed.Project != "":
		return Root{Root: installed.Root.String(), Project: installed.Project}, nil
	case named:
		return Root{Root: lock.Root.String(), Unconfirmed: path}, nil
	}
	return Root{}, nil
}
