//go:build !unix

package worktree

import "time"

// nonBlocking is not needed: there are no FIFOs in folders.
const nonBlocking = 0

// linkTime does nothing: there links keep the time at which they were made.
func linkTime(string, time.Time) error { return nil }
