package attribution

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/encoder"
	"github.com/countermark/countermark/internal/escape"
)

// documentVersion is the version of the JSON document (docs/envelopes.md). It rises
// when a reader of the earlier version would misread the later.
const documentVersion = 1

type document struct {
	Format    int       `json:"format"`
	Exit      int       `json:"exit"`
	Archive   fileJSON  `json:"archive"`
	Content   fileJSON  `json:"content"`
	Container string    `json:"container"`
	Traces    []string  `json:"traces"`
	GzipName  string    `json:"gzip_name,omitempty"`
	GzipTime  uint32    `json:"gzip_time,omitempty"`
	Remade    *tryJSON  `json:"remade"` // null if no try remade the file
	Tries     []tryJSON `json:"tries"`
	NotTried  string    `json:"not_tried"`
}

type fileJSON struct {
	Name   string `json:"name,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

type tryJSON struct {
	Command    []string `json:"command"`
	Means      string   `json:"means,omitempty"`
	Program    string   `json:"program,omitempty"` // what it says of its version
	Version    string   `json:"version,omitempty"`
	Outcome    Outcome  `json:"outcome"`
	EqualBytes int64    `json:"equal_bytes"`
	Detail     string   `json:"detail,omitempty"`
}

// Exit returns the exit status: 0 if the file was remade, else 1.
func (r *Result) Exit() int {
	if r.Found() != nil {
		return 0
	}
	return 1
}

// JSON returns the result as one JSON document (docs/envelopes.md).
func (r *Result) JSON() []byte {
	d := document{
		Format: documentVersion, Exit: r.Exit(), Container: r.Trace.Format.String(), Traces: r.Trace.Told, NotTried: r.Trace.NotTried,
		Archive:  fileJSON{escape.Text(r.Archive), r.FileBytes, r.SHA256.String()},
		Content:  fileJSON{"", r.ContentBytes, r.ContentSHA256.String()},
		GzipName: escape.Text(r.Trace.Name), GzipTime: r.Trace.Mtime, Tries: []tryJSON{},
	}
	for _, t := range r.Tries {
		j := tryJSON{Command: t.Vector(), Means: t.Means, Outcome: t.Outcome, EqualBytes: t.EqualBytes, Detail: t.Detail}
		if t.Found != nil {
			j.Program, j.Version = t.Found.Banner, t.Found.Version
		}
		d.Tries = append(d.Tries, j)
		if t.Outcome == Remade {
			d.Remade = &j
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(d) // values of these types always encode
	return escape.JSON(b.Bytes())
}

// Text returns the result for people.
func (r *Result) Text() string {
	var b strings.Builder
	found := r.Found()
	if found != nil {
		fmt.Fprintf(&b, "REMADE byte for byte, by try %d of %d:\n\n  %s\n\n", len(r.Tries), len(r.Trace.Candidates), found)
		if found.Means != "" {
			fmt.Fprintf(&b, "that is   %s\n", found.Means)
		}
		fmt.Fprintf(&b, "program   %s\n", banner(found.Found))
	} else {
		b.WriteString(r.notRemade())
	}
	fmt.Fprintf(&b, "archive   %s, %d bytes, sha256:%v\n", escape.Text(r.Archive), r.FileBytes, r.SHA256)
	fmt.Fprintf(&b, "content   %d bytes, sha256:%v\n", r.ContentBytes, r.ContentSHA256)
	fmt.Fprintf(&b, "traces    %v: %s\n", r.Trace.Format, strings.Join(r.Trace.Told, "; "))
	if r.Trace.Name != "" || r.Trace.Mtime != 0 {
		fmt.Fprintf(&b, "header    %s; what reads a pipe cannot write that, so it was left out of the comparison\n", r.nameAndTime())
	}
	if found == nil {
		fmt.Fprintf(&b, "not tried %s\n", r.Trace.NotTried)
		b.WriteString(r.listTries())
	}
	return b.String()
}

// notRemade says how many tries there were, and which came furthest.
func (r *Result) notRemade() string {
	ran := slices.DeleteFunc(slices.Clone(r.Tries), func(t Try) bool { return t.Outcome == NotInstalled })
	if len(ran) == 0 {
		return "NOT REMADE: no program that is known leaves these traces\n\n"
	}
	best := slices.MaxFunc(ran, func(a, b Try) int { return int(a.EqualBytes - b.EqualBytes) })
	return fmt.Sprintf("NOT REMADE: none of %d tries gave these bytes; the first %d of %d bytes are those of\n\n  %s\n\n", len(ran), best.EqualBytes, r.FileBytes, best)
}

// nameAndTime says what a gzip header holds of the file that was compressed.
func (r *Result) nameAndTime() string {
	var parts []string
	if r.Trace.Name != "" {
		parts = append(parts, "the name "+escape.Quote(r.Trace.Name))
	}
	if r.Trace.Mtime != 0 {
		parts = append(parts, "the time "+time.Unix(int64(r.Trace.Mtime), 0).UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, " and ")
}

func (r *Result) listTries() string {
	var b strings.Builder
	for _, t := range r.Tries {
		fmt.Fprintf(&b, "%14d  %s", t.EqualBytes, cmp.Or(t.Means, t.String()))
		switch t.Outcome {
		case NotInstalled:
			b.WriteString("  (not installed)")
		case Failed:
			b.WriteString("  (" + t.Detail + ")")
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nequal bytes of each try:\n" + b.String()
}

// banner names a program as it does itself, and always by its name.
func banner(p *encoder.Program) string {
	if p.Banner == "" {
		return p.Name + ", which says no version"
	}
	if !strings.Contains(p.Banner, p.Name) {
		return p.Name + ": " + p.Banner
	}
	return p.Banner
}
