package knownfile

import (
	"bytes"
	"fmt"
	"slices"
)

// check holds an index to the order, the names and the limits of the format.
func (x *Index) check() error {
	for _, n := range []int{len(x.tools), len(x.releases), len(x.paths), len(x.serials), len(x.forms), len(x.records)} {
		if n > maxEntries {
			return fmt.Errorf("a table has %d entries, at most %d are read", n, maxEntries)
		}
	}
	if err := x.checkNames(); err != nil {
		return err
	}
	for i, s := range x.serials {
		if parsed, ok := ParseSerial(string(s)); !ok || parsed != s || i > 0 && compareSerials(x.serials[i-1], s) >= 0 {
			return fmt.Errorf("the serial number %q is none, or out of order", s)
		}
	}
	for i, f := range x.forms {
		if f.IsZero() || i > 0 && compareForms(x.forms[i-1], f) >= 0 {
			return fmt.Errorf("form %d is empty, or out of order", i)
		}
	}
	for i := range x.records {
		if err := x.checkRecord(i); err != nil {
			return err
		}
	}
	return x.checkUse()
}

func (x *Index) checkNames() error {
	tools := make(map[string]bool)
	for _, tool := range x.tools {
		if !isName(tool) || tools[tool] {
			return fmt.Errorf("the tool %q is no name, or occurs twice", tool)
		}
		tools[tool] = true
	}
	for i, r := range x.releases {
		if !isName(r.version) || i > 0 && compareReleases(x.releases[i-1], r) >= 0 {
			return fmt.Errorf("the version %q is no name, or out of order", r.version)
		}
	}
	total := 0
	for i, p := range x.paths {
		if total += len(p); !isPath(p) || i > 0 && x.paths[i-1] >= p {
			return fmt.Errorf("the path %q is too long, empty, of a folder or out of order", p)
		}
	}
	if total > maxAllPathBytes {
		return fmt.Errorf("the paths have %d bytes together, at most %d are read", total, maxAllPathBytes)
	}
	return nil
}

func (x *Index) checkRecord(i int) error {
	r := &x.records[i]
	if i > 0 && bytes.Compare(x.records[i-1].sum[:], r.sum[:]) >= 0 || len(r.origins) == 0 {
		return fmt.Errorf("the content %v is out of order, or comes from nowhere", r.sum)
	}
	for k, o := range r.origins {
		if x.releases[o.first].tool != x.releases[o.last].tool || k > 0 && compareOrigins(x.releases, r.origins[k-1], o) >= 0 {
			return fmt.Errorf("the origins of the content %v are out of order, or of two tools", r.sum)
		}
	}
	return nil
}

// checkUse refuses what nothing refers to, so that what is known can be written
// in one way only. A release need not be referred to: all that it ships may be
// in those before and after it.
func (x *Index) checkUse() error {
	tools, paths, serials, forms := make([]bool, len(x.tools)), make([]bool, len(x.paths)), make([]bool, len(x.serials)), make([]bool, len(x.forms))
	for _, r := range x.releases {
		tools[r.tool] = true
	}
	for i := range x.records {
		r := &x.records[i]
		if r.serial >= 0 {
			serials[r.serial] = true
		}
		if r.form >= 0 {
			forms[r.form] = true
		}
		for _, o := range r.origins {
			paths[o.path] = true
		}
	}
	for what, used := range map[string][]bool{"tool": tools, "path": paths, "serial number": serials, "form": forms} {
		if i := slices.Index(used, false); i >= 0 {
			return fmt.Errorf("nothing refers to %s %d", what, i)
		}
	}
	return nil
}
