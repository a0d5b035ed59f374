// Package restraint sets what the kernel lets a process do, and all that it starts.
package restraint

// Restraint is what is set; 0 is no limit.
type Restraint struct {
	OutputBytes int64 // in any one file that is written
	// Processes is only for a process in a user namespace of its own:
	// elsewhere the user's others count too.
	Processes int
	CPUs      int // how many processors may be used
}
