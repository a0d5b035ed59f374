package signatures

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/endorsement"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/verification/input"
)

// Limits of files. What they may hold is bounded by package signature.
const (
	maxKeyFileBytes       = 16 << 20 // as much as the OpenPGP reader accepts
	maxSignatureFileBytes = 64 << 10 // the same
)

// extensions are the ends of the names of detached signatures: gpg's armoured and
// binary (signify's too), kernel.org's, minisign's.
func extensions() []string { return []string{".asc", ".sig", ".sign", ".minisig"} }

// compressions are the ends of the names of compressed files.
func compressions() []string { return []string{".gz", ".bz2", ".xz", ".zst"} }

// readKeys reads one file of public keys. It may be a pipe.
func readKeys(name string) ([]signature.Holder, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, report.UsageFailure("", "opening the keys: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFileBytes+1))
	if err != nil {
		return nil, report.UsageFailure("", "reading the keys: %v", err)
	}
	if len(data) > maxKeyFileBytes {
		return nil, inFile(name, refusal.New(refusal.SigLimit, "the file of keys has more than %d bytes", maxKeyFileBytes))
	}
	holders, err := signature.ParseHolders(data)
	if err != nil {
		return nil, inFile(name, err)
	}
	return holders, nil
}

// readSignature reads one detached signature.
func readSignature(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, report.UsageFailure("", "reading the signature: %v", err)
	}
	if !info.Mode().IsRegular() {
		return nil, report.UsageFailure("", "the signature %q is no regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, report.UsageFailure("", "opening the signature: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSignatureFileBytes+1))
	if err != nil {
		return nil, report.UsageFailure("", "reading the signature: %v", err)
	}
	if len(data) > maxSignatureFileBytes {
		return nil, inFile(name, refusal.New(refusal.SigLimit, "the signature has more than %d bytes", maxSignatureFileBytes))
	}
	return data, nil
}

// Archive looks at the detached signatures of an archive that has been read: those
// named, or those beside it. A file NAME.asc (.sig, .sign, .minisig) is over
// the file NAME, which is the archive or the tar inside. The archive is read a
// second time, and held to the digests of the first. Errors: *refusal.Refusal of
// the second reading, *report.Failure.
func (s *Signatures) Archive(ctx context.Context, in *input.Input, contents *archive.Contents, settings input.Settings) error {
	files, err := s.detached(in)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		unsigned := "there is no " + in.Base + strings.Join(extensions(), ", ")
		if in.Base == "" {
			unsigned = "a stream has no file beside it"
		}
		s.release.Signatures = append(s.release.Signatures, endorsement.Signature{Object: endorsement.Archive, Name: in.Name, Unsigned: unsigned})
	}
	for _, name := range files {
		if err := s.verifyFile(ctx, name, in, contents, settings); err != nil {
			return err
		}
	}
	return nil
}

// detached returns the files of the archive's signatures that were not looked at
// before: a tar's signature lies beside each of its envelopes.
func (s *Signatures) detached(in *input.Input) ([]string, error) {
	if len(s.options.Files) > 0 {
		return s.options.Files, nil
	}
	if in.Base == "" {
		return nil, nil
	}
	var files []string
	for _, name := range []string{in.Name, tarName(in.Name)} {
		for _, extension := range extensions() {
			file := name + extension
			if name == "" || s.seen[file] {
				continue
			}
			_, err := os.Lstat(file)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, report.UsageFailure("", "looking for signatures: %v", err)
			}
			s.seen[file] = true
			files = append(files, file)
		}
	}
	return files, nil
}

// tarName returns the name of the tar in a compressed file of that name, "" if
// it is none.
func tarName(name string) string {
	for _, compression := range compressions() {
		if inner, ok := strings.CutSuffix(name, compression); ok && strings.HasSuffix(inner, ".tar") {
			return inner
		}
	}
	return ""
}

// isOverTar reports whether a signature of this name is over the tar in an archive
// of that name.
func isOverTar(file, archiveName string) bool {
	tar := filepath.Base(tarName(archiveName))
	return slices.ContainsFunc(extensions(), func(extension string) bool { return filepath.Base(file) == tar+extension })
}

//nolint:params // as Archive, and which file
func (s *Signatures) verifyFile(ctx context.Context, name string, in *input.Input, contents *archive.Contents, settings input.Settings) error {
	sig, err := readSignature(name)
	if err != nil {
		return err
	}
	found := endorsement.Signature{Object: endorsement.Archive, Name: in.Name, File: name}
	again, want := in.Again(contents.FileBytes), contents.SHA256
	if again == nil {
		return report.UsageFailure("give the archive as a file", "the signature %q is over %s, which cannot be read a second time", name, in.Name)
	}
	held := &heldReader{r: again, sum: sha256.New(), want: want}
	if isOverTar(name, in.Name) {
		found.Object = endorsement.Tar
		tar, err := in.Tar(ctx, again, settings)
		if err != nil {
			return inFile(in.Name, err)
		}
		defer tar.Close()
		held.r, held.want = tar, contents.TarSHA256
	}
	if err := s.add(found, signature.FileNamespace, sig, held); err != nil {
		return err
	}
	last := s.release.Signatures[len(s.release.Signatures)-1].Finding
	if last.State != signature.NoKey && !held.ended {
		return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("the signature %s was judged before all of %s was read; this is a defect of countermark", name, in.Name)}
	}
	return nil
}

// heldReader reads what was read before, and fails at its end if it is not the
// same.
type heldReader struct {
	r     io.Reader
	sum   hash.Hash
	want  digest.SHA256
	ended bool // all was read, and it is the same
}

func (h *heldReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	h.sum.Write(p[:n])
	if err == io.EOF {
		if digest.SHA256(h.sum.Sum(nil)) != h.want {
			return n, &report.Failure{Code: report.NotComplete, Detail: "the archive was changed while it was being verified", Hint: "run the same command again when nobody writes to it"}
		}
		h.ended = true
	}
	return n, err
}
