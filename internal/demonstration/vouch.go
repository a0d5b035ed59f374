package demonstration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/blessing"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/exchanging"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/vouching"
)

// What the second half of the demo leaves in its folder.
const (
	labFolder     = "lab.release"
	blessedFolder = "hello-1.0.blessed"
	downloads     = "download"
	seenFolder    = "seen" // what the demo's user remembers of policies
	statementName = "hello-1.0.statement.json"
	bundleName    = "hello-1.0" + vouching.BundleExtension
)

// vouch shows who has to vouch for the release, that they do, and what becomes of
// releases for which they do not.
func (d *demo) vouch(ctx context.Context) error {
	d.heading("Who says that this is the release? Its owners write down who has to, and with which keys.")
	if err := d.makePolicy(); err != nil {
		return err
	}
	switch {
	case !canSign():
		d.say("  (Nobody can sign here: ssh-keygen, of OpenSSH, is not installed.)")
		return nil
	case !d.built:
		d.say("  (Nobody signs here, as nothing was built.)")
		return nil
	}
	root, err := d.signPolicy(ctx, policyName, ProjectRepo, author, manager)
	if err != nil {
		return err
	}
	d.heading("The CI and the lab sign what they built, each in a process that sees the statement and the key, nothing else.")
	if err := d.sign(ctx); err != nil {
		return err
	}
	d.heading("Ben, the release manager, blesses it: builds it again, compares, asks the policy, and only then signs.")
	if err := d.bless(ctx, root); err != nil {
		return err
	}
	d.say("  → A signed commit upon the built one, and a folder to publish: archive, signature, and the bundle of all of this.")
	d.heading("Somebody has the archive, the bundle and the root's digest: no network, no clone, no git.")
	honest, err := d.download(blessedFolder)
	if err != nil {
		return err
	}
	if err := d.verifyByBundle(ctx, root, holds); err != nil {
		return err
	}
	d.say("  → Saki's source, built by two machines and by ben with the same outcome, released by ben: each with a key of their own.")
	return d.forge(ctx, root, honest)
}

// canVouch reports whether releases can be built and signed here.
func (d *demo) canVouch() bool { return d.built && canSign() }

const policyName = "policy.toml"

// makePolicy shows how a policy is written, and what it is worth.
func (d *demo) makePolicy() error {
	d.command("policy init policy.toml --project https://hello.example --recipe countermark.toml \\\n" +
		"      --person saki=keys/saki.pub --person ben=keys/ben.pub --machine ci=keys/ci.pub --machine lab=keys/lab.pub \\\n" +
		"      --domain ci=forge --domain lab=university --toolchain ci=debian --toolchain lab=guix \\\n" +
		"      --quorum owner=2:saki,ben --quorum source=1:saki --quorum builder=1:ci \\\n" +
		"      --quorum rebuilder=1:lab --quorum release-manager=1:ben")
	if err := os.WriteFile(d.path(recipeName), []byte(demoRecipe), 0o644); err != nil {
		return fmt.Errorf("writing the demo's recipe: %w", err)
	}
	key := func(party string) string { return party + "=" + d.keyPath(party) + ".pub" }
	policy, err := governing.Init(governing.InitOptions{
		File: d.path(policyName), Project: projectURL, Recipes: []string{d.path(recipeName)},
		People: []string{key(author), key(manager)}, Machines: []string{key(ci), key(lab)},
		Domains: []string{ci + "=forge", lab + "=university"}, Toolchains: []string{ci + "=debian", lab + "=guix"},
		Quorums: []string{"owner=2:saki,ben", "source=1:saki", "builder=1:ci", "rebuilder=1:lab", "release-manager=1:ben"},
	})
	if err != nil {
		return err
	}
	d.command("policy check", policyName)
	worth := policy.Worth()
	return d.answer(excerpt(worth.Text(), "build another source", "replace the policy", "No mirror", "Nobody alone"), worth.Exit(), holds)
}

// signPolicy signs a policy as its owners, and returns its digest.
func (d *demo) signPolicy(ctx context.Context, policy, repo string, owners ...string) (root string, err error) {
	for i, owner := range owners {
		signed, err := governing.Sign(ctx, governing.SignOptions{File: d.path(policy), Key: d.keyPath(owner), Repository: d.path(repo), User: user()})
		if err != nil {
			return "", err
		}
		if root = signed.Document.Digest.String(); policy != policyName {
			continue
		}
		d.command("policy sign", policy, "--key keys/"+owner, "--repo", repo)
		text, exit := signed.Text(), report.Verified.Exit()
		if len(signed.Missing) > 0 {
			exit = report.NotComplete.Exit()
		}
		if err := d.answer(excerpt(text, "Not in force", "In the ledger", "This is the root"), exit, []int{incomplete, holds}[i]); err != nil {
			return "", err
		}
	}
	return root, nil
}

// sign shows how the machines sign what they built, and hand that in.
func (d *demo) sign(ctx context.Context) error {
	var files []string
	for _, by := range []struct{ party, folder string }{{ci, releaseFolder}, {lab, labFolder}} {
		statement, envelope := filepath.Join(by.folder, statementName), by.party+entry.Extension
		files = append(files, envelope)
		d.command("sign", statement, "--key keys/"+by.party, "--output", envelope)
		signed, err := signing.Run(ctx, signing.Options{File: d.path(statement), Key: d.keyPath(by.party), Output: d.path(envelope), User: user()})
		if err != nil {
			return err
		}
		if err := d.answer(firstLine(signed.Text()), report.Verified.Exit(), holds); err != nil {
			return err
		}
	}
	d.command("add", strings.Join(files, " "), "--repo", ProjectRepo)
	for i := range files {
		files[i] = d.path(files[i])
	}
	added, err := exchanging.Add(ctx, exchanging.AddOptions{Files: files, Repository: d.path(ProjectRepo)})
	if err != nil {
		return err
	}
	return d.answer(added.Text(), report.Verified.Exit(), holds)
}

// bless shows the release manager's part.
func (d *demo) bless(ctx context.Context, root string) error {
	d.command("bless 1.0 --repo", ProjectRepo, "--key keys/"+manager, "--root", root[:rootShown]+"…")
	result, err := blessing.Run(ctx, d.blessing(ProjectRepo, manager, root, blessedFolder))
	if err != nil {
		return err
	}
	return d.answer(excerpt(result.Text(), "REPRODUCED", "reproduced", "built branch", "to publish", "BLESSED"), result.Exit(), holds)
}

// blessing returns what to bless, in one of the demo's repositories.
func (d *demo) blessing(repo, party, root, output string) blessing.Options {
	return blessing.Options{
		Building: d.building(repo, "", ""), Version: "1.0", Key: d.keyPath(party), Root: root, Style: blessing.Child,
		Signoff: party + " <" + party + "@example.org>", Output: d.path(output), Memory: d.path(seenFolder), User: user(),
	}
}

// rootShown is how many digits of a root stand in the commands that are shown.
const rootShown = 12

// download puts the archive and the bundle of a published folder where somebody
// would have downloaded them, and returns the bundle.
func (d *demo) download(from string) (bundle []byte, err error) {
	if err := os.MkdirAll(d.path(downloads), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of downloads: %w", err)
	}
	for _, name := range []string{archiveName, bundleName} {
		if bundle, err = os.ReadFile(d.path(filepath.Join(from, name))); err != nil {
			return nil, fmt.Errorf("downloading %s: %w", name, err)
		}
		if err := os.WriteFile(d.path(filepath.Join(downloads, name)), bundle, 0o644); err != nil {
			return nil, fmt.Errorf("downloading %s: %w", name, err)
		}
	}
	return bundle, nil
}

// verifyByBundle verifies what was downloaded, and holds it to an exit status.
func (d *demo) verifyByBundle(ctx context.Context, root string, want int) error {
	archive := filepath.Join(downloads, archiveName)
	d.command("verify", archive, "--root", root[:rootShown]+"…")
	o := vouching.Options{Archives: []string{d.path(archive)}, Root: root, Memory: d.path(seenFolder)}
	o.Read.Decoder = "go"
	result, err := vouching.Run(ctx, o)
	if err != nil {
		return err
	}
	if want != holds { // all else was shown once
		return d.answer(excerpt(result.Text(), "  as  ", "POL_", "REL_", "dissent"), result.Exit(), want)
	}
	return d.answer(excerpt(result.Text(), "  as  ", " of 1: ", "archive: ", "tree: ", "built commit: ", "recipe: ", "leads to", "VOUCHED", "Not proved"), result.Exit(), want)
}

// firstLine returns the first line of a text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

var longDigest = regexp.MustCompile(`([0-9a-f]{12})[0-9a-f]{52}`)

// excerpt returns the lines of a text in which one of the words stands, with the
// beginnings of digests.
func excerpt(text string, words ...string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			b.WriteString(longDigest.ReplaceAllString(line, "$1…"))
		}
	}
	return b.String()
}
