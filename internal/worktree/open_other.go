//go:build !unix

package worktree

const nonblocking = 0
