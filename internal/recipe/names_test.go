package recipe

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// withTags returns a recipe whose tags are named so.
func withTags(t testing.TB, tag, dots string) *Recipe {
	t.Helper()
	return parse(t, strings.NewReplacer("release/{version}", tag, `tag-dots = "-"`, `tag-dots = "`+dots+`"`).Replace(full))
}

func TestTagOf(t *testing.T) {
	for _, c := range []struct {
		tag, dots string
		version   Version
		want      string // "" for none
	}{
		{"php-{version}", ".", "8.2.32", "refs/tags/php-8.2.32"},
		{"curl-{version}", "_", "7.88.1", "refs/tags/curl-7_88_1"},
		{"release-{version}-final", "-", "74.2", "refs/tags/release-74-2-final"},
		{"@scope/pkg@{version}", ".", "1.0.0", "refs/tags/@scope/pkg@1.0.0"},
		{"curl-{version}", "_", "7.88_1", ""},
		{"{version}ock", ".", "1.l", ""},
	} {
		r := withTags(t, c.tag, c.dots)
		tag, err := r.TagOf(c.version)
		if tag != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s of %s: got %s, %v", c.tag, c.version, tag, err)
		}
		if v, err := r.VersionOf(tag); c.want != "" && (err != nil || v != c.version) {
			t.Errorf("%s: got %s, %v", tag, v, err)
		}
	}
}

func TestVersionOfRefuses(t *testing.T) {
	r := withTags(t, "v{version}v", "_")
	for _, ref := range []string{
		"", "refs/tags/", "refs/tags/v", "refs/tags/vv", "refs/tags/1_0", "refs/tags/v1_0", "refs/tags/1_0v", "v1_0v", "refs/heads/v1_0v",
		"refs/tags/v1.0v", "refs/tags/v1__0v", "refs/tags/v1_v", "refs/tags/v_1v", "refs/tags/v1/2v", "refs/tags/v1@v", "refs/tags/v1\x1bv",
		"refs/tags/v" + strings.Repeat("1", MaxVersionBytes+1) + "v", "refs/tags/v1_lockv",
	} {
		if v, err := r.VersionOf(ref); err == nil || v != "" || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: got %s, %v", ref, v, err)
		}
	}
}

// What has a tag is its version; what has a version is its tag.
func TestTagsAndVersionsAreInverse(t *testing.T) {
	var recipes []*Recipe
	for _, dots := range []string{".", "_", "-"} {
		for _, tag := range []string{"v{version}", "{version}", "{version}ock", "a_b-1.{version}", "@a/{version}/b", "{version}-r1"} {
			recipes = append(recipes, withTags(t, tag, dots))
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := rapid.SampledFrom(recipes).Draw(rt, "recipe")
		v := Version(rapid.StringMatching(`[0-9a-z]([.+_-]?[0-9a-zA-Z]{1,2}){0,8}`).Draw(rt, "version"))
		if tag, err := r.TagOf(v); err == nil {
			if back, err := r.VersionOf(tag); err != nil || back != v {
				rt.Fatalf("%s of %s has the version %s, %v", tag, v, back, err)
			}
		}
		ref := "refs/tags/" + r.Source.Tag.replace(rapid.StringMatching(`[0-9a-z./_-]{1,6}`).Draw(rt, "ref"))
		if v, err := r.VersionOf(ref); err == nil {
			if back, err := r.TagOf(v); err != nil || back != ref {
				rt.Fatalf("%s of %s has the tag %s, %v", v, ref, back, err)
			}
		}
	})
}

// A version may be one although no tag can have it.
func TestVersionOfNoTag(t *testing.T) {
	r := withTags(t, "{version}ock", ".")
	if v, err := r.VersionOf("refs/tags/1.lock"); err == nil || v != "" {
		t.Errorf("got %s, %v", v, err)
	}
}

func TestBranchOf(t *testing.T) {
	r := parse(t, strings.Replace(full, "demo-{major}-built", "{version}/{minor}", 1))
	for v, want := range map[Version]string{"1.2": "refs/heads/1.2/2", "1.02rc1": "refs/heads/1.02rc1/02", "1": "", "candidates.2": "", "x": ""} {
		if got, err := r.BranchOf(v); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v", v, got, err)
		}
	}
	r = parse(t, strings.Replace(full, "demo-{major}-built", "{version}/built", 1))
	if got, err := r.BranchOf("candidates"); err == nil {
		t.Errorf("the branch of a candidate: %s", got)
	}
}

func TestParseVersion(t *testing.T) {
	for _, s := range []string{"0", "8.2.32", "9.2p1", "2.40.0-rc1", "1+b_2", strings.Repeat("1", MaxVersionBytes)} {
		if v, err := ParseVersion(s); err != nil || string(v) != s {
			t.Errorf("%s: got %s, %v", s, v, err)
		}
	}
	for _, s := range []string{"", ".1", "-1", "1..2", "1.", "1.lock", "1~rc", "1/2", "1 2", "\u0661", "1\n", strings.Repeat("1", MaxVersionBytes+1)} {
		if v, err := ParseVersion(s); err == nil || v != "" {
			t.Errorf("%q: got %s, %v", s, v, err)
		}
	}
}
