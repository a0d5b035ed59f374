// Package ledger keeps statements and policies in a git repository, and moves
// them between repositories. Each statement is a blob with a ref of its own,
// whose name is made of the content (package entry); the policies are a chain of
// commits. Whatever is there stays: refs are made and forwarded, by compare and
// swap here, by atomic pushes with leases at a server, and never replaced,
// rewound or deleted. What somebody else has put there is data: an entry that is
// none is a Problem beside the others, and stops nothing.
//
// docs/spec/ledger.md, "In a git repository", specifies the refs.
package ledger

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
)

// The refs beside those of entries.
const (
	PolicyRef       = refs.OwnPrefix + "policy"      // the newest policy's commit
	CandidatePrefix = refs.OwnPrefix + "candidates/" // the version follows: what CI built, where a blessing took its place in the branch
	seenPrefix      = refs.OwnPrefix + "seen/"       // what servers were seen to have
)

// Limits of one ledger.
const (
	MaxEntries    = 20_000    // of all releases: ten parties, two thousand releases
	MaxPolicies   = 4096      // versions of the policy
	MaxTotalBytes = 512 << 20 // of all entries that are read or fetched at once
)

// Problem is something in a ledger that does not count, and why.
type Problem struct {
	Ref     string // full name; hostile: shown only through package escape
	Refusal *refusal.Refusal
}

// Contents is what a ledger holds of statements.
type Contents struct {
	Entries  []entry.Entry // in the order of their refs
	Problems []Problem     // in the order of their refs
}

// Read returns the entries of one version, or of all if it is "", of a local
// repository. The error means that there is no answer: GIT_LIMIT beyond the
// limits of a ledger, LEDGER_NAME for what is no version, or git's.
func Read(ctx context.Context, r *gitrepo.Repository, version string) (Contents, error) {
	if version != "" {
		if _, err := recipe.ParseVersion(version); err != nil {
			return Contents{}, refusal.New(refusal.LedgerName, "%v", err)
		}
	}
	found, err := refs.List(ctx, r, entry.RefPrefix+version)
	if err != nil {
		return Contents{}, err
	}
	return collect(ctx, r.Access().Reader, found)
}

// collect reads what refs hold that should be entries'.
func collect(ctx context.Context, r *objects.Reader, found []refs.Ref) (Contents, error) {
	if len(found) > MaxEntries {
		return Contents{}, refusal.New(refusal.GitLimit, "the ledger has %d refs of statements, at most %d are accepted", len(found), MaxEntries)
	}
	places, problems := make([]entry.Place, len(found)), make([]error, len(found))
	ids := make([]digest.ObjectID, len(found))
	for i, ref := range found {
		places[i], problems[i] = entry.ParseRef(ref.Name)
		ids[i] = ref.ID
	}
	if err := measure(ctx, r, ids, problems); err != nil {
		return Contents{}, err
	}
	var wanted []digest.ObjectID
	var at []int
	for i := range found {
		if problems[i] == nil {
			wanted, at = append(wanted, ids[i]), append(at, i)
		}
	}
	entries := make([]entry.Entry, len(found))
	err := r.Read(ctx, wanted, func(i int, o objects.Object) error {
		entries[at[i]], problems[at[i]] = entry.Open(places[at[i]], bytes.Clone(o.Content))
		return nil
	})
	if err != nil {
		return Contents{}, err
	}
	var c Contents
	for i, ref := range found {
		if problems[i] == nil {
			c.Entries = append(c.Entries, entries[i])
			continue
		}
		c.Problems = append(c.Problems, problem(ref.Name, problems[i]))
	}
	return c, nil
}

// problem makes a Problem of the refusal that an error is.
func problem(ref string, err error) Problem {
	refused, ok := errors.AsType[*refusal.Refusal](err)
	if !ok {
		refused = refusal.New(refusal.LedgerEntry, "%v", err)
	}
	return Problem{ref, refused}
}

// measure finds out which of the objects cannot be entries, without reading any.
func measure(ctx context.Context, r *objects.Reader, ids []digest.ObjectID, problems []error) error {
	var total int64
	err := r.Info(ctx, ids, func(i int, o objects.Object) error {
		switch {
		case problems[i] != nil:
		case o.Type == 0:
			problems[i] = refusal.New(refusal.GitMissing, "the object %v is not there", ids[i])
		case o.Type != digest.Blob:
			problems[i] = refusal.New(refusal.LedgerEntry, "the ref holds a %v, %v, and no blob", o.Type, ids[i])
		case o.SizeBytes > entry.MaxBytes:
			problems[i] = refusal.New(refusal.LedgerEntry, "the blob %v has %d bytes, at most %d are accepted", ids[i], o.SizeBytes, entry.MaxBytes)
		default:
			total += o.SizeBytes
		}
		return nil
	})
	if err == nil && total > MaxTotalBytes {
		err = refusal.New(refusal.GitLimit, "the entries have %d bytes together, at most %d are accepted", total, MaxTotalBytes)
	}
	return err
}

// Append puts entries into a local repository, all or none, and returns how many
// were not there yet. Doing it twice does no harm. The error is that of git, or
// a refusal, LEDGER_NAME, if another object lies where one of them belongs.
func Append(ctx context.Context, r *gitrepo.Repository, entries ...entry.Entry) (added int, err error) {
	var blobs []pack.Object
	var changes []refs.Change
	before, err := refs.List(ctx, r, strings.TrimSuffix(entry.RefPrefix, "/"))
	if err != nil {
		return 0, err
	}
	at := held(before)
	for _, e := range entries {
		blob, err := pack.InMemory(r.Format(), digest.Blob, e.Content)
		if err != nil {
			return 0, err
		}
		ref := e.Place().Ref()
		if at[ref] == blob.ID {
			continue
		}
		at[ref] = blob.ID // one that is given twice is added once
		blobs, changes = append(blobs, blob), append(changes, refs.Change{Ref: ref, New: blob.ID})
	}
	if len(changes) == 0 {
		return 0, nil
	}
	if _, err := pack.Add(ctx, r, blobs); err != nil {
		return 0, err
	}
	answer, err := refs.Update(ctx, r, changes...)
	if err == nil && answer.Outcome == refs.Moved {
		err = refusal.New(refusal.LedgerName, "the ref holds %v, which is not what belongs there by its name, and nothing is ever replaced: look at it, and delete the ref if it is none of yours", answer.At).At(refusal.Unknown, answer.Ref)
	}
	if err != nil {
		return 0, err
	}
	return len(changes), nil
}

// held makes a table of refs.
func held(all []refs.Ref) map[string]digest.ObjectID {
	at := make(map[string]digest.ObjectID, len(all))
	for _, ref := range all {
		at[ref.Name] = ref.ID
	}
	return at
}

// CandidateRef returns the full name of the ref under which what CI built of a
// version is kept. The error says that it is no version.
func CandidateRef(version string) (string, error) {
	if _, err := recipe.ParseVersion(version); err != nil {
		return "", err
	}
	return CandidatePrefix + version, nil
}
