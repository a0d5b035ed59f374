package demonstration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/blessing"
	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/exchanging"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/statement"
)

// forgery is one way to pass off a release for which not all vouch that have to.
type forgery struct {
	title  string
	why    string
	bundle func(context.Context, []byte) ([]byte, error) // of the honest one
	from   string                                        // folder of the archive
}

// forge shows what becomes of releases for which not all vouch that have to.
func (d *demo) forge(ctx context.Context, root string, honest []byte) error {
	for i, f := range []forgery{
		{
			title:  "An attacker owns the CI: its build has the tampered words.h, and its key signs that.",
			why:    "The CI says something else than the lab and ben. One machine alone is a dissent, never a release.",
			bundle: d.forgeBuild,
			from:   ciFolder,
		},
		{
			title:  "A mirror ships the tampered archive with a policy, keys and a bundle of its own, all in order.",
			why:    "In order, by a policy that does not follow from the root. Whoever asks for a root is not fooled.",
			bundle: d.forgePolicy,
			from:   ciFolder,
		},
		{
			title:  "Somebody cannot wait: the honest archive, with a bundle that lacks the second builder.",
			why:    "Nobody lied, and still it is not the release yet: the policy wants two machines.",
			bundle: d.forgetLab,
			from:   blessedFolder,
		},
	} {
		d.attackHeading(len(attacks)+i, f.title)
		forged, err := f.bundle(ctx, honest)
		if err != nil {
			return err
		}
		archive, err := os.ReadFile(d.path(filepath.Join(f.from, archiveName)))
		if err != nil {
			return fmt.Errorf("reading an archive of the demo: %w", err)
		}
		for name, content := range map[string][]byte{archiveName: archive, bundleName: forged} {
			if err := os.WriteFile(d.path(filepath.Join(downloads, name)), content, 0o644); err != nil {
				return fmt.Errorf("writing what the attacker ships: %w", err)
			}
		}
		if err := d.verifyByBundle(ctx, root, doesNot); err != nil {
			return err
		}
		d.say("  → %s", f.why)
	}
	return nil
}

// forgeBuild adds a statement by the CI to a bundle: that the project's own recipe
// gave the tampered files.
func (d *demo) forgeBuild(ctx context.Context, honest []byte) ([]byte, error) {
	b, err := bundle.Parse(honest)
	if err != nil {
		return nil, err
	}
	honestly, err := d.readStatement(releaseFolder)
	if err != nil {
		return nil, err
	}
	falsely, err := d.readStatement(ciFolder)
	if err != nil {
		return nil, err
	}
	falsely.Identity = honestly.Identity
	payload, err := falsely.Encode()
	if err != nil {
		return nil, err
	}
	signer, err := signing.Open(ctx, d.keyPath(ci), user())
	if err != nil {
		return nil, err
	}
	e, _, err := signing.Envelope(ctx, signer, payload)
	if err != nil {
		return nil, err
	}
	return bundle.Merge(b, &bundle.Bundle{Statements: []dsse.Envelope{e}}).Encode()
}

// readStatement reads what a build of the demo says.
func (d *demo) readStatement(folder string) (*statement.Statement, error) {
	payload, err := os.ReadFile(d.path(filepath.Join(folder, statementName)))
	if err != nil {
		return nil, fmt.Errorf("reading a statement of the demo: %w", err)
	}
	return statement.Parse(payload)
}

// forgePolicy makes a policy by which one key is enough, and blesses the tampered
// build by it.
func (d *demo) forgePolicy(ctx context.Context, _ []byte) ([]byte, error) {
	const name, output = "forged.toml", "forged.blessed"
	_, err := governing.Init(governing.InitOptions{
		File: d.path(name), Project: projectURL, Recipes: []string{d.path(ciRecipe)},
		People: []string{thief + "=" + d.keyPath(thief) + ".pub"}, Quorums: []string{"owner=1:" + thief, "release-manager=1:" + thief},
	})
	if err != nil {
		return nil, err
	}
	root, err := d.signPolicy(ctx, name, TamperedRepo, thief)
	if err != nil {
		return nil, err
	}
	envelope := d.path(thief + entry.Extension)
	_, err = signing.Run(ctx, signing.Options{File: d.path(filepath.Join(ciFolder, statementName)), Key: d.keyPath(thief), Output: envelope, User: user()})
	if err != nil {
		return nil, err
	}
	if _, err := exchanging.Add(ctx, exchanging.AddOptions{Files: []string{envelope}, Repository: d.path(TamperedRepo)}); err != nil {
		return nil, err
	}
	o := d.blessing(TamperedRepo, thief, root, output)
	o.Building.Source.Recipe, o.Memory = d.path(ciRecipe), d.path("forged.seen")
	blessed, err := blessing.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	if blessed.Exit() != holds {
		return nil, &report.Failure{Code: report.Internal, Detail: "the attacker's own policy does not let them release: " + blessed.Text()}
	}
	return os.ReadFile(d.path(filepath.Join(output, bundleName)))
}

// forgetLab takes the lab's statement out of a bundle.
func (d *demo) forgetLab(_ context.Context, honest []byte) ([]byte, error) {
	b, err := bundle.Parse(honest)
	if err != nil {
		return nil, err
	}
	signed, err := os.ReadFile(d.path(lab + entry.Extension))
	if err != nil {
		return nil, fmt.Errorf("reading the lab's statement: %w", err)
	}
	theirs, err := dsse.Parse(bytes.TrimSpace(signed))
	if err != nil {
		return nil, err
	}
	var rest []dsse.Envelope
	for _, e := range b.Statements {
		if !bytes.Equal(e.Payload, theirs.Payload) {
			rest = append(rest, e)
		}
	}
	b.Statements = rest
	return b.Encode()
}
