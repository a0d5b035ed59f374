package report

import (
	"cmp"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/endorsement"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/signature"
)

// SignaturesFail is the verdict of a run whose comparison holds, or is
// incomplete, and whose signatures do not hold.
const SignaturesFail = "signatures do not hold"

// Signatures is what was found of the signatures on the tag and the archives.
type Signatures struct {
	Hold      bool               `json:"hold"`
	Agreement string             `json:"agreement,omitempty"`
	Failures  []SignatureFailure `json:"failures,omitempty"`
	Found     []Signature        `json:"found"`
}

// SignatureFailure is one reason why the signatures do not hold.
type SignatureFailure struct {
	Rule   string `json:"rule"`
	Detail string `json:"detail"` // escaped
}

// Signature is one object that may be signed, and what was found of its signature.
type Signature struct {
	Object      string `json:"object"`
	Name        string `json:"name"`
	File        string `json:"file,omitempty"`
	State       string `json:"state"`
	Rule        string `json:"rule,omitempty"`
	Why         string `json:"why,omitempty"` // escaped
	Form        string `json:"form,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Key         string `json:"key,omitempty"`
	Holder      string `json:"holder,omitempty"`
	HolderName  string `json:"holder_name,omitempty"`
	Signed      int64  `json:"signed,omitempty"`
	Note        string `json:"note,omitempty"`
	Agreement   string `json:"agreement,omitempty"`
}

// SetSignatures fills in what was found of the signatures. Where they do not
// hold, the run fails; the comparison's own failure is the verdict if both do.
func (d *Document) SetSignatures(r *endorsement.Release, v *endorsement.Verdict) {
	s := &Signatures{Hold: v.Holds(), Agreement: v.Agreement.String()}
	for _, f := range v.Failures {
		s.Failures = append(s.Failures, SignatureFailure{Rule: string(f.Rule), Detail: f.Detail})
	}
	for i := range r.Signatures {
		s.Found = append(s.Found, signatureOf(r, i, v.Agreements[i]))
	}
	d.Signatures = s
	switch {
	case s.Hold:
		d.Assurance = v.Assurance.String()
	case d.Exit != Failed.Exit():
		d.Verdict, d.Exit = SignaturesFail, Failed.Exit()
	}
}

func signatureOf(r *endorsement.Release, i int, agreement endorsement.Agreement) Signature {
	from := &r.Signatures[i]
	s := Signature{Object: from.Object.String(), Name: from.Name, File: from.File, State: from.State(), Agreement: agreement.String()}
	if from.Unsigned != "" {
		s.Why = escape.Sentence(from.Unsigned)
		return s
	}
	f := from.Finding
	s.Rule, s.Why, s.Form, s.Fingerprint, s.Signed, s.Note = string(f.Rule), escape.Sentence(f.Why), f.Form.String(), f.Fingerprint, f.Signed, f.Note
	if !f.Key.IsZero() {
		s.Key = f.Key.String()
	}
	if h := r.Holder(from); h != nil {
		s.Holder, s.HolderName = h.Fingerprint, h.Name
	}
	return s
}

// assurance is what the first line of the text says.
func (d *Document) assurance() string {
	if d.Assurance == endorsement.CommitAlone.String() {
		return "commit alone, no signature"
	}
	return d.Assurance
}

// signatures writes one line for each signature, after the reasons why they do
// not hold.
func (t *text) signatures(d *Document) {
	if d.Signatures == nil {
		return
	}
	for _, f := range d.Signatures.Failures {
		t.wrapWords(red, "  "+f.Rule+": ", "    ", strings.Fields(escape.Sentence(f.Detail)))
	}
	for i := range d.Signatures.Found {
		s := &d.Signatures.Found[i]
		head := fmt.Sprintf("  %s: ", s.Object)
		if s.Object != endorsement.Commit.String() && s.Name != "" {
			head = fmt.Sprintf("  %s %s: ", s.Object, escape.Text(path.Base(cmp.Or(s.File, s.Name))))
		}
		color := ""
		if s.State == signature.GoodExpired.String() || s.State == endorsement.NotSigned {
			color = yellow
		}
		t.wrapWords(color, head, "    ", strings.Fields(s.words(d.Signatures.Agreement)))
	}
	switch d.Signatures.Agreement {
	case endorsement.SameKey.String():
		t.line("  the same key signed tag and archive")
	case endorsement.AnotherKey.String():
		t.line("  %s", t.paint(yellow, "another key than the tag's signed the archive"))
	}
}

// words says of a signature what was found, escaped: but for what all agree in,
// and why it fails, which stand elsewhere.
func (s *Signature) words(agreement string) string {
	switch {
	case s.Key == "" && s.Rule != "" && s.Object != endorsement.Commit.String():
		return s.State
	case s.Key == "":
		return s.State + ": " + s.Why
	}
	words := s.State + ": " + s.Form + " " + escape.Text(s.Fingerprint)
	if s.Holder != "" && s.Holder != s.Fingerprint {
		words += " of " + escape.Text(s.Holder)
	}
	if s.HolderName != "" {
		words += " " + escape.Quote(s.HolderName)
	}
	if s.Signed != 0 {
		words += ", says " + time.Unix(s.Signed, 0).UTC().Format(time.DateOnly)
	}
	if s.Note != "" {
		words += ", " + escape.Text(s.Note)
	}
	if s.Agreement == endorsement.AnotherKey.String() && s.Agreement != agreement {
		words += ", " + s.Agreement
	}
	return words
}

// signatureSentence says what a verdict about signatures means, and what to do.
func (d *Document) signatureSentence() string {
	sentence := "every path of the archive and of the commit is accounted for, but the signatures fail"
	if d.results.Verdict() == compare.Incomplete {
		sentence = "some paths cannot be decided (--all says what is missing for each), and the signatures fail"
	}
	for _, f := range d.Signatures.Failures {
		if hint := signatureHint(f.Rule); hint != "" {
			return sentence + "; " + hint
		}
	}
	return sentence
}
