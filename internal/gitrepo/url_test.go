package gitrepo

import (
	"testing"

	"github.com/countermark/countermark/internal/refusal"
)

func TestCheckURL(t *testing.T) {
	for _, address := range []string{
		"https://github.com/php/php-src.git", "https://user@example.com:8443/~me/x", "ssh://git@example.com/x.git", "ssh://example.com:22/~/x",
		"ssh://git@[::1]:22/x", "git@github.com:php/php-src.git", "me@host:~/x", "me@[::1]:x", "https://example.com/a%20b",
	} {
		if err := CheckURL(address); err != nil || !IsRemote(address) {
			t.Errorf("%q: %v, remote %v", address, err, IsRemote(address))
		}
	}
	for _, address := range []string{
		"", "-x", "--upload-pack=x", "http://example.com/x", "git://example.com/x", "file:///x", "ftp://example.com/x", "ext::sh -c x", "fd::17",
		"ext::sh", "ssh://-oProxyCommand=x/y", "ssh://-x@host/y", "ssh://%2dx/y", "ssh://host/-x", "ssh://host", "ssh://host/", "https://", "https:///x",
		"https://user:secret@example.com/x", "https://example.com/x?y", "https://example.com/x?", "https://example.com/x#y", "https://example.com/x#", "https://exa mple.com/x",
		"https://example.com/x\n", "https://example.com/\x1b[2J", "https://ex\u00e4mple.com/x", "https://a$(id)/x", "HTTPS://example.com/x",
		"https:example.com/x", "git@host:-x", "git@-host:x", "-git@host:x", "git@host::x", "git@host:", "host:path", "a@ext::sh", "ssh://host/%0ax",
		"../x", "/x", "x", `C:\x`,
	} {
		wantRule(t, CheckURL(address), refusal.GitProtocol)
	}
	for source, want := range map[string]bool{
		"/a/b": false, "a": false, "./a:b": false, "a/b:c": false, "host:path": true, "ext::sh": true, "file:///x": true, "http://x": true, "-x": false, "": false,
	} {
		if IsRemote(source) != want {
			t.Errorf("%q is remote: %v", source, !want)
		}
	}
	if _, err := findGit(t).OpenRemote(t.Context(), Remote{URL: "ext::sh -c true"}); err == nil {
		t.Error("ext:: was opened")
	} else {
		wantRule(t, err, refusal.GitProtocol)
	}
}
