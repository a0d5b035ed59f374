// Package signing wires up `countermark sign`: one statement, or one policy, is
// read, shown in words, signed with one key, and written in its envelope. It sees
// nothing else: no repository is read, no source, no archive.
package signing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
)

// Options say what to sign, and with which key.
type Options struct {
	File   string // of the statement
	Key    string // as keys.Open takes it
	Output string // file of the envelope; "": beside the statement, named after its kind and content
	User   keys.User
}

// Result is what was signed.
type Result struct {
	Statement   *statement.Statement
	Digest      string // of the payload
	Path        string // of the envelope
	Fingerprint string // of the key
	Note        string // on the key
	Already     bool   // the file was there, with a signature by this key
}

// Run signs. The error is a *report.Failure.
func Run(ctx context.Context, o Options) (*Result, error) {
	payload, err := readFile(o.File)
	if err != nil {
		return nil, report.UsageFailure("build and rebuild write NAME.statement.json", "reading the statement: %v", err)
	}
	s, err := statement.Parse(payload)
	if err != nil {
		f := report.FailureOf(err, report.Rejected)
		f.File, f.Detail = o.File, o.File+": "+f.Detail
		return nil, f
	}
	if written, err := s.Encode(); err != nil || !bytes.Equal(written, payload) {
		return nil, &report.Failure{Code: report.Rejected, File: o.File, Detail: o.File + " is not written as this program writes statements, so it says more, or something else, than could be shown here",
			Hint: "sign what build, rebuild or bless wrote, unchanged"}
	}
	r := &Result{Statement: s, Digest: statement.Digest(payload).String()}
	signer, err := Open(ctx, o.Key, o.User)
	if err != nil {
		return nil, err
	}
	if done, err := r.already(o, payload, signer.Holder()); err != nil || done {
		return r, err
	}
	envelope, made, err := Envelope(ctx, signer, payload)
	if err != nil {
		return nil, err
	}
	e, err := entry.Of(envelope)
	if err != nil {
		return nil, err
	}
	r.Fingerprint, r.Note = made.Fingerprint, made.Note
	r.Path = o.Output
	if r.Path == "" {
		r.Path = filepath.Join(filepath.Dir(o.File), e.FileName())
	}
	if err := durable.WriteFile(r.Path, e.Content); err != nil {
		return nil, fmt.Errorf("writing the envelope: %w", err)
	}
	return r, nil
}

// Open returns the signer of a key, or a failure that says what keys are.
func Open(ctx context.Context, spec string, user keys.User) (*keys.Signer, error) {
	if spec == "" {
		return nil, report.UsageFailure("--key takes the file of an ssh key, SHA256:… of one in the agent, gpg:FINGERPRINT or minisign:FILE", "no key is named")
	}
	if user.Now == nil {
		user.Now = func() int64 { return time.Now().Unix() }
	}
	signer, err := keys.Open(ctx, spec, user)
	if err != nil {
		return nil, &report.Failure{Code: report.NotComplete, Detail: "the key: " + err.Error(), Hint: "nothing was signed"}
	}
	return signer, nil
}

// Envelope signs a statement's payload.
func Envelope(ctx context.Context, signer *keys.Signer, payload []byte) (dsse.Envelope, keys.Made, error) {
	made, err := signer.Sign(ctx, signature.StatementNamespace, dsse.PAE(dsse.StatementType, payload))
	if err != nil {
		return dsse.Envelope{}, made, &report.Failure{Code: report.NotComplete, Detail: "signing: " + err.Error(), Hint: "nothing was written; run the same command again"}
	}
	return dsse.Envelope{PayloadType: dsse.StatementType, Payload: payload, Signatures: []dsse.Signature{{KeyID: made.Fingerprint, Sig: made.Bytes}}}, made, nil
}

// Git signs a commit or tag as it is without its signature, and returns that as
// the object holds it: the value of the header gpgsig, or the end of a tag.
func Git(ctx context.Context, signer *keys.Signer, unsigned []byte) (string, error) {
	made, err := signer.Sign(ctx, signature.GitNamespace, unsigned)
	if err != nil {
		return "", &report.Failure{Code: report.NotComplete, Detail: "signing for git: " + err.Error(), Hint: "run the same command again, or with a key of ssh's or gpg's"}
	}
	return strings.TrimSuffix(string(made.Bytes), "\n") + "\n", nil
}

// GitKey is, in place of a key, the one that the user's own git signs with.
const GitKey = "git"

// OpenGit is Open for keys that sign commits and tags.
func OpenGit(ctx context.Context, spec string, user keys.User) (*keys.Signer, error) {
	if spec == GitKey {
		var err error
		if spec, err = keys.GitKey(ctx); err != nil {
			return nil, report.UsageFailure("name a key, or tell git which one signs: git config --global user.signingKey", "the key: %v", err)
		}
	}
	signer, err := Open(ctx, spec, user)
	if err != nil {
		return nil, err
	}
	if form := signer.Holder().Form; form != signature.SSH && form != signature.OpenPGP {
		return nil, report.UsageFailure("give a key of ssh's or gpg's", "git knows no signatures of the form %v", form)
	}
	return signer, nil
}

// already reports whether the output, or a file beside the statement, holds this
// statement signed by the holder: signing twice makes one file.
func (r *Result) already(o Options, payload []byte, holder signature.Holder) (bool, error) {
	paths := []string{o.Output}
	if o.Output == "" {
		names, err := os.ReadDir(filepath.Dir(o.File))
		if err != nil {
			return false, fmt.Errorf("looking for envelopes: %w", err)
		}
		paths = nil
		for _, n := range names {
			if n.Type().IsRegular() && strings.HasPrefix(n.Name(), r.Statement.Kind.String()+"-") && strings.HasSuffix(n.Name(), entry.Extension) {
				paths = append(paths, filepath.Join(filepath.Dir(o.File), n.Name()))
			}
		}
	}
	for _, path := range paths {
		data, err := readFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		e, err := dsse.Parse(data)
		same := err == nil && bytes.Equal(e.Payload, payload)
		if o.Output != "" && !same {
			return false, report.UsageFailure("name another file with --output, or remove this one", "%s is there and is not this statement", escape.Quote(path))
		}
		if same && SignedBy(e, holder, o.now()) {
			r.Path, r.Already, r.Fingerprint = path, true, e.Signatures[0].KeyID
			return true, nil
		}
	}
	return false, nil
}

// SignedBy reports whether an envelope carries one signature, which is good and by
// the holder.
func SignedBy(e dsse.Envelope, holder signature.Holder, now int64) bool {
	if len(e.Signatures) != 1 {
		return false
	}
	f, err := signature.Verify(signature.StatementNamespace, e.Signatures[0].Sig, bytes.NewReader(dsse.PAE(e.PayloadType, e.Payload)), []signature.Holder{holder}, now)
	return err == nil && f.State == signature.Good && f.Fingerprint == e.Signatures[0].KeyID
}

// CheckForm holds the signatures of an envelope to their form, whoever made them:
// a judge reads no statement whose signatures are none. The error is a
// *refusal.Refusal: SIG_FORMAT, or what else signature.Verify refuses.
func CheckForm(e dsse.Envelope) error {
	for _, s := range e.Signatures {
		f, err := signature.Verify(signature.StatementNamespace, s.Sig, bytes.NewReader(dsse.PAE(e.PayloadType, e.Payload)), nil, 0)
		if err != nil {
			return err
		}
		if f.Fingerprint != s.KeyID {
			return refusal.New(refusal.SigFormat, "the envelope says that the key is %s, and the signature %s", escape.Quote(s.KeyID), escape.Quote(f.Fingerprint))
		}
	}
	return nil
}

func (o *Options) now() int64 {
	if o.User.Now != nil {
		return o.User.Now()
	}
	return time.Now().Unix()
}

// readFile reads a regular file of at most the length of an envelope.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > dsse.MaxBytes {
		return nil, fmt.Errorf("%s is no regular file of at most %d bytes", escape.Quote(path), dsse.MaxBytes)
	}
	return os.ReadFile(path)
}

// Text says what was signed, for people: all that matters of it.
func (r *Result) Text() string {
	s, t := r.Statement, &strings.Builder{}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(t, "%s statement on %s version %s\n", s.Kind, escape.Text(s.Identity.Project), escape.Text(s.Identity.Version))
	line("tag", "%s, tag object %v", escape.Text(s.Identity.TagRef), s.Identity.Tag.ID)
	line("source commit", "%v", s.Identity.Commit.ID)
	line("recipe", "sha256:%v", s.Identity.Recipe)
	line("built commit", "%v (without a signature)", s.Outcome.Commit.ID)
	line("tar", "sha256:%v", s.Outcome.Tar)
	for _, a := range s.Archives {
		line("archive", "%s sha256:%v", escape.Text(a.Name), a.SHA256)
	}
	line("release digest", "%v", s.ReleaseDigest())
	line("statement", "sha256:%s", r.Digest)
	line("key", "%s", escape.Text(r.Fingerprint))
	if r.Note != "" {
		line("note", "the key: %s", r.Note)
	}
	if r.Already {
		fmt.Fprintf(t, "It was signed already: %s\n", escape.Text(r.Path))
	} else {
		fmt.Fprintf(t, "Signed: %s\n", escape.Text(r.Path))
	}
	return t.String()
}
