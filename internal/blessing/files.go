package blessing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/vouching"
)

const maxRecipeBytes = bundle.MaxRecipeBytes

// sumsName is the list of the archives' digests, as sha256sum(1) writes it.
const sumsName = "SHA256SUMS"

// made returns the path of a file that was made here.
func (b *blessing) made(name string) string { return filepath.Join(b.stage.Dir, "release", name) }

// writeFiles writes what is to be published: the archives with one signature each,
// their digests with one, the statements, the bundle. The folder appears whole; if
// it is there from an earlier run, only statements and bundle are written anew.
func (b *blessing) writeFiles(ctx context.Context) error {
	if err := b.gather(ctx); err != nil {
		return err
	}
	b.r.Notes = append(b.r.Notes, b.gathered.Notes...)
	to := b.o.Output
	if !b.there {
		to = filepath.Join(b.stage.Dir, "publish")
		if err := b.writeArchives(ctx, to); err != nil {
			return err
		}
	}
	if err := b.writeEvidence(to); err != nil {
		return err
	}
	b.r.Folder = b.o.Output
	if b.there {
		return nil
	}
	if err := os.Rename(to, b.o.Output); err != nil {
		return fmt.Errorf("writing the release: %w", err)
	}
	return durable.SyncFolder(filepath.Dir(b.o.Output))
}

// findFolder finds out whether the folder to publish is there, from an earlier run.
func (b *blessing) findFolder(context.Context) (err error) {
	b.there, err = b.isThere()
	return err
}

// isThere reports whether the folder holds this release.
func (b *blessing) isThere() (bool, error) {
	if _, err := os.Lstat(b.o.Output); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if !sameBytes(filepath.Join(b.o.Output, sumsName), b.sums()) {
		return false, b.inTheWay()
	}
	for _, a := range b.r.Rebuilt.Record.Archives {
		sum, err := hashFile(filepath.Join(b.o.Output, a.Name))
		if err != nil || sum != a.SHA256 {
			return false, b.inTheWay()
		}
	}
	return true, nil
}

func (b *blessing) inTheWay() error {
	return report.UsageFailure("name another folder with --output, or move this one away", "%s is there and is not this release", escape.Quote(b.o.Output))
}

// hashFile returns the SHA-256 of a file.
func hashFile(path string) (sum digest.SHA256, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return digest.SHA256(h.Sum(nil)), err
}

// sums returns the content of SHA256SUMS.
func (b *blessing) sums() []byte {
	var out []byte
	for _, a := range b.r.Rebuilt.Record.Archives {
		out = fmt.Appendf(out, "%v  %s\n", a.SHA256, a.Name)
	}
	return out
}

// writeArchives writes the archives and what signs them.
func (b *blessing) writeArchives(ctx context.Context, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	names := []string{sumsName}
	if err := durable.WriteFile(filepath.Join(to, sumsName), b.sums()); err != nil {
		return err
	}
	for _, a := range b.r.Rebuilt.Record.Archives {
		if err := os.Rename(b.made(a.Name), filepath.Join(to, a.Name)); err != nil {
			return err
		}
		names = append(names, a.Name)
	}
	b.o.Building.Progress.Clear()
	for _, name := range names {
		path := filepath.Join(to, name)
		made, err := b.filer.SignFile(ctx, path)
		if err != nil {
			return &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("signing %s: %v", name, err), Hint: "run the same command again"}
		}
		if err := durable.WriteFile(path+b.filer.Extension(), made.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// writeEvidence writes the statements and the bundle, which must vouch for the
// archives as the judge has found.
func (b *blessing) writeEvidence(to string) error {
	base := strings.TrimSuffix(b.statementName(), ".statement.json")
	data, err := b.gathered.Bundle.Encode()
	if err != nil {
		return err
	}
	var lines []byte
	envelopes := slices.Clone(b.gathered.Bundle.Statements)
	slices.SortFunc(envelopes, func(x, y dsse.Envelope) int {
		dx, dy := statement.Digest(x.Payload), statement.Digest(y.Payload)
		return bytes.Compare(dx[:], dy[:])
	})
	for _, e := range envelopes {
		lines = append(append(lines, e.Encode()...), '\n')
	}
	if err := durable.WriteFile(filepath.Join(to, base+entry.Extension), lines); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(to, base+vouching.BundleExtension), data)
}

// statementName returns the name of our own statement's file.
func (b *blessing) statementName() string {
	s, err := statement.Parse(b.r.Rebuilt.Statement)
	if err != nil {
		return ""
	}
	return s.BaseName() + ".statement.json"
}
