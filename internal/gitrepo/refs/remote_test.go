package refs

import "testing"

func TestRemoteURL(t *testing.T) {
	w := newWork(t)
	w.git("", "remote", "add", "origin", "https://example.org/toy.git")
	w.git("", "remote", "add", "both", "https://example.org/fetch.git")
	w.git("", "config", "remote.both.pushurl", "ssh://git@example.org/push.git")
	w.git("", "config", "include.path", "/nonexistent")
	r := w.open().r
	for name, want := range map[string]string{
		"origin": "https://example.org/toy.git", "both": "ssh://git@example.org/push.git", "none": "", "-c": "", "a b": "", "": "", "origin.url\n": "",
	} {
		if got, err := RemoteURL(t.Context(), r, name); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", name, got, err, want)
		}
	}
}
