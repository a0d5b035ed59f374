package statement

import (
	"crypto/sha256"
	"time"

	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/digest"
)

type (
	object = canonicaljson.Object
	array  = canonicaljson.Array
)

// Encode returns the payload: the one way in which a statement is written here.
// It sorts what has an order. The error, a *refusal.Refusal, says what Parse
// would refuse.
func (s *Statement) Encode() ([]byte, error) {
	s.sort()
	if err := s.check(); err != nil {
		return nil, err
	}
	subject := array{}
	if !s.Outcome.Tar.IsZero() {
		subject = append(subject, subjectOf(s.TarName(), s.Outcome.Tar))
	}
	for _, a := range s.Archives {
		subject = append(subject, subjectOf(a.Name, a.SHA256))
	}
	data := canonicaljson.Encode(object{
		"_type": StatementType, "subject": subject,
		"predicateType": predicateTypes[s.Kind], "predicate": s.predicate(),
	})
	if len(data) > MaxBytes {
		return nil, limit("the statement has %d bytes, at most %d are accepted", len(data), MaxBytes)
	}
	return data, nil
}

func subjectOf(name string, sum digest.SHA256) object {
	return object{"name": name, "digest": object{"sha256": sum.String()}}
}

// Digest returns the digest by which a statement is named: of the payload as it
// is, whatever its spelling.
func Digest(payload []byte) digest.SHA256 { return sha256.Sum256(payload) }

// ReleaseDigest returns what names a release: the SHA-256 of the canonical JSON
// of identity and outcome (section 4.3). It is equal in all statements that agree.
func (s *Statement) ReleaseDigest() digest.SHA256 {
	return sha256.Sum256(canonicaljson.Encode(object{"identity": s.Identity.json(), "outcome": s.Outcome.json()}))
}

// predicate returns the predicate of the kind.
func (s *Statement) predicate() object {
	if s.Kind == KindBuild {
		return s.provenance()
	}
	p := object{"issued": timeText(s.Issued), "identity": s.Identity.json(), "outcome": s.Outcome.json()}
	switch s.Kind {
	case KindReview:
		s.Review.write(p)
	case KindRelease:
		s.Release.write(p)
	case KindWithdrawal:
		p["why"] = s.Withdrawal.Why
	}
	return p
}

func timeText(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// orNull is null for what is not there.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func sumOrNull(d digest.SHA256) any {
	if d.IsZero() {
		return nil
	}
	return d.String()
}

func (i *Identity) json() object {
	o := object{
		"project": i.Project, "version": i.Version, "tagRef": i.TagRef, "tag": nil,
		"commit": i.Commit.json(), "tree": i.Tree.json(), "recipe": i.Recipe.String(),
	}
	if !i.Tag.IsZero() {
		o["tag"] = i.Tag.json()
	}
	return o
}

func (o *Outcome) json() object {
	return object{
		"top": o.Top, "commit": o.Commit.json(), "builtTree": o.BuiltTree.json(), "archiveTree": o.ArchiveTree.json(),
		"tar": sumOrNull(o.Tar), "filtered": filteredJSON(o.Filtered),
	}
}

func filteredJSON(all []Filtered) array {
	out := array{}
	for _, f := range all {
		by := array{}
		for _, name := range f.By {
			by = append(by, name)
		}
		out = append(out, object{"path": string(f.Path), "mode": f.Mode, "by": by, "built": f.Built.json(), "archive": f.Archive.json()})
	}
	return out
}

func (o Object) json() object { return object{"id": o.ID.String(), "sha256": o.SHA256.String()} }
func (t Tree) json() object   { return object{"id": t.ID.String(), "sha256": t.SHA256.String()} }
func (b Blob) json() object   { return Tree(b).json() }

func (r *Review) write(p object) {
	files := array{}
	for _, f := range r.Files {
		files = append(files, object{"path": string(f.Path), "mode": f.Mode, "blob": f.Blob.json(), "comment": f.Comment})
	}
	p["files"], p["complete"], p["comment"] = files, r.Complete, r.Comment
}

func (r *Release) write(p object) {
	seen := array{}
	for _, x := range r.Seen {
		seen = append(seen, object{"statement": x.Statement.String(), "verdict": x.Verdict.String(), "cause": orNull(x.Cause.String()), "text": x.Text})
	}
	p["policy"] = object{"version": r.PolicyVersion, "sha256": r.Policy.String()}
	p["previous"], p["seen"] = sumOrNull(r.Previous), seen
}
