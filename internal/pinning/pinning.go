// Package pinning is the wiring of the command pin: it fetches the files that a
// recipe names by URL, and writes the digests that it lacks.
package pinning

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/fetch"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
)

// Options says what to do.
type Options struct {
	Recipe   string         // path of the recipe
	Check    bool           // fetch everything, write nothing, and say what is another file now
	Cache    string         // folder for what is fetched, "" for the user's cache
	Limits   fetch.Limits   // of one transfer
	Progress *progress.Line // may be nil
}

// Result is one file that was fetched.
type Result struct {
	What string // whose file it is, safe to print
	URL  string
	Line int           // of the URL in the recipe as it was
	Was  digest.SHA256 // what the recipe held it to, zero if to nothing
	Now  digest.SHA256
}

// Moved reports whether the URL gives another file than the recipe says.
func (r Result) Moved() bool { return !r.Was.IsZero() && r.Was != r.Now }

// Run pins what the recipe lacks, or checks what it has, and returns the files
// that were fetched for it. The recipe is written once, with all digests, or not
// at all. The error is a *report.Failure.
func Run(ctx context.Context, o Options) ([]Result, error) {
	path, err := filepath.EvalSymlinks(o.Recipe) // a link stays one
	if err != nil {
		return nil, report.UsageFailure("name the recipe: countermark pin --recipe FILE", "reading the recipe: %v", err)
	}
	text, err := read(path)
	if err != nil {
		return nil, report.FailureOf(fmt.Errorf("reading the recipe: %w", err), report.Usage)
	}
	pins, err := recipe.Pins(text)
	if err != nil {
		return nil, recipeFailure(o.Recipe, err)
	}
	if o.Check {
		if err := checkable(o.Recipe, pins); err != nil {
			return nil, err
		}
	}
	results, err := fetchAll(ctx, o, pins)
	if err != nil || o.Check || len(results) == 0 {
		return results, err
	}
	return results, write(path, text, pins)
}

// read reads a recipe, and a byte more than one may have.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no regular file", escape.Quote(path)))
	}
	return io.ReadAll(io.LimitReader(f, recipe.MaxFileBytes+1))
}

func recipeFailure(path string, err error) error {
	if p, ok := errors.AsType[*recipe.ParseError](err); ok {
		return report.UsageFailure(p.Hint, "%s, %v", escape.Quote(path), p)
	}
	return report.FailureOf(err, report.Usage)
}

// checkable refuses a recipe whose check would check less than all of it.
func checkable(path string, pins []recipe.Pin) error {
	for _, p := range pins {
		if p.SHA256.IsZero() {
			return report.UsageFailure("countermark pin writes it", "%s, line %d: %s has no SHA-256 that could be checked", escape.Quote(path), p.Line, p.What)
		}
	}
	return nil
}

// fetchAll fetches what is to be checked or pinned, and notes the digests of
// the latter in pins.
func fetchAll(ctx context.Context, o Options, pins []recipe.Pin) ([]Result, error) {
	if o.Cache == "" {
		var err error
		if o.Cache, err = fetch.DefaultDir(); err != nil {
			return nil, report.FailureOf(err, report.Usage)
		}
	}
	cache := fetch.NewCache(o.Cache, fetch.Options{Limits: o.Limits,
		Progress: func(url string, done, total int64) { o.Progress.Bytes("fetching "+url, done, total) }})
	var results []Result
	for i, p := range pins {
		if !o.Check && !p.SHA256.IsZero() {
			continue
		}
		now, err := cache.Pin(ctx, string(p.URL))
		o.Progress.Clear()
		if err != nil {
			return nil, FailureOf(err)
		}
		results = append(results, Result{What: p.What, URL: string(p.URL), Line: p.Line, Was: p.SHA256, Now: now})
		pins[i].SHA256 = now
	}
	return results, nil
}

// FailureOf says what the error of a fetch means for the exit status.
func FailureOf(err error) *report.Failure {
	if _, ok := errors.AsType[*fetch.TransportError](err); ok {
		return &report.Failure{Code: report.NotComplete, Detail: err.Error(), Hint: "check the address and the network, and run the same command again"}
	}
	if _, ok := errors.AsType[*fetch.MismatchError](err); ok {
		return &report.Failure{Code: report.Failed, Detail: err.Error(), Hint: "countermark pin --check says which files of the recipe have moved; find out why before a digest is changed"}
	}
	if _, ok := errors.AsType[*fetch.RefusedError](err); ok {
		return report.UsageFailure("name the file by a plain https URL that gives it", "%v", err)
	}
	return report.FailureOf(err, report.Internal)
}

// write replaces the recipe by one that has all digests, if it is still the one
// that was read.
func write(path string, text []byte, pins []recipe.Pin) error {
	pinned, err := recipe.WithDigests(text, pins)
	if err != nil {
		return report.FailureOf(err, report.Usage)
	}
	if now, err := read(path); err != nil || !bytes.Equal(now, text) {
		return &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("%s was changed while its files were fetched; nothing was written", escape.Quote(path)),
			Hint: "run the same command again"}
	}
	if err := durable.WriteFile(path, pinned); err != nil {
		return report.FailureOf(fmt.Errorf("writing the recipe: %w", err), report.Internal)
	}
	return nil
}
