package standing

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/countermark/countermark/internal/collection"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
)

// Checked is whether a folder of statements is in order.
type Checked struct {
	Folder     string
	Statements int
	Problems   []collection.Problem
}

// Exit returns the exit status.
func (c *Checked) Exit() int {
	if len(c.Problems) > 0 {
		return report.Failed.Exit()
	}
	return report.Verified.Exit()
}

// Check looks through a folder in which a project collects statements, and holds
// it to an earlier state, of which nothing may be missing; "" for none. The error
// is a *report.Failure.
func Check(folder, before string) (*Checked, error) {
	now, err := readFolder(folder)
	if err != nil {
		return nil, err
	}
	c := &Checked{Folder: folder, Statements: len(now.Found), Problems: now.Problems}
	for _, f := range now.Found {
		err := signing.CheckForm(f.Entry.Envelope)
		if refused, ok := errors.AsType[*refusal.Refusal](err); ok {
			c.Problems = append(c.Problems, collection.Problem{Path: f.Path, Refusal: refused})
		} else if err != nil {
			return nil, report.FailureOf(err, report.Internal)
		}
	}
	if before == "" {
		return c, nil
	}
	earlier, err := readFolder(before)
	if err != nil {
		return nil, err
	}
	c.Problems = append(c.Problems, collection.Lost(earlier, now)...)
	return c, nil
}

func readFolder(folder string) (collection.Contents, error) {
	contents, err := collection.Read(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return contents, report.UsageFailure("name the folder that holds VERSION/PARTY/KIND-DIGEST.intoto.jsonl", "%v", err)
	}
	if err != nil {
		return contents, report.FailureOf(err, report.Internal)
	}
	return contents, nil
}

// Text names each problem on a line of its own.
func (c *Checked) Text() string {
	t := &strings.Builder{}
	for _, p := range c.Problems {
		fmt.Fprintf(t, "%s: %s: %s\n", escape.Text(p.Path), p.Refusal.Rule, escape.Sentence(p.Refusal.Detail))
	}
	answer := "in order"
	if len(c.Problems) > 0 {
		answer = "NOT IN ORDER"
	}
	fmt.Fprintf(t, "%s: %d statements, %s\n", escape.Text(c.Folder), c.Statements, answer)
	return t.String()
}

// JSON returns the same as one document.
func (c *Checked) JSON() []byte {
	type problem struct {
		Path string `json:"path"`
		Rule string `json:"rule"`
		Text string `json:"text"`
	}
	d := struct {
		Format     int         `json:"format"`
		Exit       int         `json:"exit"`
		Code       report.Code `json:"code"`
		Folder     string      `json:"folder"`
		Statements int         `json:"statements"`
		Problems   []problem   `json:"problems"`
	}{Format: report.FormatVersion, Exit: c.Exit(), Code: report.CodeOf(c.Exit()), Folder: c.Folder, Statements: c.Statements}
	for _, p := range c.Problems {
		d.Problems = append(d.Problems, problem{p.Path, string(p.Refusal.Rule), p.Refusal.Detail})
	}
	return encode(d)
}
