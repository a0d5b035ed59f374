// Package etc is what a sandboxed program sees as /etc, and which of the folders
// of a machine or root filesystem it sees at all.
package etc

import "fmt"

// File is a file of /etc that the sandbox makes itself.
type File struct{ Name, Content string }

// nobody is the id that stands for all that have no name in a user namespace
// (user_namespaces(7), overflowuid).
const nobody = 65534

// resolver is an address for documentation (RFC 5737), to which there is no
// route: a program that looks up a name is seen trying.
const resolver = "192.0.2.1"

// Own returns the files of /etc that say who and where the program is. The
// machine's own name is known, so that asking for it is no use of the network. The user and its group are called by one name.
func Own(user, group int, name, hostname string) []File {
	return []File{
		{"group", fmt.Sprintf("root:x:0:\n%s:x:%d:\nnogroup:x:%d:\n", name, group, nobody)},
		{"hostname", hostname + "\n"},
		{"hosts", fmt.Sprintf("127.0.0.1 localhost %s\n::1 localhost ip6-localhost\n", hostname)},
		{"nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nservices: files\nprotocols: files\n"},
		{"passwd", fmt.Sprintf("root:x:0:0:root:/:/bin/sh\n%s:x:%d:%d:%s:/:/bin/sh\nnobody:x:%d:%d:nobody:/:/bin/sh\n", name, user, group, name, nobody, nobody)},
		{"resolv.conf", "nameserver " + resolver + "\noptions timeout:1 attempts:1\n"},
	}
}

// Host are the entries of this machine's /etc that programs need to work as
// they do outside, and in which nothing is secret: which program a name means,
// where libraries lie, what the interpreters and document tools find where.
var Host = []string{
	"alternatives", "asciidoc", "crypto-policies", "debian_version", "emacs", "fedora-release", "fonts", "groff", "ld.so.cache", "ld.so.conf",
	"ld.so.conf.d", "lsb-release", "magic", "mime.types", "os-release", "papersize", "perl", "protocols", "python3", "redhat-release",
	"services", "sgml", "system-release", "texmf", "xml",
}

// HostPatterns are entries of the same sort whose names hold a version
// (path.Match).
var HostPatterns = []string{"python3.*", "java-*-openjdk"}

// HostTop are the top folders of this machine that hold programs and
// libraries; all that are there are shown.
var HostTop = []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr"}

// HostStores are where NixOS and Guix have theirs.
var HostStores = []string{"/gnu/store", "/nix/store"}

// MadeTop are the top folders of a root filesystem that the sandbox makes
// itself or leaves out.
var MadeTop = []string{"boot", "dev", "etc", "home", "lost+found", "media", "mnt", "proc", "root", "run", "sys", "tmp"}
