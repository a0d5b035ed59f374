//go:build unix

package worktree

import "syscall"

// nonblocking keeps an open of what has become a FIFO from waiting for a writer.
const nonblocking = syscall.O_NONBLOCK | syscall.O_NOFOLLOW
