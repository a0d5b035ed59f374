package setting

import (
	"errors"

	"github.com/countermark/countermark/internal/fetch"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
)

// Cache returns the cache of fetched files.
func Cache(line *progress.Line) (*fetch.Cache, error) {
	dir, err := fetch.DefaultDir()
	if err != nil {
		return nil, report.UsageFailure("set HOME or XDG_CACHE_HOME", "there is no cache folder to fetch into: %v", err)
	}
	return fetch.NewCache(dir, fetch.Options{Progress: func(url string, done, total int64) { line.Bytes("fetching "+url, done, total) }}), nil
}

// FetchFailure says what a failed transfer means for the exit status. Other errors
// are returned as they are.
func FetchFailure(err error) error {
	f := &report.Failure{Code: report.Internal, Detail: err.Error()}
	if _, ok := errors.AsType[*fetch.MismatchError](err); ok {
		f.Code, f.Hint = report.Failed, "somebody changed the file, or sends another one: look at both before a new digest goes into the recipe"
	} else if _, ok := errors.AsType[*fetch.TransportError](err); ok {
		f.Code, f.Hint = report.NotComplete, "nothing was changed; run the same command again when the server can be reached"
	} else if _, ok := errors.AsType[*fetch.RefusedError](err); ok {
		f.Code = report.Rejected
	} else {
		return err
	}
	return f
}
