package recipe

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/pattern"
	"github.com/countermark/countermark/internal/tree"
)

// formatVersion is the one version of the format.
const formatVersion = 1

// Parse reads a recipe. The error is a *ParseError: the first by line of what
// is wrong, or of what is no TOML.
func Parse(data []byte) (*Recipe, error) {
	r, _, err := read(data)
	return r, err
}

// read is Parse of a recipe that may lack some of the keys that are required.
func read(data []byte, mayLack ...string) (*Recipe, *document.Table, error) {
	if len(data) > MaxFileBytes {
		return nil, nil, &ParseError{Line: 1, Detail: fmt.Sprintf("the recipe has %d bytes, at most %d are accepted", len(data), MaxFileBytes),
			Hint: "name many files by one pattern"}
	}
	t, err := document.Open(data)
	if err != nil {
		return nil, nil, err
	}
	t.MayLack(mayLack...)
	if t.Integer("countermark-recipe", 0, formatVersion, formatVersion); t.Take("countermark-recipe") == nil {
		t.Fail("", document.Wrong("begin the file with the line countermark-recipe = 1", "the version of the format is missing"))
	}
	if err := t.First(); err != nil {
		return nil, nil, err
	}
	r := readRecipe(t)
	if err := t.First(); err != nil {
		return nil, nil, err
	}
	check(t, r)
	if err := t.First(); err != nil {
		return nil, nil, err
	}
	r.Digest = digest.SHA256(sha256.Sum256(data))
	return r, t, nil
}

func readRecipe(t *document.Table) *Recipe {
	r := &Recipe{}
	if s := t.Section("project"); s != nil {
		r.Project = Project{URL: document.Required(s, "url", parseURL), Archive: document.Required(s, "archive", nameTemplate(nameOthers, placeVersion))}
		once(s, "archive", r.Project.Archive)
		checkFits(s, "archive", r.Project.Archive)
		s.Close()
	}
	if s := t.Section("source"); s != nil {
		r.Source = readSource(s)
	}
	if s := t.Section("environment"); s != nil {
		r.Environment = readEnvironment(s)
	}
	for _, s := range t.Tables("download") {
		r.Downloads = append(r.Downloads, Download{document.Required(s, "url", parseURL), document.Required(s, digestKey, parseSHA256), document.Required(s, "path", parsePath)})
		s.Close()
	}
	r.Writes = readWrites(t.Table("write"))
	for _, s := range t.Tables("step") {
		r.Steps = append(r.Steps, readStep(s))
	}
	if s := t.Section("built"); s != nil {
		r.Built = readBuilt(s)
	}
	if s := t.Section("archives"); s != nil {
		r.Archives = readArchives(s, r.Project.Archive)
	}
	r.Limits = readLimits(t.Table("limits"))
	t.Close()
	return r
}

// nameOthers are the characters of names of files beside letters and digits;
// refOthers those of refs.
const (
	nameOthers = ".+_-"
	refOthers  = ".+_-/@%"
)

// maxFileName is the length of the longest name that a recipe gives to archives
// and their folder: the 255 of Linux (NAME_MAX), less room for extensions.
const maxFileName = 200

// once notes that a template does not hold {version} exactly once.
func once(t *document.Table, key string, name Template) {
	if n := name.count(placeVersion); n != 1 && name.text != "" {
		t.FailAt(key, document.Wrong("write {version} in the place of the version", "the name %s holds {version} %d times, expected once", document.Excerpt(name.text), n))
	}
}

// checkFits notes that a template, with the longest versions, makes a name that
// leaves no room for the names of files that are told apart by what is put
// after it.
func checkFits(t *document.Table, key string, name Template) {
	if n := len(name.replace(strings.Repeat("0", MaxVersionBytes))); n > maxFileName {
		t.FailAt(key, document.Wrong("shorten it", "the name %s has up to %d bytes, at most %d are accepted", document.Excerpt(name.text), n, maxFileName))
	}
}

func readSource(t *document.Table) Source {
	defer t.Close()
	s := Source{
		Tag:             document.Required(t, "tag", nameTemplate(refOthers, placeVersion)),
		TagDots:         document.Optional(t, "tag-dots", Dots, choice[Separator](separatorNames())),
		LightweightTags: t.Boolean("lightweight-tags"),
		Submodules:      document.Optional(t, "submodules", NoSubmodules, choice[Submodules](submodulesNames())),
	}
	once(t, "tag", s.Tag)
	if before, after := s.Tag.around(); len(before)+len(after) > maxTagBytes-MaxVersionBytes {
		t.FailAt("tag", document.Wrong("tags have at most 200 characters, versions 64", "the tag %s leaves no room for a version", document.Excerpt(s.Tag.text)))
	} else if err := checkRef(s.Tag.replace("0")); err != nil && s.Tag.text != "" {
		t.FailAt("tag", err)
	}
	return s
}

func readEnvironment(t *document.Table) Environment {
	defer t.Close()
	e := Environment{Base: readBase(t)}
	vars := t.Table("variables")
	for _, key := range vars.Keys() {
		v := Variable{Value: document.Required(vars, key, template(placeVersion, placeMajor, placeMinor, placePatch, placeTag))}
		var err error
		if v.Name, err = parseVariable(key); err != nil {
			vars.FailAt(key, err)
		}
		e.Variables = append(e.Variables, v)
	}
	for _, s := range t.Tables("tool") {
		e.Tools = append(e.Tools, readTool(s))
	}
	return e
}

// readBase reads the keys of one kind of environment. Those of another are not
// known.
func readBase(t *document.Table) Base {
	switch document.Required(t, "kind", choice[baseKind]([]string{hostKind: "host", rootFSKind: "rootfs", imageKind: "image"})) {
	case hostKind:
		return Host{}
	case rootFSKind:
		fs := RootFS{Suite: document.Required(t, "suite", parseSuite), Mirror: document.Optional(t, "mirror", "", parseURL), Packages: document.List(t, "packages", parsePackage)}
		document.Distinct(t, "packages", fs.Packages, func(p Package) Name { return p.Name })
		return fs
	case imageKind:
		image := Image{Form: document.Required(t, "form", choice[ImageForm](imageFormNames())), SHA256: document.Required(t, digestKey, parseSHA256)}
		if image.Form != OCILayout {
			image.URL = document.Optional(t, "url", "", parseURL)
		}
		return image
	}
	t.TakeAll() // of which kind they are is not known
	return nil
}

type baseKind uint8

const (
	hostKind baseKind = iota + 1
	rootFSKind
	imageKind
)

func readTool(t *document.Table) Tool {
	defer t.Close()
	tool := Tool{Name: document.Required(t, "name", parseProgram)}
	if t.Take("git") != nil {
		tool.Source = readGitSource(t)
	} else {
		if t.Take("url") == nil {
			t.Fail(t.Place, document.Wrong("add the keys git and commit, or the keys url and sha256", "the tool has no source"))
		}
		tool.Source = ArchiveSource{URL: document.Required(t, "url", parseURL), SHA256: document.Required(t, digestKey, parseSHA256)}
	}
	build, _ := t.Take("build").([]any)
	if len(build) == 0 {
		t.FailAt("build", document.Wrong("write build = [[\"./configure\", \"--prefix={prefix}\"], [\"make\", \"install\"]]",
			"the tool has no array of argument vectors that build it"))
	}
	place := document.KeyPlace(t.Place, "build")
	for i, vector := range build {
		run := document.Items(t, document.ItemPlace(place, i), vector, template(placePrefix))
		checkRun(t, document.ItemPlace(place, i), run)
		tool.build = append(tool.build, run)
	}
	return tool
}

func readGitSource(t *document.Table) GitSource {
	s := GitSource{URL: document.Required(t, "git", parseURL)}
	if t.Take("commit") == nil {
		t.FailAt("git", document.Wrong("git ls-remote --tags URL lists tags and ids: add commit = \"...\" with the id in the line that ends in ^{}, or in the tag's only line",
			"the tool has no commit"))
		return s
	}
	s.Commit = document.Required(t, "commit", parseObjectID)
	return s
}

// checkRun notes an argument vector without a program, or with one that whatever
// runs it may take for an option.
func checkRun(t *document.Table, place string, run []Template) {
	const hint = "write the program first, then its arguments, each a string"
	switch {
	case len(run) == 0 || run[0].text == "":
		t.Fail(place, document.Wrong(hint, "there is no program to run"))
	case run[0].text[0] == '-':
		t.Fail(document.ItemPlace(place, 0), document.Wrong(hint, "the program %s looks like an option", document.Excerpt(run[0].text)))
	}
}

func readWrites(t *document.Table) []Write {
	var writes []Write
	for _, key := range t.Keys() {
		w := Write{Content: document.Required(t, key, template(placeVersion, placeMajor, placeMinor, placePatch, placeTag))}
		var err error
		if w.Path, err = parsePath(key); err != nil {
			t.FailAt(key, err)
		}
		writes = append(writes, w)
	}
	return writes
}

func readInvocation(t *document.Table) Invocation {
	i := Invocation{
		Run:   document.List(t, "run", template(placeVersion, placeMajor, placeMinor, placePatch, placeTag)),
		Tools: document.List(t, "tools", parseProgram),
		Git:   document.Optional(t, "git", NoGit, choice[GitUse](gitUseNames())),
	}
	checkRun(t, document.KeyPlace(t.Place, "run"), i.Run)
	document.Distinct(t, "tools", i.Tools, func(n Name) Name { return n })
	return i
}

func readStep(t *document.Table) Step {
	defer t.Close()
	return Step{
		Name:       document.Required(t, "name", parseTitle),
		Invocation: readInvocation(t),
		Outputs:    document.List(t, "outputs", pattern.Parse),
		Changes:    document.List(t, "changes", pattern.Parse),
		Discard:    document.List(t, "discard", pattern.Parse),
	}
}

func readBuilt(t *document.Table) Built {
	defer t.Close()
	b := Built{Branch: document.Required(t, "branch", nameTemplate(refOthers, placeVersion, placeMajor, placeMinor, placePatch)), Omit: document.List(t, "omit", pattern.Parse)}
	if err := checkBranch(b.Branch.replace("0")); err != nil && b.Branch.text != "" {
		t.FailAt("branch", err)
	}
	if s := t.Section("author"); s != nil {
		b.Author = readIdentity(s)
	}
	b.Committer = b.Author
	if t.Take("committer") != nil {
		b.Committer = readIdentity(t.Table("committer"))
	}
	return b
}

func readIdentity(t *document.Table) Identity {
	defer t.Close()
	return Identity{Name: document.Required(t, "name", checkIdentity("name")), Email: document.Required(t, "email", checkIdentity("email address"))}
}

func readArchives(t *document.Table, base Template) Archives {
	defer t.Close()
	const prefixHint = "a prefix is the name of one directory and its slash, as in \"php-{version}/\""
	a := Archives{Prefix: base}
	if text := document.Optional(t, "prefix", base.text+"/", parseAny); text != base.text+"/" {
		name, slash := strings.CutSuffix(text, "/")
		prefix, err := nameTemplate(nameOthers, placeVersion)(name)
		if err != nil || !slash {
			t.FailAt("prefix", document.Wrong(prefixHint, "%s is no prefix", document.Excerpt(text)))
		}
		checkFits(t, "prefix", prefix)
		a.Prefix = prefix
	}
	formats := document.List(t, "formats", choice[Format](formatNames()))
	document.Distinct(t, "formats", formats, func(f Format) Format { return f })
	if len(formats) == 0 {
		t.FailAt("formats", document.Wrong("write formats = [\"tar.gz\"]", "no format of archive is named"))
	}
	for _, f := range formats {
		a.Formats = append(a.Formats, Compression{Format: f})
	}
	switch document.Optional(t, "style", writerStyle, choice[archiveStyle]([]string{writerStyle: "writer", commandStyle: "command"})) {
	case commandStyle:
		a.Command = &Command{Invocation: readInvocation(t), Folder: document.Optional(t, "folder", tree.Path(""), parsePath)}
	case writerStyle:
		a.Mtime = document.Optional(t, "mtime", SourceTime, choice[Mtime](mtimeNames()))
		readLevels(t, a.Formats)
	default:
		t.TakeAll() // of which style they are is not known
	}
	return a
}

type archiveStyle uint8

const (
	writerStyle archiveStyle = iota + 1
	commandStyle
)

// maxThreads is the most that xz may be told; how many it is makes no other
// bytes if it is more than one.
const maxThreads = 64

func readLevels(t *document.Table, formats []Compression) {
	levels := t.Table("levels")
	for i := range formats {
		c := &formats[i]
		least, most, usual := c.Format.levels()
		c.Level = int(levels.Integer(c.Format.String(), usual, least, most))
		if c.Format == TarXz {
			c.Threads = int(t.Integer("xz-threads", 1, 1, maxThreads))
		}
	}
	levels.Close()
}

func readLimits(t *document.Table) Limits {
	defer t.Close()
	return Limits{
		Time:        time.Duration(t.Integer("seconds", int64(DefaultBuildTime/time.Second), 1, int64(MaxBuildTime/time.Second))) * time.Second,
		OutputBytes: t.Integer("output-bytes", DefaultOutputBytes, 1, MaxOutputBytes),
		Files:       int(t.Integer("files", DefaultFiles, 1, MaxFiles)),
	}
}
