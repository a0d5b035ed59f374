// Package report turns what a verification found into output: one versioned
// JSON document (docs/spec/report.md), and text for people. It decides
// nothing. Text that came from an input passes package escape on its way.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// FormatVersion is the version of the JSON document. It rises when a reader of
// the earlier version would misread the later.
const FormatVersion = 1

// Code says in one word how a run ended; docs/spec/report.md lists them with
// their exit statuses.
type Code string

// The codes.
const (
	Verified    Code = "VERIFIED"   // exit 0
	Failed      Code = "FAILED"     // exit 1: looked, and it does not hold
	Rejected    Code = "REJECTED"   // exit 2: the input is outside the accepted grammar
	Usage       Code = "USAGE"      // exit 2: the call cannot be carried out as given
	Internal    Code = "INTERNAL"   // exit 2: a defect, or the machine
	NotComplete Code = "INCOMPLETE" // exit 3: something is missing; trying again may help
)

// Document is the JSON document of one run.
type Document struct {
	Format      int             `json:"format"`
	Verdict     string          `json:"verdict"`
	Exit        int             `json:"exit"`
	Code        Code            `json:"code"`
	Assurance   string          `json:"assurance,omitempty"` // an endorsement.Assurance
	Counts      *Counts         `json:"counts,omitempty"`
	Provenance  *Provenance     `json:"provenance,omitempty"`
	Paths       []Path          `json:"paths,omitempty"`
	Archives    []Archive       `json:"archives,omitempty"`
	Tree        *TreeIDs        `json:"tree,omitempty"`
	Commit      *Commit         `json:"commit,omitempty"`
	Claim       *Claim          `json:"claim,omitempty"`
	Moved       *Moved          `json:"moved,omitempty"`
	Signatures  *Signatures     `json:"signatures,omitempty"`
	Lock        *Lock           `json:"lock,omitempty"`
	Explanation *Explanation    `json:"explanation,omitempty"`
	Modes       []ModeCount     `json:"modes,omitempty"`
	Candidates  []Candidate     `json:"candidates,omitempty"`
	Notes       []string        `json:"notes,omitempty"`
	NotChecked  []string        `json:"not_checked,omitempty"`
	Refused     *Refused        `json:"refused,omitempty"`
	Error       *Error          `json:"error,omitempty"`
	results     *compare.Report // the source of Counts and Paths, for the text
	archive     tree.Tree
	findings    []provenance.Finding // the source of Provenance, for the text
}

// Counts is the number of paths in each class.
type Counts struct {
	Identical    int `json:"identical"`
	Filtered     int `json:"filtered"`
	FilteredRefs int `json:"filtered_refs"`
	Ignored      int `json:"ignored"`
	Submodule    int `json:"submodule"`
	Unchecked    int `json:"unchecked"`
	Added        int `json:"added"`
	Missing      int `json:"missing"`
	Changed      int `json:"changed"`
	Mode         int `json:"mode"`
	Special      int `json:"special"`
}

// Path is one path that is not identical (or any, with --all).
type Path struct {
	Path     string   `json:"path"` // a directory's ends in a slash
	Class    string   `json:"class"`
	Archive  *Side    `json:"archive,omitempty"`
	Commit   *Side    `json:"commit,omitempty"`
	By       []string `json:"by,omitempty"`
	Reason   string   `json:"reason,omitempty"`
	Accepted bool     `json:"accepted,omitempty"`
	Source   *Source  `json:"source,omitempty"`
}

// Side is a path as one side has it.
type Side struct {
	Mode   string `json:"mode,omitempty"` // git's, six octal digits
	SHA1   string `json:"sha1,omitempty"` // git object ids
	SHA256 string `json:"sha256,omitempty"`
}

// Archive is one file that was read.
type Archive struct {
	Name      string  `json:"name"`
	SHA256    string  `json:"sha256"`
	TarSHA256 *string `json:"tar_sha256"` // null for zip
	Decoder   string  `json:"decoder"`
	Container string  `json:"container"`
	Dialect   string  `json:"dialect"`
	Prefix    string  `json:"prefix"`
	Members   int     `json:"members"`
	Bytes     int64   `json:"bytes"`
}

// TreeIDs are the ids of the archive's tree.
type TreeIDs struct {
	SHA1   string `json:"sha1"`
	SHA256 string `json:"sha256"`
	SWHID  string `json:"swhid,omitempty"`
}

// Commit is what the archive was compared with.
type Commit struct {
	ID           string `json:"id"`
	Tree         string `json:"tree"`
	ObjectFormat string `json:"object_format"`
	Ref          string `json:"ref,omitempty"`
	TagObject    string `json:"tag_object,omitempty"` // "" for a lightweight tag or a bare commit
	Repository   string `json:"repository"`
	FoundBy      string `json:"found_by"`
	FetchedBytes int64  `json:"fetched_bytes"`
	Git          string `json:"git"`
}

// Claim is a commit id embedded in the archive that is not the commit's.
type Claim struct {
	Rule     string `json:"rule"` // CMP_CLAIM
	Embedded string `json:"embedded"`
	SameTree bool   `json:"same_tree"`
}

// Moved is a tag that leads elsewhere than when the lock file recorded it.
type Moved struct {
	Rule      string `json:"rule"`                 // GIT_TAGMOVED
	Commit    string `json:"commit"`               // the recorded ids
	TagObject string `json:"tag_object,omitempty"` // "" for a lightweight tag
	SameTree  bool   `json:"same_tree"`
}

// Lock is what a lock file did to the verdict.
type Lock struct {
	File     string   `json:"file"`
	Accepted int      `json:"accepted"`
	AsTools  int      `json:"accepted_as_tool_files"` // of Accepted, those whose content it does not hold
	Stale    []string `json:"stale"`                  // accept lines that no longer occur
	Updated  bool     `json:"updated"`
}

// ModeCount is how many regular files of the archive have unusual permission bits.
type ModeCount struct {
	Mode  string `json:"mode"`
	Files int    `json:"files"`
}

// Candidate is a tagged commit near the archive.
type Candidate struct {
	Ref    string `json:"ref"`
	Commit string `json:"commit"`
	Shared int    `json:"shared"`
	Total  int    `json:"total"`
}

// Refused is the refusal of an input.
type Refused struct {
	Rule   string `json:"rule"`
	Offset int64  `json:"offset"` // -1: none
	Member string `json:"member"` // escaped
	Detail string `json:"detail"` // escaped
	File   string `json:"file,omitempty"`
}

// Error is why there is no verdict, where no rule refused the input.
type Error struct {
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// JSON returns the document as bytes, with a final line feed.
func (d *Document) JSON() []byte {
	d.setSources()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(true)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(d); err != nil {
		panic(err) // strings, numbers and slices of them always encode
	}
	return escape.JSON(b.Bytes())
}

// AsRefusal returns the refusal in err's chain, or nil.
func AsRefusal(err error) *refusal.Refusal {
	r, _ := errors.AsType[*refusal.Refusal](err)
	return r
}

// SetComparison fills in verdict, counts and paths; all lists identical paths too.
func (d *Document) SetComparison(r *compare.Report, contents *archive.Contents, all bool) {
	d.results, d.archive = r, contents.Tree
	d.Verdict, d.Exit = r.Verdict().String(), r.Verdict().Exit()
	d.Counts = &Counts{
		Identical: r.Count(compare.Identical), Filtered: r.Count(compare.Filtered), FilteredRefs: r.Count(compare.FilteredRefs),
		Ignored: r.Count(compare.Ignored), Submodule: r.Count(compare.Submodule), Unchecked: r.Count(compare.Unchecked),
		Added: r.Count(compare.Added), Missing: r.Count(compare.Missing), Changed: r.Count(compare.Changed),
		Mode: r.Count(compare.Mode), Special: r.Count(compare.Special),
	}
	results := r.Results()
	if all {
		results = r.All(contents.Tree)
	}
	for result := range results {
		d.Paths = append(d.Paths, pathOf(result))
	}
	git := contents.Identity.Git
	d.Tree = &TreeIDs{SHA1: git.In(digest.SHA1Format).String(), SHA256: git.In(digest.SHA256Format).String(), SWHID: contents.Identity.SWH}
	d.AddModes(contents.Modes)
}

// AddModes lists the unusual modes of a further archive of the release, where
// those before it have none of the kind.
func (d *Document) AddModes(modes []archive.ModeCount) {
	for _, m := range modes {
		mode := octal(uint32(m.Perm), 4)
		if !slices.ContainsFunc(d.Modes, func(known ModeCount) bool { return known.Mode == mode }) {
			d.Modes = append(d.Modes, ModeCount{Mode: mode, Files: m.Files})
		}
	}
}

func pathOf(r *compare.Result) Path {
	return Path{Path: displayPath(r), Class: r.Class.String(), Archive: sideOf(r.Archive), Commit: sideOf(r.Commit),
		By: r.By, Reason: r.Reason, Accepted: r.Accepted}
}

func displayPath(r *compare.Result) string {
	if r.Archive != nil && r.Archive.Kind == tree.Directory {
		return string(r.Path) + "/"
	}
	return string(r.Path)
}

func sideOf(e *tree.Entry) *Side {
	if e == nil {
		return nil
	}
	return &Side{Mode: octal(e.GitMode(), 6), SHA1: e.IDs.In(digest.SHA1Format).String(), SHA256: e.IDs.In(digest.SHA256Format).String()}
}

func octal(v uint32, digits int) string {
	s := make([]byte, digits)
	for i := range s {
		s[len(s)-1-i] = '0' + byte(v&7)
		v >>= 3
	}
	return string(s)
}
