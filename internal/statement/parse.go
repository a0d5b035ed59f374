package statement

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Parse reads a payload. It need not be written as Encode writes it; members that
// are not known are ignored, unless the predicate says that they must be
// understood. The error is a *refusal.Refusal: JSON_FORMAT, JSON_LIMIT,
// STM_TYPE, STM_FIELD, STM_SUBJECT, STM_MUST or STM_LIMIT.
func Parse(payload []byte) (*Statement, error) {
	if len(payload) > MaxBytes {
		return nil, limit("the statement has %d bytes, at most %d are accepted", len(payload), MaxBytes)
	}
	value, err := canonicaljson.Parse(payload)
	if err != nil {
		return nil, err
	}
	m := canonicaljson.Read(value, refusal.StmField, "the statement")
	s := &Statement{Kind: kindOf(m)}
	p := m.Object("predicate")
	s.readMust(p)
	if s.Kind == KindBuild {
		s.readProvenance(p)
	} else {
		s.readOwn(p)
	}
	s.readSubjects(m)
	if m.Err() == nil {
		s.sort()
		m.FailWith(s.check())
	}
	if err := m.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func wrongType(format string, args ...any) error {
	return refusal.New(refusal.StmType, format, args...)
}

func limit(format string, args ...any) error { return refusal.New(refusal.StmLimit, format, args...) }

// kindOf reads which kind of statement it is.
func kindOf(m canonicaljson.Members) Kind {
	if m.Text("_type") != StatementType {
		m.FailWith(wrongType("it is no in-toto statement of the type %q", StatementType))
	}
	predicate := m.Text("predicateType")
	for kind, name := range predicateTypes {
		if name == predicate && name != "" {
			return Kind(kind)
		}
	}
	m.FailWith(wrongType("the type of its predicate is none that is known here"))
	return 0
}

// members are the members of the predicates, by kind.
var members = [...]string{
	KindBuild:      "buildDefinition runDetails",
	KindReview:     "issued identity outcome files complete comment",
	KindRelease:    "issued identity outcome policy previous seen",
	KindWithdrawal: "issued identity outcome why",
}

// readMust refuses a predicate that says that a member must be understood which
// is none of those known here.
func (s *Statement) readMust(p canonicaljson.Members) {
	if !p.Present("mustUnderstand") {
		return
	}
	for _, name := range p.Texts("mustUnderstand") {
		known := false
		for member := range strings.SplitSeq(members[s.Kind], " ") {
			known = known || name == member
		}
		if !known {
			p.FailWith(refusal.New(refusal.StmMust, "the predicate's %.60q must be understood, and is not known here: a newer countermark may know it", name))
		}
	}
}

// readOwn reads a predicate of ours into s.
func (s *Statement) readOwn(p canonicaljson.Members) {
	s.Issued = canonicaljson.Field(p, "issued", parseTime)
	identity, outcome := p.Object("identity"), p.Object("outcome")
	s.Identity = readNames(identity)
	s.Identity.Commit, s.Identity.Tree = readObject(identity, "commit"), readIDs(identity, "tree")
	s.Outcome = Outcome{
		Top: outcome.Text("top"), Commit: readObject(outcome, "commit"),
		BuiltTree: readIDs(outcome, "builtTree"), ArchiveTree: readIDs(outcome, "archiveTree"), Filtered: readFiltered(outcome),
	}
	s.Outcome.Tar = sumOrZero(outcome, "tar")
	switch s.Kind {
	case KindReview:
		s.Review = readReview(p)
	case KindRelease:
		s.Release = readRelease(p)
	case KindWithdrawal:
		s.Withdrawal = &Withdrawal{Why: p.Text("why")}
	}
}

// readNames reads the part of an identity that all predicates write alike.
func readNames(m canonicaljson.Members) Identity {
	i := Identity{Project: m.Text("project"), Version: m.Text("version"), TagRef: m.Text("tagRef"), Recipe: canonicaljson.Field(m, "recipe", digest.ParseSHA256)}
	if !m.IsNull("tag") {
		i.Tag = readObject(m, "tag")
	}
	return i
}

func readObject(m canonicaljson.Members, key string) Object {
	o := m.Object(key)
	return Object{ID: canonicaljson.Field(o, "id", digest.ParseObjectID), SHA256: canonicaljson.Field(o, "sha256", digest.ParseSHA256)}
}

func readIDs(m canonicaljson.Members, key string) Tree {
	o := m.Object(key)
	return Tree{ID: canonicaljson.Field(o, "id", digest.ParseObjectID), SHA256: canonicaljson.Field(o, "sha256", digest.ParseObjectID)}
}

// sumOrZero reads a digest that may be null.
func sumOrZero(m canonicaljson.Members, key string) digest.SHA256 {
	if m.IsNull(key) {
		return digest.SHA256{}
	}
	return canonicaljson.Field(m, key, digest.ParseSHA256)
}

func readFiltered(m canonicaljson.Members) []Filtered {
	var all []Filtered
	for _, f := range m.Objects("filtered") {
		all = append(all, Filtered{Path: readPath(f), Mode: f.Text("mode"), By: f.Texts("by"), Built: Blob(readIDs(f, "built")), Archive: Blob(readIDs(f, "archive"))})
	}
	return all
}

func readPath(m canonicaljson.Members) tree.Path {
	return canonicaljson.Field(m, "path", func(s string) (tree.Path, error) {
		p, err := tree.ParsePath(s)
		var r *refusal.Refusal
		if errors.As(err, &r) {
			err = errors.New(r.Detail)
		}
		return p, err
	})
}

func readReview(p canonicaljson.Members) *Review {
	r := &Review{Complete: p.Bool("complete"), Comment: p.Text("comment")}
	for _, f := range p.Objects("files") {
		r.Files = append(r.Files, Reviewed{Path: readPath(f), Mode: f.Text("mode"), Blob: Blob(readIDs(f, "blob")), Comment: f.Text("comment")})
	}
	return r
}

func readRelease(p canonicaljson.Members) *Release {
	policy := p.Object("policy")
	r := &Release{PolicyVersion: policy.Integer("version"), Policy: canonicaljson.Field(policy, "sha256", digest.ParseSHA256), Previous: sumOrZero(p, "previous")}
	for _, m := range p.Objects("seen") {
		x := Seen{Statement: canonicaljson.Field(m, "statement", digest.ParseSHA256), Text: m.Text("text")}
		x.Verdict = canonicaljson.Field(m, "verdict", oneOf[Verdict](verdictNames[:]))
		if !m.IsNull("cause") {
			x.Cause = canonicaljson.Field(m, "cause", ParseCause)
		}
		r.Seen = append(r.Seen, x)
	}
	return r
}

// oneOf returns the parser of the names of a closed list.
func oneOf[T ~uint8](names []string) func(string) (T, error) {
	return func(s string) (T, error) {
		for i, name := range names {
			if name == s && s != "" {
				return T(i), nil
			}
		}
		return 0, fmt.Errorf("expected one of %s", strings.Join(names[1:], ", "))
	}
}

// parseTime reads the one form of times: RFC 3339, UTC, whole seconds.
func parseTime(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || timeText(t.Unix()) != s {
		return 0, errors.New("expected a time like 2026-01-02T03:04:05Z")
	}
	return t.Unix(), nil
}

// readSubjects reads archives and tar.
func (s *Statement) readSubjects(m canonicaljson.Members) {
	var tars []Archive
	for _, subject := range m.Objects("subject") {
		sums := subject.Object("digest")
		a := Archive{Name: subject.Text("name"), SHA256: canonicaljson.Field(sums, "sha256", digest.ParseSHA256)}
		if others := sums.Others("sha256"); len(others) > 0 {
			// in-toto takes a file for the subject if any of its digests matches.
			m.FailWith(badSubject("a subject has the digest %.60q, and may have that of SHA-256 alone", others[0]))
		}
		if strings.HasSuffix(a.Name, tarSuffix) {
			tars = append(tars, a)
		} else {
			s.Archives = append(s.Archives, a)
		}
	}
	if m.Err() != nil {
		return
	}
	if s.Kind == KindBuild && len(tars) == 1 {
		s.Outcome.Tar = tars[0].SHA256 // which provenance names nowhere else
	}
	m.FailWith(s.checkTar(tars))
}
