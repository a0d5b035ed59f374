//go:build !unix

package building

// isRunning cannot tell here, and takes every process to be there.
func isRunning(int) bool { return true }
