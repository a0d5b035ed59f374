package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
)

// seen is what a server was seen to have: the statements' refs and the policy's.
// Only so can a deletion be told from what was never pushed there.
type seen map[string]digest.ObjectID

// seenHeader is the first line of the blob that holds it; lines of an id, a
// space and a ref follow, in the order of the refs.
const seenHeader = "countermark-seen 1"

// seenRef is where it is kept: the name is made of the server's address.
func seenRef(address string) string {
	sum := sha256.Sum256([]byte(address))
	return seenPrefix + digest.SHA256(sum).String()[:32]
}

func (s seen) encode() []byte {
	var b strings.Builder
	b.WriteString(seenHeader + "\n")
	for _, name := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%v %s\n", s[name], name)
	}
	return []byte(b.String())
}

// parseSeen is the inverse of encode.
func parseSeen(content []byte) (seen, error) {
	header, rest, _ := strings.Cut(string(content), "\n")
	s := seen{}
	for line := range strings.Lines(rest) {
		hex, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		id, err := digest.ParseObjectID(hex)
		if _, refErr := entry.ParseRef(name); err != nil || name != PolicyRef && refErr != nil {
			return nil, errors.New("a line is not an id and a ref")
		}
		s[name] = id
	}
	if header != seenHeader || string(s.encode()) != string(content) {
		return nil, errors.New("it is not as it is written")
	}
	return s, nil
}

// readSeen returns what a server was seen to have, and the blob that says so.
func readSeen(ctx context.Context, r *gitrepo.Repository, address string) (seen, digest.ObjectID, error) {
	ref := seenRef(address)
	id, err := refs.Read(ctx, r, ref)
	if err != nil || id.IsZero() {
		return seen{}, id, err
	}
	_, content, err := r.Object(ctx, id)
	if err != nil {
		return nil, id, err
	}
	s, err := parseSeen(content)
	if err != nil {
		return nil, id, refusal.New(refusal.LedgerEntry, "the list of what the server was seen to have is damaged: %v; delete the ref, then no deletion from before is noticed", err).At(refusal.Unknown, ref)
	}
	return s, id, nil
}

// attempts is how often something is tried again because another process was
// faster.
const attempts = 3

// remember adds to what a server was seen to have.
func remember(ctx context.Context, r *gitrepo.Repository, address string, now seen) error {
	for range attempts {
		before, id, err := readSeen(ctx, r, address)
		if err != nil {
			return err
		}
		after := maps.Clone(before)
		maps.Copy(after, now)
		blob, err := pack.InMemory(r.Format(), digest.Blob, after.encode())
		if err != nil {
			return err
		}
		if blob.ID == id || len(after) == 0 {
			return nil
		}
		if _, err := pack.Add(ctx, r, []pack.Object{blob}); err != nil {
			return err
		}
		answer, err := refs.Update(ctx, r, refs.Change{Ref: seenRef(address), Old: id, New: blob.ID})
		if err != nil || answer.Outcome != refs.Moved {
			return err
		}
	}
	return errors.New("remembering what the server has: other processes do so all the time; try again")
}

// view is what a server has, as it says.
type view struct {
	entries  []refs.Ref
	policy   digest.ObjectID // zero if it has none
	problems []Problem       // names that are none
}

// look lists a server's ledger.
func look(ctx context.Context, r *gitrepo.Repository, from refs.Server) (view, error) {
	listed, err := refs.ListServer(ctx, r, from, refs.OwnPrefix)
	if err != nil {
		return view{}, err
	}
	var v view
	for _, ref := range listed {
		if ref.ID.Format() != r.Format() {
			return view{}, refusal.New(refusal.GitFormat, "the server's repository has %v ids, the one here %v ids", ref.ID.Format(), r.Format())
		}
		switch {
		case ref.Name == PolicyRef:
			v.policy = ref.ID
		case strings.HasPrefix(ref.Name, entry.RefPrefix):
			v.entries = append(v.entries, ref)
		case strings.HasPrefix(ref.Name, CandidatePrefix), strings.HasPrefix(ref.Name, seenPrefix):
		default:
			v.problems = append(v.problems, Problem{ref.Name, refusal.New(refusal.LedgerName, "the name is none that a ledger has")})
		}
	}
	if len(v.entries) > MaxEntries {
		return view{}, refusal.New(refusal.GitLimit, "the server has %d refs of statements, at most %d are accepted", len(v.entries), MaxEntries)
	}
	return v, nil
}

// lost compares what a server has with what it was seen to have.
func (v view) lost(before seen) []Problem {
	var problems []Problem
	now := held(v.entries)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		switch id := now[name]; {
		case name == PolicyRef || id == before[name]:
		case id.IsZero():
			problems = append(problems, Problem{name, refusal.New(refusal.LedgerLost, "the server had this statement and has it no more: somebody has deleted it there; what is here stays, and pushing brings it back")})
		default:
			problems = append(problems, Problem{name, refusal.New(refusal.LedgerLost, "the server had %v and now has %v: somebody has replaced the statement there; what is here stays", before[name], id)})
		}
	}
	return problems
}
