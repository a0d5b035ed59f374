package environment

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/recipe"
)

// prefixPlaceholder stands for the folder that a tool is installed in, which is
// no part of its key.
const prefixPlaceholder = "{prefix}"

// ToolKeys returns for each tool of a recipe the key under which its build is
// kept: the SHA-256 of what the build depends on, which is the environment's id,
// the tools before it, its source and its commands. The id of the environment is
// that of the list of packages, or the digest of the image; a host has none, so
// that whoever keeps tools built on one says what stands for it.
//
// What is hashed is a line "countermark-tool 2", then one line each for the name,
// which is in the path that the tool is installed in, the environment, the key of the tool before (none for the first), the source
// (archive or git, and its digest or object id), and for each argument of each
// command its length in bytes and the argument, each command ended by a line
// "run".
func ToolKeys(tools []recipe.Tool, environment digest.SHA256) []digest.SHA256 {
	keys := make([]digest.SHA256, 0, len(tools))
	before := "none"
	for _, t := range tools {
		var b strings.Builder
		fmt.Fprintf(&b, "countermark-tool 2\nname %s\nenvironment %v\nafter %s\n", t.Name, environment, before)
		switch source := t.Source.(type) {
		case recipe.ArchiveSource:
			fmt.Fprintf(&b, "archive %v\n", source.SHA256)
		case recipe.GitSource:
			fmt.Fprintf(&b, "git %v\n", source.Commit)
		}
		for _, command := range t.Commands(prefixPlaceholder) {
			for _, argument := range command {
				fmt.Fprintf(&b, "%d %s\n", len(argument), argument)
			}
			b.WriteString("run\n")
		}
		key := digest.SHA256(sha256.Sum256([]byte(b.String())))
		keys, before = append(keys, key), key.String()
	}
	return keys
}
