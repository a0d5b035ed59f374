package report

import (
	"strings"

	"github.com/countermark/countermark/internal/refusal"
)

// HintFor returns what a person can do about a refusal, "" if there is nothing
// but to ask for a better archive.
func HintFor(rule refusal.Rule) string {
	switch rule {
	case refusal.NameTop:
		return "if the archive's layout is meant to be so, name the directory with --prefix (empty for none)"
	case refusal.TarTooMany:
		return "if the archive is meant to be this large, raise --max-members"
	case refusal.TarTooBig, refusal.ZRatio:
		return "if the archive is meant to expand this much, raise --max-bytes or --max-ratio"
	case refusal.ZMem:
		return "if you trust the archive with that much memory, raise --max-window"
	case refusal.GitMissing:
		return "the repository lacks an object; fetch the tag (git fetch origin tag NAME), or use --repo with the project's URL"
	case refusal.GitSHA1Collision:
		return "somebody made two contents with one SHA-1; do not use this release"
	case refusal.ZEnvelopes:
		return "one of the files is not the release that the other is; compare both with what the project announced"
	case refusal.ZFormat:
		return "give the release archive itself: a tar, plain or compressed (gz, bz2, xz, zst), or a zip"
	case refusal.GitProtocol:
		return "use an https:// or ssh:// URL, or the path of a local clone"
	}
	return "docs/spec/" + specificationOf(rule) + " explains the rule; ask whoever made the file for one that keeps it"
}

// signatureHint returns what a person can do about signatures that do not hold.
func signatureHint(rule string) string {
	switch refusal.Rule(rule) {
	case refusal.SigNoKey:
		return "if you know that key to be the project's, give it too (--keyring, --allowed-signers)"
	case refusal.SigOtherKey:
		return "ask the project whether it has a new key; to accept that, remove the tag-key and archive-key lines from the lock file, and run again with --update-lock"
	case refusal.SigUnsigned:
		return "--signature names a signature that lies elsewhere"
	case refusal.SigBad:
		return "do not use this release before the project has explained it"
	}
	return ""
}

// specificationOf returns the document that explains a rule.
func specificationOf(rule refusal.Rule) string {
	if rule == refusal.GitBuilt || rule == refusal.GitParent {
		return "built-commit.md"
	}
	family, _, _ := strings.Cut(string(rule), "_")
	if document := map[string]string{"GIT": "git", "Z": "envelopes", "ZIP": "zip", "SIG": "signatures", "POL": "policy", "REL": "release",
		"JSON": "statements", "DSSE": "statements", "STM": "statements", "BUNDLE": "bundle", "LEDGER": "ledger"}[family]; document != "" {
		return document + ".md"
	}
	return "archive.md"
}
