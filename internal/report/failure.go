package report

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
)

// Exit returns the exit status that goes with the code, as cmp(1) has them.
func (c Code) Exit() int {
	switch c {
	case Verified:
		return 0
	case Failed:
		return 1
	case NotComplete:
		return 3
	}
	return 2
}

// Failure is the error of a run that reached no verdict, or a negative one
// before anything could be compared.
type Failure struct {
	Code    Code
	Detail  string           // one sentence
	Hint    string           // what to do, "" if there is nothing
	Refusal *refusal.Refusal // the rule that refused the input, nil if none did
	File    string           // the archive that was refused, "" if none was
}

// Error returns the detail.
func (f *Failure) Error() string { return f.Detail }

// UsageFailure returns the failure of a call that cannot be carried out as given.
func UsageFailure(hint, format string, args ...any) *Failure {
	return &Failure{Code: Usage, Detail: fmt.Sprintf(format, args...), Hint: hint}
}

// Interrupted returns the failure of a run that was asked to stop.
func Interrupted() *Failure {
	return &Failure{Code: Internal, Detail: "interrupted; nothing was changed"}
}

// FailureOf returns the Failure in err's chain, or makes one; code is that of
// errors which do not know their own.
func FailureOf(err error, code Code) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	f := &Failure{Code: code, Detail: err.Error(), Refusal: AsRefusal(err)}
	switch {
	case f.Refusal != nil:
		f.Code = CodeOf(f.Refusal.Rule.Exit())
	case errors.Is(err, syscall.ENOSPC):
		f.Code, f.Hint = NotComplete, "make room and run the same command again"
	}
	return f
}

// CodeOf returns the code of a verdict's exit status.
func CodeOf(exit int) Code {
	switch exit {
	case 0:
		return Verified
	case 1:
		return Failed
	case 3:
		return NotComplete
	}
	return Rejected
}

// FailureDocument returns the document of a run without a verdict. Candidates
// are the tagged commits nearest to the archive, if that was asked.
func FailureDocument(f *Failure, candidates []Candidate) *Document {
	d := &Document{Format: FormatVersion, Verdict: "none", Exit: f.Code.Exit(), Code: f.Code, Candidates: candidates,
		Error: &Error{Detail: escape.Sentence(f.Detail), Hint: escape.Sentence(f.Hint)}}
	if r := f.Refusal; r != nil {
		d.Verdict, d.Error = "refused", nil
		d.Refused = &Refused{Rule: string(r.Rule), Offset: r.Offset, Member: escape.Text(r.Member), Detail: escape.Sentence(r.Detail), File: escape.Text(f.File)}
	}
	return d
}
