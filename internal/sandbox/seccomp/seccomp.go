// Package seccomp is the filter of system calls that a sandboxed program gets
// under Linux: what a namespace does not keep away.
package seccomp
