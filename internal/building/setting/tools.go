package setting

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/building/toolshed"
	"github.com/countermark/countermark/internal/environment"
	"github.com/countermark/countermark/internal/environment/unpack"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/worktree"
)

// toolEpoch is SOURCE_DATE_EPOCH while tools are built, 1980-01-01: tools do not
// depend on which release they are built for.
const toolEpoch = "315532800"

// tool is a tool that was built from source.
type tool struct {
	name   string
	folder string // here
	prefix string // inside
	source string // what it was built from: a digest or an id
}

// openTools builds the recipe's tools in their order, or finds them built.
func (x *Setting) openTools(ctx context.Context, found *finding.List) error {
	tools := x.source.Recipe.Environment.Tools
	if len(tools) == 0 {
		return nil
	}
	if x.IsOpen() {
		return report.UsageFailure("use a sandbox, or a recipe that takes its tools from the host", "tools are not built without a sandbox: each is installed in a place of its own")
	}
	id := x.ID
	if x.system == "" {
		id = hostID(describeSystem(""))
	}
	dir, err := source.CacheDir()
	if err != nil {
		return err
	}
	shed, err := toolshed.Open(filepath.Join(dir, "tools"))
	if err != nil {
		return err
	}
	for i, key := range environment.ToolKeys(tools, id) {
		t := tool{name: string(tools[i].Name), prefix: toolDir + "/" + string(tools[i].Name), source: sourceOf(&tools[i])}
		state, kept, err := shed.Find(ctx, key)
		if err != nil {
			return err
		}
		t.folder = kept
		if state == toolshed.Altered {
			x.Notes = append(x.Notes, fmt.Sprintf("the kept tool %s was not what it was when it was built, and was built anew", t.name))
		}
		if state != toolshed.Intact {
			installed, err := x.buildTool(ctx, &tools[i], t, found)
			if err != nil || found.Failed() {
				return err
			}
			if t.folder, err = shed.Keep(ctx, key, installed); err != nil {
				return found.AddRefusal(finding.Finding{Rule: finding.Dirty, Step: "building " + t.name, Detail: "the tool installed what cannot be kept",
					Hint: "let it name its files otherwise, or remove what is not needed"}, err)
			}
		}
		x.tools = append(x.tools, t)
	}
	return nil
}

// sourceOf names what a tool is built from.
func sourceOf(t *recipe.Tool) string {
	switch s := t.Source.(type) {
	case recipe.GitSource:
		return "git:" + s.Commit.String()
	case recipe.ArchiveSource:
		return "sha256:" + s.SHA256.String()
	}
	return ""
}

// buildTool builds a tool in a folder of this build, and returns where it installed
// itself.
func (x *Setting) buildTool(ctx context.Context, t *recipe.Tool, built tool, found *finding.List) (installed string, err error) {
	x.o.Progress.Text("building " + built.name)
	work, err := os.MkdirTemp(x.o.Temp, "tool-*")
	if err != nil {
		return "", err
	}
	source, installed := filepath.Join(work, "source"), filepath.Join(work, "installed")
	if err := x.laySource(ctx, t, source); err != nil {
		return "", err
	}
	if err := os.Mkdir(installed, 0o755); err != nil {
		return "", err
	}
	for i, arguments := range t.Commands(built.prefix) {
		p := x.toolProgram(arguments, built, source, installed)
		log, err := finding.NewLog(filepath.Join(x.o.Logs, built.name), i, built.name, x.o.Progress)
		if err != nil {
			return "", err
		}
		p.Output = log
		outcome, err := x.sandbox.Run(ctx, p)
		if err = cmp.Or(err, log.Close()); err != nil {
			return "", err
		}
		found.Judge("building "+built.name, outcome, log)
		if found.Failed() {
			return "", nil
		}
	}
	return installed, nil
}

// toolProgram is one command of a tool's build. It sees the tools before it.
func (x *Setting) toolProgram(arguments []string, built tool, source, installed string) sandbox.Program {
	inside := BuildDir + "/tools/" + built.name
	p := sandbox.Program{
		Arguments: arguments, Dir: inside, System: x.system,
		Environment: []string{"HOME=" + homeDir, "LC_ALL=C.UTF-8", "PATH=" + x.searchPath(), "SOURCE_DATE_EPOCH=" + toolEpoch, "TZ=UTC"},
		Binds:       []sandbox.Bind{{Source: source, Target: inside, Writable: true}, {Source: installed, Target: built.prefix, Writable: true}},
		Limits: sandbox.Limits{Time: maxToolTime, OutputBytes: recipe.DefaultOutputBytes, Files: recipe.DefaultFiles,
			Processes: maxProcesses, PrintedBytes: maxPrinted},
	}
	for _, before := range x.tools {
		p.Binds = append(p.Binds, sandbox.Bind{Source: before.folder, Target: before.prefix})
	}
	return p
}

// laySource lays a tool's source out in a new folder.
func (x *Setting) laySource(ctx context.Context, t *recipe.Tool, dir string) error {
	switch s := t.Source.(type) {
	case recipe.GitSource:
		where := string(s.URL)
		for _, flag := range x.o.ToolSources {
			if name, path, ok := strings.Cut(flag, "="); ok && name == string(t.Name) {
				where = path
			}
		}
		repo, err := source.OpenAny(ctx, x.source.Git, where, x.o.Progress)
		if err != nil {
			return err
		}
		defer repo.Close()
		files, err := source.TreeOf(ctx, repo, s.Commit)
		if err != nil {
			return fmt.Errorf("reading the source of %s: %w", t.Name, err)
		}
		_, err = worktree.Lay(ctx, worktree.Layout{Dir: dir, Tree: files, Format: repo.Format(), Time: time.Unix(315532800, 0), Blobs: repo.Blobs})
		return err
	case recipe.ArchiveSource:
		return x.unpackSource(ctx, s, dir)
	}
	return fmt.Errorf("the tool %s has a source of an unknown kind", t.Name)
}

// unpackSource fetches a tool's archive and unpacks it.
func (x *Setting) unpackSource(ctx context.Context, s recipe.ArchiveSource, dir string) error {
	cache, err := Cache(x.o.Progress)
	if err != nil {
		return err
	}
	f, err := cache.Get(ctx, string(s.URL), s.SHA256)
	if err != nil {
		return FetchFailure(err)
	}
	defer f.Close()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	folder := unpack.Into(root, unpack.Limits{})
	if err := folder.Pinned(ctx, unpack.Archive{What: "the tool's archive", Bytes: f, SHA256: s.SHA256}); err != nil {
		return err
	}
	if err := folder.Finish(); err != nil {
		return err
	}
	return liftTop(dir)
}

// liftTop moves what lies in the one folder of dir up into dir, as people expect
// of an archive that is unpacked.
func liftTop(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		return err
	}
	aside := dir + ".top"
	if err := os.Rename(filepath.Join(dir, entries[0].Name()), aside); err != nil {
		return err
	}
	return cmp.Or(os.Remove(dir), os.Rename(aside, dir))
}
