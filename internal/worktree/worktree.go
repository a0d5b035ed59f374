// Package worktree is a folder that holds a tree: laid out from a commit, bytes
// as they are in git, without its filters; and read again, every file. Neither
// follows a link, and reading believes nothing about a file but its content:
// size, inode and times are not taken as a sign that it is unchanged, since a
// program can set all of them but the change time, and that has the clock's
// grain and somebody's clock.
package worktree

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
)

// Limits of what is read. They bound a hostile build's output; the largest
// known release (the Linux kernel) has 90,000 files and 1.5 GB.
const (
	MaxFiles     = gitobject.MaxTreeEntries // of all kinds, with directories
	MaxFileBytes = gitobject.MaxObjectBytes // of one file
	MaxBytes     = 8 << 30                  // of all files
	MaxDepth     = gitobject.MaxTreeDepth   // directories within directories
)

// The permissions of what is laid out, whatever the umask: those that tar
// archives made by "git archive" unpack to, with a umask of 022.
const (
	permFile       = 0o644
	permExecutable = 0o755
	permFolder     = 0o755
)

// ownerExec is the bit by which git calls a file executable (read-cache.c,
// ce_permissions).
const ownerExec = 0o100

func bothFormats() []digest.Format {
	return []digest.Format{digest.SHA1Format, digest.SHA256Format}
}
