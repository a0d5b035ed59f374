package revision

import (
	"slices"
	"strings"
)

// archiveExtensions are the ends of names of archives, longest first.
func archiveExtensions() []string {
	return []string{".tar.bz2", ".tar.zst", ".tar.gz", ".tar.xz", ".tbz2", ".tzst", ".tgz", ".txz", ".tbz", ".tar", ".zip"}
}

// VersionOfName splits the base name of an archive into project and version,
// both as written there: "xz-5.4.1.tar.xz" is xz and 5.4.1. It knows Debian's
// PROJECT_VERSION.orig, the PROJECT@vVERSION of Go modules (whose tags lack the
// "+incompatible" that Go adds), and the
// PROJECT-VERSION of everybody else, where the version begins at the first word
// with a digit that only words of a version follow ("-stable", "rc1"). A "v"
// before a version is no part of it. The project may be "" (a name like
// v1.2.3.tar.gz). ok is false if there is no version.
func VersionOfName(base string) (project, version string, ok bool) {
	stem, ok := trimArchive(base)
	if !ok {
		return "", "", false
	}
	if name, found := strings.CutSuffix(stem, ".orig"); found {
		project, version, _ = strings.Cut(name, "_")
		if !startsWithDigit(version) {
			return "", "", false
		}
		return project, version, true
	}
	if before, after, found := strings.Cut(stem, "@v"); found && startsWithDigit(after) {
		return strings.TrimRight(before, "-"), strings.TrimSuffix(after, "+incompatible"), true
	}
	stem = trimSourceSuffix(stem)
	words := splitWords(stem)
	for i, start := range words {
		if isVersionTail(stem, words[i:]) {
			return trimMarkers(strings.TrimRight(stem[:start], "-_")), strings.TrimLeft(stem[start:], "vV"), true
		}
	}
	return splitGlued(stem)
}

func trimArchive(base string) (string, bool) {
	for _, ext := range archiveExtensions() {
		if stem, found := strings.CutSuffix(base, ext); found {
			return stem, stem != ""
		}
	}
	return "", false
}

// trimSourceSuffix takes off what some projects put after the version to say
// that an archive holds source code.
func trimSourceSuffix(stem string) string {
	for _, suffix := range []string{"-src", "-source", "-sources", ".src", "_src"} {
		if s, found := strings.CutSuffix(stem, suffix); found {
			return s
		}
	}
	return stem
}

// splitWords returns where the words of a name begin, divided by "-" and "_".
func splitWords(stem string) []int {
	starts := []int{0}
	for i := range len(stem) {
		if stem[i] == '-' || stem[i] == '_' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// isVersionTail reports whether the words beginning at starts are a version:
// a number first, then nothing that a version does not have.
func isVersionTail(stem string, starts []int) bool {
	for i, start := range starts {
		end := len(stem)
		if i+1 < len(starts) {
			end = starts[i+1] - 1
		}
		word := stem[start:end]
		if i == 0 {
			word = strings.TrimLeft(word, "vV")
		}
		if i == 0 && !startsWithDigit(word) || !isVersionWord(word) {
			return false
		}
	}
	return true
}

// isVersionWord reports whether a word can stand in a version: numbers and
// dots; single letters after a number (1.1.1w, 9.2p1) and the usual names of
// stages; after "+" or "~" anything.
func isVersionWord(word string) bool {
	if i := strings.IndexAny(word, "+~"); i >= 0 {
		word = word[:i]
	}
	tokens := lex(word)
	for i, t := range tokens {
		if !t.number && !(len(t.text) == 1 && i > 0) && !isStage(t.text) && t.text != "p" {
			return false
		}
	}
	return len(tokens) > 0
}

// isStage reports whether a lower-case word names a stage of development, as
// versions do.
func isStage(word string) bool {
	return isUnfinished(word) || isNeutral(word) || slices.Contains([]string{"a", "b", "pl", "post", "patch", "sp", "r"}, word)
}

// isUnfinished reports whether a word marks something before a release.
func isUnfinished(word string) bool {
	return slices.Contains([]string{"alpha", "beta", "rc", "pre", "preview", "dev", "snapshot", "nightly", "test", "candidate", "next", "canary"}, word)
}

// isNeutral reports whether a word marks a release as just that.
func isNeutral(word string) bool {
	return slices.Contains([]string{"stable", "final", "release", "ga", "rtm", "signed"}, word)
}

// trimMarkers takes the words off a project's end that announce a version, as
// in "expat-R_2_5_0".
func trimMarkers(project string) string {
	for {
		cut := strings.LastIndexAny(project, "-_")
		if !isMarker(strings.ToLower(project[cut+1:])) {
			return project
		}
		project = project[:max(cut, 0)]
		if cut <= 0 {
			return project
		}
	}
}

// isMarker reports whether a lower-case word only announces that a version
// follows.
func isMarker(word string) bool {
	return slices.Contains([]string{"v", "r", "ver", "version", "rel", "release", "releases", "tag", "tags", "stable"}, word)
}

// splitGlued splits names like tzdata2022g: letters, then a version.
func splitGlued(stem string) (project, version string, ok bool) {
	i := strings.IndexAny(stem, "0123456789")
	if i <= 0 || strings.ContainsAny(stem, "-_") || !isVersionWord(stem[i:]) {
		return "", "", false
	}
	return trimMarkers(stem[:i]), stem[i:], true
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
