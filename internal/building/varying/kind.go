package varying

import (
	"iter"
	"math/bits"
	"strings"
)

// Kind is one thing that is varied between builds.
type Kind uint8

// The kinds. Those that are found most often come first.
const (
	Path       Kind = iota // the folder of the build
	Locale                 // LC_ALL, LANG and LANGUAGE
	Zone                   // TZ
	Date                   // and time of day
	Umask                  //
	Host                   // name
	User                   // name and ids of user and group
	Processors             // how many may be used
	Variables              // HOME, and variables that nobody asked for
	Order                  // in which a directory gives its entries
	kinds
)

var kindNames = [kinds]string{
	Path: "build path", Locale: "locale", Zone: "time zone", Date: "date", Umask: "umask", Host: "host name", User: "user",
	Processors: "number of processors", Variables: "environment variables", Order: "directory order",
}

// String returns the kind as reports write it, "" for none.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return ""
}

// Set is a set of kinds. The zero value is the empty one: a build as usual.
type Set uint16

// SetOf returns the set of some kinds.
func SetOf(all ...Kind) (s Set) {
	for _, k := range all {
		s |= 1 << k
	}
	return s
}

// Kinds yields the kinds of a set, in their order.
func (s Set) Kinds() iter.Seq[Kind] {
	return func(yield func(Kind) bool) {
		for k := range kinds {
			if s&SetOf(k) != 0 && !yield(k) {
				return
			}
		}
	}
}

// Len returns how many there are.
func (s Set) Len() int { return bits.OnesCount16(uint16(s)) }

// String returns the names of the kinds.
func (s Set) String() string { return strings.Join(s.names(), ", ") }

func (s Set) names() []string {
	names := make([]string, 0, s.Len())
	for k := range s.Kinds() {
		names = append(names, k.String())
	}
	return names
}

// halves returns the two halves of a set.
func (s Set) halves() (first, second Set) {
	for k := range s.Kinds() {
		if first.Len() < s.Len()/2 {
			first |= SetOf(k)
		}
	}
	return first, s &^ first
}
