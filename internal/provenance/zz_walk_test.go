package provenance

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

func TestZZWalk(t *testing.T) {
	root := os.Getenv("WALK")
	if root == "" {
		t.Skip()
	}
	n, c := 0, 0
	tally := map[string]int{}
	filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		raw, err := os.ReadFile(p)
		if err != nil || len(raw) > 8<<20 {
			return nil
		}
		n++
		cl := readClaim(filepath.Base(p), raw)
		if cl.IsZero() {
			return nil
		}
		c++
		kind := "H"
		if cl.Generic {
			kind = "G"
		}
		tally[kind+" "+cl.Tool+"|"+cl.Version]++
		fmt.Printf("%s\t%s\t%s\t%s\t%d\t%.150q\t%s\n", kind, cl.Tool, cl.Version, cl.From, cl.Line, cl.Text, p)
		return nil
	})
	var ks []string
	for k, v := range tally {
		ks = append(ks, fmt.Sprintf("%5d %s", v, k))
	}
	sort.Strings(ks)
	fmt.Println("TOTAL", n, c)
}
