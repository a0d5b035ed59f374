package verification

import (
	"context"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/endorsement"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/verification/input"
	"github.com/countermark/countermark/internal/verification/signatures"
)

// readKeys reads the keys that were given. A lock file that names keys asks for
// them: without, a release by anybody would pass.
func (v *verification) readKeys() error {
	if err := v.o.Signatures.Check(v.o.Archives); err != nil {
		return err
	}
	if v.o.Signatures.Asked() {
		var err error
		v.signed, err = signatures.Open(v.o.Signatures)
		return err
	}
	if v.lock != nil && len(v.lock.TagKeys)+len(v.lock.ArchiveKeys) > 0 {
		return report.UsageFailure("give these keys with --keyring or --allowed-signers; if signatures are no longer to be checked, remove the lines",
			"%s names the keys that sign, in its lines tag-key and archive-key, and no keys are given", v.lockPath)
	}
	return nil
}

// findSignatures looks at the signatures of the tag and of each archive, if keys
// were given.
func (v *verification) findSignatures(ctx context.Context, inputs []*input.Input, all []*archive.Contents) error {
	if v.signed == nil {
		return nil
	}
	source := signatures.Source{Ref: v.target.ref, Tag: v.target.tag, Commit: v.target.ID}
	if err := v.signed.Source(ctx, v.repo, source); err != nil {
		return err
	}
	for i, in := range inputs {
		if err := v.signed.Archive(ctx, in, all[i], v.settings()); err != nil {
			return err
		}
	}
	return nil
}

// judgeSignatures puts into the document what the signatures come to, and what of
// them was not checked.
func (v *verification) judgeSignatures() {
	v.doc.Assurance = endorsement.CommitAlone.String()
	if v.signed == nil {
		v.doc.NotChecked = append(v.doc.NotChecked, "who signed the tag or the archive")
		return
	}
	release, verdict := v.signed.Judge(v.lock, v.lockPath)
	v.doc.SetSignatures(release, &verdict)
	unchecked := "whose the keys that were given are"
	switch verdict.Assurance {
	case endorsement.SignedTag:
		unchecked += "; who made the archive"
	case endorsement.SignedArchive:
		unchecked += "; who made the tag"
	case endorsement.CommitAlone, endorsement.SignedBoth:
	}
	v.doc.NotChecked = append(v.doc.NotChecked, strings.Split(unchecked, "; ")...)
}

// unsigned refuses to record a release whose signatures do not hold.
func (v *verification) unsigned() error {
	if v.doc.Signatures == nil || v.doc.Signatures.Hold {
		return nil
	}
	detail := "no signature is good"
	if failures := v.doc.Signatures.Failures; len(failures) > 0 {
		detail = failures[0].Rule + ": " + failures[0].Detail
	}
	return &report.Failure{Code: report.Failed, Detail: fmt.Sprintf("the lock file was not written: %s", detail),
		Hint: "without --update-lock the whole report is printed; to accept another key, remove the tag-key and archive-key lines from the lock file first"}
}
