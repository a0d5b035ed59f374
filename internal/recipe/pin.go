package recipe

import (
	"fmt"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/escape"
)

// digestKey is the key of what a URL's content is held to.
const digestKey = "sha256"

// Pin is a file that a recipe names by URL, and what its content is held to.
type Pin struct {
	What   string // whose it is: "download PATH", "tool NAME" or "image", safe to print
	URL    URL
	SHA256 digest.SHA256 // zero if the recipe does not say it yet
	Line   int           // of the URL, counted from 1
	place  string        // of the URL
	lacks  bool          // whether the recipe does not say it yet
}

// Pins reads a recipe that may lack digests, and returns the files that it
// names by URL: the image, those of tools, the downloads, each in the order of
// the file. The error is that of Parse for all else that is wrong.
func Pins(data []byte) ([]Pin, error) {
	r, t, err := read(data, digestKey)
	if err != nil {
		return nil, err
	}
	var pins []Pin
	add := func(place, what string, url URL, sum digest.SHA256) {
		place = document.KeyPlace(place, "url")
		pins = append(pins, Pin{What: what, URL: url, SHA256: sum, Line: t.Line(place), place: place, lacks: sum.IsZero()})
	}
	environment := document.KeyPlace("", "environment")
	if image, ok := r.Environment.Base.(Image); ok && image.URL != "" {
		add(environment, "image", image.URL, image.SHA256)
	} else if ok && image.SHA256.IsZero() {
		return nil, &ParseError{Line: t.Line(environment), Detail: "the image has neither a URL nor a SHA-256",
			Hint: "write the SHA-256 that sha256sum prints for the archive, or the one of the manifest that the layout's index.json names"}
	}
	for i, tool := range r.Environment.Tools {
		if source, ok := tool.Source.(ArchiveSource); ok {
			add(document.ItemPlace(document.KeyPlace(environment, "tool"), i), "tool "+string(tool.Name), source.URL, source.SHA256)
		}
	}
	for i, d := range r.Downloads {
		add(document.ItemPlace(document.KeyPlace("", "download"), i), "download "+escape.Text(string(d.Path)), d.URL, d.SHA256)
	}
	return pins, nil
}

// WithDigests returns the recipe with the digests of the pins that Pins found to
// lack one, each after its URL, and all else as it was. The result is a recipe
// that Parse accepts; where that cannot be, there is an error.
func WithDigests(data []byte, pins []Pin) ([]byte, error) {
	var all []document.Insertion
	for _, p := range pins {
		if p.lacks {
			all = append(all, document.Insertion{After: p.place, Key: digestKey, Value: p.SHA256.String()})
		}
	}
	out, err := document.Insert(data, all)
	if err != nil {
		return nil, err
	}
	if _, err := Parse(out); err != nil {
		return nil, fmt.Errorf("reading the recipe with its digests: %w", err)
	}
	return out, nil
}
