// Package keys signs with the keys that people already have, by the programs
// that hold them: an ssh agent, ssh-keygen, gpg, minisign. No secret key is ever
// read here. Whatever a program hands out is verified by package signature, with
// the public key that was asked for, before anybody gets it: a signature that our
// own readers would refuse is never made.
//
// docs/spec/signatures.md, section 8, says which programs run and how.
package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature"
)

// Limits.
const (
	MaxKeyFileBytes   = 4 << 20   // of a file of public keys: some distributions' keyrings
	maxSignatureBytes = 64 << 10  // of a signature that a program hands out
	MaxMessageBytes   = 256 << 20 // of a message that is held in memory: a statement, a commit
)

// User is who signs, and how they are asked for a passphrase or a touch. The
// programs themselves use the terminal, too, as they always do.
type User struct {
	Talk     io.Writer    // is given what the programs say, escaped; nil for nothing
	Terminal io.Reader    // from which minisign reads the passphrase; nil for none
	Now      func() int64 // the time in Unix seconds, at which signatures must be valid
}

// Made is a signature.
type Made struct {
	Bytes       []byte        // see Signer.Sign
	Key         publickey.Key // that made it
	Fingerprint string        // of that, as an envelope's key id has it
	Note        string        // what is worth saying of the key, as Finding.Note
}

// Signer signs with one key. Open makes it.
type Signer struct {
	user    User
	holder  signature.Holder
	program program
}

// program is how one kind of key signs.
type program interface {
	// sign returns a signature over the message, in the form of the domain.
	sign(ctx context.Context, d signature.Domain, m message) ([]byte, error)
}

// message is what is to be signed: a file, or what is held in memory.
type message struct {
	bytes []byte
	path  string // "" if there is none
}

// open returns the message from its beginning.
func (m message) open() (io.ReadCloser, error) {
	if m.path == "" {
		return io.NopCloser(bytes.NewReader(m.bytes)), nil
	}
	f, err := os.Open(m.path)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be signed: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is no regular file", m.path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is to be signed: %w", errors.Join(err, f.Close()))
	}
	return f, nil
}

// Open returns the signer of a key:
//
//	PATH               an ssh key, secret or public (".pub", with the secret one beside it or in the agent); the agent is asked first
//	SHA256:DIGEST      an ssh key that the agent holds, by its fingerprint
//	gpg:FINGERPRINT    a key of gpg's, by the 40 or 64 hex digits of the primary key or a subkey
//	minisign:PATH      a secret key of minisign's, with the public key beside it
//
// Nothing is signed yet, and nobody asked for a passphrase. The error says what
// is missing, in one sentence.
func Open(ctx context.Context, spec string, user User) (*Signer, error) {
	if user.Talk == nil {
		user.Talk = io.Discard
	}
	kind, rest, found := strings.Cut(spec, ":")
	var s *Signer
	var err error
	switch {
	case found && kind == "gpg":
		s, err = openGPG(ctx, rest, user)
	case found && kind == "minisign":
		s, err = openMinisign(rest, user)
	case found && kind == "SHA256":
		s, err = openAgentKey(ctx, spec)
	case spec == "":
		err = errors.New("no key is named: give the path of an ssh key, gpg:FINGERPRINT or minisign:PATH")
	default:
		s, err = openSSH(ctx, spec, user)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the key %q: %w", spec, err)
	}
	s.user = user
	return s, nil
}

// Holder returns the public key.
func (s *Signer) Holder() signature.Holder { return s.holder }

// Sign signs a message of at most MaxMessageBytes. In the domains of envelopes
// the signature is as signature.Canonical has it, for git the armoured text of a
// commit's or tag's signature, for files the armoured text of a file of its own. The
// error says what went wrong, in the program's words where it said any; or
// what is wrong with the signature.
func (s *Signer) Sign(ctx context.Context, d signature.Domain, content []byte) (Made, error) {
	if len(content) > MaxMessageBytes {
		return Made{}, fmt.Errorf("signing: the message has %d bytes, at most %d are signed from memory", len(content), MaxMessageBytes)
	}
	return s.sign(ctx, d, message{bytes: content})
}

// SignFile signs a regular file of any size, which is read twice, and returns
// the armoured text of the signature's own file: ".asc", ".sig" or ".minisig".
func (s *Signer) SignFile(ctx context.Context, path string) (Made, error) {
	return s.sign(ctx, signature.FileNamespace, message{path: path})
}

// Extension returns the extension, with its dot, of files with signatures of the
// key over other files.
func (s *Signer) Extension() string {
	switch s.holder.Form {
	case signature.OpenPGP:
		return ".asc"
	case signature.Minisign:
		return ".minisig"
	case signature.SSH, signature.Signify:
	}
	return ".sig"
}

func (s *Signer) sign(ctx context.Context, d signature.Domain, m message) (Made, error) {
	if d.Namespace() == "" {
		return Made{}, errors.New("signing: it is not said what the signature is for")
	}
	sig, err := s.program.sign(ctx, d, m)
	if err == nil && d.Enveloped() {
		sig, err = signature.Canonical(sig)
	}
	if err != nil {
		return Made{}, fmt.Errorf("signing with %s: %w", s.holder.Fingerprint, err)
	}
	return s.verify(d, m, sig)
}

// verify holds a signature to what our own readers demand.
func (s *Signer) verify(d signature.Domain, m message, sig []byte) (Made, error) {
	in, err := m.open()
	if err != nil {
		return Made{}, err
	}
	found, err := signature.Verify(d, sig, in, []signature.Holder{s.holder}, s.user.Now())
	if closeErr := in.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	if err != nil {
		return Made{}, fmt.Errorf("signing with %s: the signature that was made cannot be used: %w", s.holder.Fingerprint, err)
	}
	if found.State != signature.Good {
		return Made{}, fmt.Errorf("signing with %s: the signature that was made is not good but %v: %s", s.holder.Fingerprint, found.State, found.Why)
	}
	return Made{Bytes: sig, Key: found.Key, Fingerprint: found.Fingerprint, Note: found.Note}, nil
}

// ReadHolders reads a file of public keys: see signature.ParseHolders, whose
// refusal is wrapped.
func ReadHolders(path string) ([]signature.Holder, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	holders, err := signature.ParseHolders(data)
	if err != nil {
		return nil, fmt.Errorf("reading the keys in %q: %w", path, err)
	}
	return holders, nil
}

// readFile reads a small regular file.
func readFile(path string) ([]byte, error) {
	in, err := message{path: path}.open()
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(in, MaxKeyFileBytes+1))
	if err == nil && len(data) > MaxKeyFileBytes {
		err = fmt.Errorf("it is longer than %d bytes", MaxKeyFileBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return data, nil
}
