package testkit

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Vector is one case of testdata/vectors: an input, and what is to come of it.
type Vector struct {
	Name   string
	Input  []byte
	Expect string            // "accepted", or the rule that refuses it
	Gives  map[string]string // of one that is accepted: further results, by name
}

// vectorFile is a file of vectors, as testdata/vectors/README.md specifies it.
type vectorFile struct {
	Format  int      `json:"format"`
	About   string   `json:"about"`
	Input   string   `json:"input"`
	Lines   []string `json:"lines"`
	Vectors []struct {
		Name    string            `json:"name"`
		Replace string            `json:"replace"`
		With    *string           `json:"with"`
		WithHex string            `json:"with_hex"`
		Repeat  int               `json:"repeat"`
		Expect  string            `json:"expect"`
		Gives   map[string]string `json:"gives"`
	} `json:"vectors"`
}

// Vectors reads all vectors of one folder below testdata/vectors, which lies at
// the place given. A vector that changes nothing, or that is there twice, fails
// the test; so does a folder without any.
func Vectors(t testing.TB, dir string) []Vector {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds no vectors: %v", dir, err)
	}
	var all []Vector
	seen := map[string]bool{}
	for _, name := range files {
		for _, v := range readVectors(t, name) {
			if v.Name = strings.TrimSuffix(filepath.Base(name), ".json") + ": " + v.Name; seen[v.Name] {
				t.Fatalf("%s is there twice", v.Name)
			}
			seen[v.Name] = true
			all = append(all, v)
		}
	}
	return all
}

func readVectors(t testing.TB, name string) []Vector {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil || file.Format != 1 || len(file.Vectors) == 0 {
		t.Fatalf("%s is no file of vectors: %v", name, err)
	}
	for _, line := range file.Lines {
		file.Input += line + "\n"
	}
	var all []Vector
	for _, v := range file.Vectors {
		with, err := hex.DecodeString(v.WithHex)
		if v.With != nil {
			with = []byte(*v.With)
		}
		if v.Repeat > 0 {
			with = []byte(strings.Repeat(string(with), v.Repeat))
		}
		input := file.Input
		if v.Replace != "" {
			input = strings.Replace(file.Input, v.Replace, string(with), 1)
		}
		if n := strings.Count(file.Input, v.Replace); err != nil || v.Replace != "" && (n != 1 || input == file.Input) {
			t.Fatalf("%s: %s: %q is there %d times, or replaced by itself: %v", name, v.Name, v.Replace, n, err)
		}
		all = append(all, Vector{Name: v.Name, Input: []byte(input), Expect: v.Expect, Gives: v.Gives})
	}
	return all
}
