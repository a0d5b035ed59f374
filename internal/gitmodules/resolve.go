package gitmodules

import (
	"strings"

	"github.com/countermark/countermark/internal/refusal"
)

// Resolve returns the address that a URL means in the repository at base: one that
// begins with ./ or ../ is relative to it (git-submodule(1), "add"), any other is
// returned as it is. Neither is checked in any other way. The error is a
// *refusal.Refusal, GIT_MODULES.
func Resolve(base, url string) (string, error) {
	if !strings.HasPrefix(url, "./") && !strings.HasPrefix(url, "../") {
		return url, nil
	}
	root, path := split(strings.TrimRight(base, "/"))
	rest := url
	for {
		var up bool
		if rest, up = strings.CutPrefix(rest, "../"); !up {
			after, here := strings.CutPrefix(rest, "./")
			if !here {
				break
			}
			rest = after
			continue
		}
		if path == "" {
			return "", refusal.New(refusal.GitModules, "the URL %s of a submodule leads out of the host of %s", excerpt(url), excerpt(base))
		}
		path = path[:max(0, strings.LastIndexByte(path, '/'))]
	}
	for component := range strings.SplitSeq(rest, "/") {
		if component == "" || component == "." || component == ".." {
			return "", refusal.New(refusal.GitModules, "the URL %s of a submodule has a component that is empty, . or .. after its beginning", excerpt(url))
		}
	}
	if path != "" {
		path += "/"
	}
	return root + path + rest, nil
}

// split divides an address behind the slash or colon that its path begins after.
func split(address string) (root, path string) {
	scheme, rest, found := strings.Cut(address, "://")
	if found {
		host, path, _ := strings.Cut(rest, "/")
		return scheme + "://" + host + "/", path
	}
	host, path, _ := strings.Cut(address, ":")
	return host + ":", path
}
