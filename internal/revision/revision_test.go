package revision

import (
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
)

func TestVersionOfName(t *testing.T) {
	cases := []struct{ base, project, version string }{
		{"xz-5.4.1.tar.xz", "xz", "5.4.1"},
		{"xz-utils_5.4.1.orig.tar.xz", "xz-utils", "5.4.1"},
		{"php7.4_7.4.33.orig.tar.xz", "php7.4", "7.4.33"},
		{"python3.11-3.11.2.tar.zst", "python3.11", "3.11.2"},
		{"curl-7.88.1.tar.gz", "curl", "7.88.1"},
		{"curl-curl-7_88_1.tar.gz", "curl-curl", "7_88_1"},
		{"v1.2.3.zip", "", "1.2.3"},
		{"1.2.3.tar.bz2", "", "1.2.3"},
		{"openssh-9.2p1.tar.gz", "openssh", "9.2p1"},
		{"openssh-portable-V_9_2_P1.zip", "openssh-portable", "9_2_P1"},
		{"jq-1.6.tar.gz", "jq", "1.6"},
		{"jq-jq-1.7rc1.tar.gz", "jq-jq", "1.7rc1"},
		{"foo-1.0~rc1.tar.gz", "foo", "1.0~rc1"},
		{"foo-1.0-rc.1.tar.gz", "foo", "1.0-rc.1"},
		{"express-4.18.2.tgz", "express", "4.18.2"},
		{"github.com-x-y-@v1.2.3.zip", "github.com-x-y", "1.2.3"},
		{"github.com-x-y@v2.0.0+incompatible.zip", "github.com-x-y", "2.0.0"},
		{"libevent-2.1.12-stable.tar.gz", "libevent", "2.1.12-stable"},
		{"PyYAML-6.0.1.tar.gz", "PyYAML", "6.0.1"},
		{"node-v18.1.0.tar.xz", "node", "18.1.0"},
		{"openssl-1.1.1w.tar.gz", "openssl", "1.1.1w"},
		{"boost_1_81_0.tar.bz2", "boost", "1_81_0"},
		{"llvm-project-15.0.6.src.tar.xz", "llvm-project", "15.0.6"},
		{"sqlite-autoconf-3400100.tar.gz", "sqlite-autoconf", "3400100"},
		{"foo-2-bar-1.0.tar", "foo-2-bar", "1.0"},
		{"7zip-22.01.txz", "7zip", "22.01"},
		{"2048-cli-0.9.tbz2", "2048-cli", "0.9"},
		{"libssh2-1.10.0.tar.gz", "libssh2", "1.10.0"},
		{"expat-R_2_5_0.tar.gz", "expat", "2_5_0"},
		{"libexpat-release-2.5.0.zip", "libexpat", "2.5.0"},
		{"tzdata2022g.tar.gz", "tzdata", "2022g"},
		{"gtk+-3.24.1.tzst", "gtk+", "3.24.1"},
		{"dpkg_1.21.22.tar.xz", "dpkg", "1.21.22"},
		{"foo_1.0+git20220101.abc.orig.tar.gz", "foo", "1.0+git20220101.abc"},
	}
	for _, c := range cases {
		if project, version, ok := VersionOfName(c.base); project != c.project || version != c.version || !ok {
			t.Errorf("%s: got %q %q %v", c.base, project, version, ok)
		}
	}
	for _, base := range []string{"", "-", ".tar.gz", "master.zip", "foo.tar.gz", "foo-1.0", "foo-1.0.gz", "foo_.orig.tar.gz", "foo-orig.tar.gz", "x86-linux-gnu.tar", "foo-0123abcd.zip", "1.0-1-gabcdef0.tar"} {
		if project, version, ok := VersionOfName(base); ok {
			t.Errorf("%q: got %q %q", base, project, version)
		}
	}
}

func full(names string) []string {
	var tags []string
	for name := range strings.FieldsSeq(names) {
		tags = append(tags, tagPrefix+name)
	}
	return tags
}

func TestCandidates(t *testing.T) {
	cases := []struct{ project, version, tags, want string }{
		{"xz", "5.4.1", "v5.4.1 v5.4.1rc1 v5.4.1alpha v5.4.10 v15.4.1 v5.4 v5.4.0 v1.5.4.1 v5.41 v54.1", "v5.4.1"},
		{"xz-utils", "5.4.1", "v5.4.1 v5.4.2", "v5.4.1"},
		{"xz", "5.4.1", "v5-4.1 v5.4-1 5_4.1", ""},
		{"foo", "1.10", "v1.1.0 v11.0 v1.1 v1.10.0 v01.10", ""},
		{"foo", "1.1.0", "v1.10 v11.0 v1.1", ""},
		{"curl", "7.88.1", "curl-7_88_1 curl-7_88_0 tiny-curl-7_88_1 rc-7_88_1 rc-7_88_1-2", "curl-7_88_1"},
		{"curl", "7.88.1", "rc-7_88_1 rc-7_88_1-1", ""},
		{"curl", "7.88.1", "tiny-curl-7_88_1", "tiny-curl-7_88_1"},
		{"curl-curl", "7_88_1", "curl-7_88_1 curl-7_88_0 tiny-curl-7_88_1", "curl-7_88_1"},
		{"openssh", "9.2p1", "V_9_2_P1 V_9_2 V_9_2_P2 V_9_21_P1", "V_9_2_P1"},
		{"openssh-portable", "9_2_P1", "V_9_2_P1 V_9_2_P2", "V_9_2_P1"},
		{"expat", "2.5.0", "R_2_5_0 R_2_5_1 R_12_5_0", "R_2_5_0"},
		{"libevent", "2.1.12-stable", "release-2.1.12-stable release-2.1.12-beta", "release-2.1.12-stable"},
		{"libevent", "2.1.12", "release-2.1.12-stable release-2.1.12-beta release-2.1.12-alpha@1379", "release-2.1.12-stable"},
		{"libevent", "2.0.2-alpha", "release-2.0.2-alpha@1379 release-2.0.2-stable", ""},
		{"libevent", "1.4.14", "release-1.4.14-stable release-1.4.14b-stable", "release-1.4.14-stable"},
		{"foo", "1.0-final", "v1.0 v1.0-rc1", "v1.0"},
		{"htop", "3.2.2", "3.2.2 3.2.1 3.2.2-rc1", "3.2.2"},
		{"php7.4", "7.4.33", "php-7.4.33 php-7.4.3 php-8.7.4.33 php-5.7.4-33", "php-7.4.33"},
		{"foo", "2.0.0-rc1", "v2.0.0-rc1 v2.0.0 v2.0.0-rc10 v2.0.0-rc2", "v2.0.0-rc1"},
		{"foo", "2.0.0RC1", "v2.0.0-rc.1 v2.0.0", "v2.0.0-rc.1"},
		{"foo", "2.0.0~rc1", "v2.0.0-rc1 2.0.0RC1", "2.0.0RC1 v2.0.0-rc1"},
		{"lib-b", "1.0", "lib-a-1.0 lib-b-1.0 lib-b-c-1.0", "lib-b-1.0"},
		{"lib-b", "1.0", "lib-a/v1.0 lib-b/v1.0 v1.0", "lib-b/v1.0"},
		{"lib-b", "1.0", "lib-a-1.0 v1.0", "v1.0"},
		{"", "1.0", "lib-a-1.0 v1.0 1.0 V1.0", "1.0 V1.0 v1.0"},
		{"changesets-cli", "2.26.0", "@changesets/cli@2.26.0 @changesets/write@2.26.0 @changesets/cli@2.26.1", "@changesets/cli@2.26.0"},
		{"github.com-x-y-sub", "1.2.3", "v1.2.3 sub/v1.2.3 other/v1.2.3", "sub/v1.2.3"},
		{"boost", "1_81_0", "boost-1.81.0 boost-1.81.0.beta1", "boost-1.81.0"},
		{"icu", "72.1", "release-72-1 release-72-1-2 release-71-72-1", "release-72-1"},
		{"nss", "3.87", "NSS_3_87_RTM NSS_3_87_BETA1 NSS_3_87_1_RTM", "NSS_3_87_RTM"},
		{"sudo", "1.9.13p3", "SUDO_1_9_13p3 SUDO_1_9_13 SUDO_1_9_13p33", "SUDO_1_9_13p3"},
		{"foo2", "1.0", "foo2-1.0 foo-2.1.0 foo-2-1.0", "foo-2-1.0 foo2-1.0"},
		{"foo", "1.0", "foo2-1.0 2-1.0 2.1.0 2_1.0", ""},
		{"foo", "v1.0", "v1.0", "v1.0"},
		{"foo", "", "v1.0", ""},
		{"foo", "rc1", "v1.0-rc1", ""},
		{"foo", "1.0", "v1.0- v1.0. v1.0+x", ""},
	}
	for _, c := range cases {
		got := Candidates(c.project, c.version, append(full(c.tags), "refs/heads/v"+c.version, "v"+c.version, ""))
		if !slices.Equal(got, full(c.want)) {
			t.Errorf("%s %s among %s: got %s", c.project, c.version, c.tags, got)
		}
	}
}

func TestFromPattern(t *testing.T) {
	if ref, err := FromPattern("v{version}", "1.2.3"); ref != "refs/tags/v1.2.3" || err != nil {
		t.Errorf("got %q %v", ref, err)
	}
	for _, c := range [][2]string{{"v", "1"}, {"{version}{version}", "1"}, {"v{version}", ""}, {"v{version}", "1/../2"}, {"v{version}", "1 2"}, {"v{version}", "1~rc1"}, {"../{version}", "1"}, {"{version}.lock", "1"}} {
		if ref, err := FromPattern(c[0], c[1]); err == nil || ref != "" {
			t.Errorf("%q with %q: got %q", c[0], c[1], ref)
		}
	}
}

func commitID(fill byte) digest.ObjectID {
	raw := make([]byte, 20)
	raw[0] = fill
	return digest.ObjectIDFromBytes(digest.SHA1Format, raw)
}

func TestDecide(t *testing.T) {
	tags := []Tag{
		{"refs/tags/v1.0", commitID(1)}, {"refs/tags/1.0", commitID(1)}, {"refs/tags/foo-1.1", commitID(2)}, {"refs/tags/v1.1", commitID(3)},
		{"refs/tags/v1.2", commitID(4)}, {"refs/tags/1.2", commitID(5)}, {"refs/tags/nightly", commitID(4)}, {"refs/tags/bar-1_3", commitID(6)},
	}
	cases := []struct {
		name       string
		claim      Claim
		ref        string
		commit     byte
		candidates string
		conflict   bool
		says       string
	}{
		{"nothing", Claim{}, "", 0, "", false, "neither"},
		{"no version", Claim{FileName: "foo.tar"}, "", 0, "", false, "holds no version"},
		{"no tag", Claim{FileName: "foo-9.tar"}, "", 0, "", false, "fits no tag"},
		{"file name", Claim{FileName: "foo-1.1.tar"}, "foo-1.1", 2, "foo-1.1", false, `version`},
		{"file name, two tags of one commit", Claim{FileName: "foo-1.0.tar"}, "1.0", 1, "1.0 v1.0", false, "all of one commit"},
		{"file name, two commits", Claim{FileName: "foo-1.2.tar"}, "", 0, "1.2 v1.2", false, "different commits"},
		{"embedded", Claim{Embedded: commitID(2)}, "foo-1.1", 2, "foo-1.1", false, "foo-1.1"},
		{"embedded and no version", Claim{Embedded: commitID(2), FileName: "foo.tar"}, "foo-1.1", 2, "foo-1.1", false, "holds no version"},
		{"embedded and an unknown version", Claim{Embedded: commitID(2), FileName: "foo-9.tar"}, "foo-1.1", 2, "foo-1.1", false, "fits no tag"},
		{"embedded picks among the name's", Claim{Embedded: commitID(5), FileName: "foo-1.2.tar"}, "1.2", 5, "1.2 v1.2", false, "so does"},
		{"name picks among the embedded's", Claim{Embedded: commitID(4), FileName: "foo-1.2.tar"}, "v1.2", 4, "1.2 nightly v1.2", false, "so does"},
		{"several tags of the embedded", Claim{Embedded: commitID(4)}, "nightly", 4, "nightly v1.2", false, "nightly"},
		{"conflict", Claim{Embedded: commitID(2), FileName: "foo-1.0.tar"}, "", 0, "1.0 foo-1.1 v1.0", true, "does not lead there"},
		{"embedded of no tag", Claim{Embedded: commitID(9), FileName: "foo-1.1.tar"}, "foo-1.1", 2, "foo-1.1", false, "no tag of the repository leads to"},
		{"embedded of no tag, no name", Claim{Embedded: commitID(9)}, "", 0, "", false, "no tag of the repository leads to"},
		{"pattern", Claim{FileName: "foo-1.1.tar", Pattern: "v{version}"}, "v1.1", 3, "v1.1", false, "tag pattern"},
		{"pattern with other separators", Claim{FileName: "foo-1.3.tar", Pattern: "bar-{version}"}, "bar-1_3", 6, "bar-1_3", false, "tag pattern"},
		{"pattern without a tag", Claim{FileName: "foo-1.1.tar", Pattern: "baz-{version}"}, "", 0, "", false, "fits no tag"},
		{"hostile name", Claim{FileName: "foo-\x1b[2J-1.1.tar"}, "foo-1.1", 2, "foo-1.1", false, ""},
		{"hostile name without version", Claim{FileName: "\x1b[2J\n.tar"}, "", 0, "", false, "holds no version"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.claim.Tags = tags
			if strings.HasPrefix(c.name, "hostile name") && c.ref != "" {
				c.claim.Tags = tags[2:3]
			}
			d := Decide(c.claim)
			wantRef := strings.Join(full(c.ref), "")
			var wantCommit digest.ObjectID
			if c.commit != 0 {
				wantCommit = commitID(c.commit)
			}
			if d.Ref != wantRef || d.Commit != wantCommit || d.Conflict != c.conflict || !slices.Equal(d.Candidates, full(c.candidates)) {
				t.Errorf("got %+v", d)
			}
			if d.Why == "" || !strings.Contains(d.Why, c.says) || strings.ContainsAny(d.Why, "\x1b\n") {
				t.Errorf("says %q, want %q", d.Why, c.says)
			}
		})
	}
}

// TestDecideWithUnknownCommits: a tag whose commit is not known never agrees
// with an embedded id, and two such tags are not one commit.
func TestDecideWithUnknownCommits(t *testing.T) {
	unknown := []Tag{{Ref: "refs/tags/v1.0"}, {Ref: "refs/tags/1.0"}}
	if d := Decide(Claim{FileName: "foo-1.0.tar", Tags: unknown[:1]}); d.Ref != "refs/tags/v1.0" || !d.Commit.IsZero() {
		t.Errorf("one: %+v", d)
	}
	if d := Decide(Claim{FileName: "foo-1.0.tar", Tags: unknown}); d.Ref != "" {
		t.Errorf("two: %+v", d)
	}
	if d := Decide(Claim{Embedded: commitID(1), Tags: unknown}); d.Ref != "" || len(d.Candidates) != 0 {
		t.Errorf("embedded: %+v", d)
	}
}

// FuzzNames: no panic; a version found is one that begins with a digit and is
// part of the name; every candidate is one of the tags; the literal tag of a
// version is always a candidate when it is alone.
func FuzzNames(f *testing.F) {
	for _, seed := range [][2]string{{"xz-5.4.1.tar.xz", "v5.4.1"}, {"php7.4_7.4.33.orig.tar.xz", "php-7.4.33"}, {"a@v1.zip", "sub/v1"}, {"tz2022g.tar", "release-1-stable"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, base, tag string) {
		project, version, ok := VersionOfName(base)
		if ok != (version != "") || ok && (!startsWithDigit(version) || !strings.Contains(base, version) || !strings.Contains(base, project)) {
			t.Fatalf("%q: %q %q %v", base, project, version, ok)
		}
		tags := full(strings.ReplaceAll(tag, "\x00", " "))
		for _, c := range Candidates(project, version, tags) {
			if !slices.Contains(tags, c) {
				t.Fatalf("%q is none of %q", c, tags)
			}
		}
		if literal := []string{tagPrefix + "v" + version}; ok && !slices.Equal(Candidates(project, version, literal), literal) {
			t.Fatalf("%q: v%s is no candidate", base, version)
		}
		Decide(Claim{FileName: base, Pattern: tag, Tags: []Tag{{Ref: tagPrefix + tag}}})
	})
}
