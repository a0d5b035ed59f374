//go:build !linux

package restraint

import "errors"

// Set can do nothing here: the size of files is looked at while the program runs.
func Set(_ int, r Restraint) error {
	if r.CPUs != 0 {
		return errors.New("the number of processors can be limited on Linux only")
	}
	return nil
}

// Ulimits returns the limits of a container, of which none are known here.
func Ulimits() []string { return nil }
