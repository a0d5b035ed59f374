package debian

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/packagelist"
	"github.com/countermark/countermark/internal/recipe"
)

// apt is apt with a state of its own.
type apt struct {
	Options
	suite string
	dir   string // of the state; others may look into it: apt and dpkg work as other users
}

// newAPT writes the configuration (apt.conf(5), sources.list(5)).
func newAPT(ctx context.Context, suite, dir string, o Options) (*apt, error) {
	a := &apt{Options: o, suite: suite, dir: dir}
	for _, program := range []string{"apt-get", "dpkg", "mmdebstrap"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &MissingProgramError{program}
		}
	}
	if a.Architecture == "" {
		var out strings.Builder
		if err := a.run(ctx, command{name: "dpkg", args: []string{"--print-architecture"}, stdout: &out}); err != nil {
			return nil, err
		}
		a.Architecture = strings.TrimSpace(out.String())
	}
	trust := "signed-by=" + o.Keyring
	if o.UnsafeUnsigned {
		trust = "trusted=yes"
	}
	err := os.Chmod(dir, 0o755)
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "empty", "repository"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	for name, content := range map[string]string{
		"status": "", "sources.list": fmt.Sprintf("deb [%s] %s %s main\n", trust, o.Mirror, suite), "apt.conf": a.configuration(),
	} {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	if err != nil {
		return nil, fmt.Errorf("writing apt's configuration: %w", err)
	}
	return a, nil
}

// configuration is read before all else ($APT_CONFIG, apt.conf(5)), and says
// that there is nothing else.
func (a *apt) configuration() string {
	var b strings.Builder
	for _, setting := range [][2]string{
		{"Dir", a.dir}, {"Dir::Etc", a.dir + "/empty"}, {"Dir::Etc::main", "/dev/null"}, {"Dir::Etc::parts", a.dir + "/empty"},
		{"Dir::Etc::sourcelist", a.dir + "/sources.list"}, {"Dir::Etc::sourceparts", a.dir + "/empty"},
		{"Dir::Etc::preferences", "/dev/null"}, {"Dir::Etc::preferencesparts", a.dir + "/empty"},
		{"Dir::Etc::trusted", "/dev/null"}, {"Dir::Etc::trustedparts", a.dir + "/empty"},
		{"Dir::State", a.dir}, {"Dir::State::lists", a.dir + "/lists"}, {"Dir::State::status", a.dir + "/status"},
		{"Dir::State::extended_states", a.dir + "/extended_states"}, {"Dir::Cache", a.dir + "/cache"}, {"Dir::Log", a.dir + "/empty"},
		{"APT::Architecture", a.Architecture}, {"APT::Install-Recommends", "false"}, {"APT::Default-Release", ""},
		{"Acquire::Languages", "none"}, {"Acquire::ForceHash", "SHA256"}, {"Acquire::GzipIndexes", "false"}, {"Acquire::Retries", "2"},
		{"Acquire::AllowInsecureRepositories", "false"}, {"Acquire::AllowWeakRepositories", "false"},
		{"Acquire::AllowDowngradeToInsecureRepositories", "false"},
	} {
		fmt.Fprintf(&b, "%s %q;\n", setting[0], setting[1])
	}
	return b.String() + "APT::Architectures { \"" + a.Architecture + "\"; };\n"
}

// update fetches the indexes of the suite, and checks who signed them.
func (a *apt) update(ctx context.Context, fresh bool) error {
	err := a.apt(ctx, nil, "update", "--error-on=any", "-o", "Acquire::Check-Valid-Until="+strconv.FormatBool(fresh))
	said, ok := errors.AsType[*runError](err)
	if !ok {
		return err
	}
	for _, word := range []string{"NO_PUBKEY", "is not signed", "EXPKEYSIG", "BADSIG", "invalid signature", "does not have a Release file"} {
		if strings.Contains(said.said, word) {
			return &RefusedError{Detail: fmt.Sprintf("the mirror %s has no signature on %s that the keyring %s knows: apt said: %s",
				escape.Quote(a.Mirror), escape.Quote(a.suite), escape.Quote(a.Keyring), said.said),
				Hint: "check suite and mirror; a newer suite may need a newer debian-archive-keyring"}
		}
	}
	return &TransportError{Mirror: a.Mirror, Said: said.said}
}

// apt runs apt-get.
func (a *apt) apt(ctx context.Context, stdout io.Writer, args ...string) error {
	return a.run(ctx, command{name: "apt-get", args: append([]string{"--quiet"}, args...), stdout: stdout, dir: filepath.Join(a.dir, "repository"),
		env: []string{"APT_CONFIG=" + filepath.Join(a.dir, "apt.conf")}})
}

// resolve asks apt what it would install on an empty system.
func (a *apt) resolve(ctx context.Context, packages []recipe.Package) (packagelist.List, error) {
	args := []string{"--print-uris", "--yes", "install", "--", "?essential"}
	for _, p := range packages {
		name := string(p.Name)
		if p.Version != "" {
			name += "=" + p.Version
		}
		args = append(args, name)
	}
	var out strings.Builder
	err := a.apt(ctx, &out, args...)
	if said, ok := errors.AsType[*runError](err); ok {
		return packagelist.List{}, &RefusedError{Detail: fmt.Sprintf("the packages cannot be installed together from %s of %s: apt said: %s",
			escape.Quote(a.suite), escape.Quote(a.Mirror), said.said), Hint: "correct the packages of the recipe's environment"}
	}
	if err != nil {
		return packagelist.List{}, err
	}
	return parseURIs(out.String())
}

// parseURIs reads what apt-get --print-uris prints: 'URI' FILE SIZE SHA256:HEX.
// Lines of another form are talk.
func parseURIs(text string) (packagelist.List, error) {
	var entries []packagelist.Entry
	total := int64(0)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 4 || !strings.HasPrefix(f[0], "'") {
			continue
		}
		file, sum := strings.TrimSuffix(f[1], ".deb"), strings.TrimPrefix(f[3], "SHA256:")
		name, rest, _ := strings.Cut(file, "_")
		escaped, architecture, _ := strings.Cut(rest, "_")
		version, err := url.PathUnescape(escaped)
		size, sizeErr := strconv.ParseInt(f[2], 10, 64)
		d, sumErr := digest.ParseSHA256(sum)
		if err := errors.Join(err, sizeErr, sumErr); err != nil || size < 0 {
			return packagelist.List{}, fmt.Errorf("reading what apt would fetch: %s is no file of a package", escape.Quote(strings.TrimSpace(line)))
		}
		if total += min(size, maxDownloadBytes+1); total > maxDownloadBytes {
			return packagelist.List{}, &RefusedError{Detail: fmt.Sprintf("the packages have more than %d bytes", int64(maxDownloadBytes)), Hint: "name fewer packages"}
		}
		entries = append(entries, packagelist.Entry{Name: name, Version: version, Architecture: architecture, SHA256: d})
	}
	list, err := packagelist.New(entries)
	if err != nil {
		return list, fmt.Errorf("reading what apt would fetch: %v", err)
	}
	return list, nil
}

// download makes a repository of exactly the packages of a list, and returns
// its folder.
func (a *apt) download(ctx context.Context, list packagelist.List) (string, error) {
	offered, err := a.offered(list)
	if err != nil {
		return "", err
	}
	missing := &IncompleteError{Mirror: a.Mirror}
	args := []string{"download", "--"}
	for _, e := range list.Entries() {
		if _, ok := offered[e.SHA256]; !ok {
			missing.Missing = append(missing.Missing, e)
		}
		args = append(args, e.Name+":"+e.Architecture+"="+e.Version)
	}
	if len(missing.Missing) > 0 {
		return "", missing
	}
	dir := filepath.Join(a.dir, "repository")
	err = a.apt(ctx, nil, args...)
	if said, ok := errors.AsType[*runError](err); ok {
		return "", &TransportError{Mirror: a.Mirror, Said: said.said}
	}
	if err != nil {
		return "", err
	}
	return dir, index(dir, list, offered)
}

// index holds every .deb of the folder to the list, and writes its Packages.
func index(dir string, list packagelist.List, offered map[digest.SHA256]paragraph) error {
	var text strings.Builder
	for _, e := range list.Entries() {
		name := fileName(e)
		got, err := hashFile(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("reading a package: %w", err)
		}
		if got != e.SHA256 {
			return &RefusedError{Detail: fmt.Sprintf("the package %s has the SHA-256 %v, expected %v", escape.Text(e.String()), got, e.SHA256), Hint: "use another mirror"}
		}
		text.WriteString(offered[e.SHA256].withFile("./" + name))
	}
	if err := os.WriteFile(filepath.Join(dir, "Packages"), []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("writing the index of the packages: %w", err)
	}
	return nil
}

// fileName is how apt-get download names a package's file.
func fileName(e packagelist.Entry) string {
	return fmt.Sprintf("%s_%s_%s.deb", e.Name, strings.ReplaceAll(e.Version, ":", "%3a"), e.Architecture)
}

func hashFile(path string) (digest.SHA256, error) {
	f, err := os.Open(path)
	if err != nil {
		return digest.SHA256{}, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return digest.SHA256(h.Sum(nil)), err
}

// offered finds the packages of a list in the indexes that apt fetched and
// whose signatures it checked.
func (a *apt) offered(list packagelist.List) (map[digest.SHA256]paragraph, error) {
	wanted := map[digest.SHA256]packagelist.Entry{}
	for _, e := range list.Entries() {
		wanted[e.SHA256] = e
	}
	offered := map[digest.SHA256]paragraph{}
	files, err := filepath.Glob(filepath.Join(a.dir, "lists", "*_Packages"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("reading the mirror's index: apt left none")
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading the mirror's index: %w", err)
		}
		err = paragraphs(bufio.NewReader(f), func(p paragraph) {
			if e, ok := p.entry(); ok && wanted[e.SHA256] == e {
				offered[e.SHA256] = p
			}
		})
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("reading the mirror's index: %w", err)
		}
	}
	return offered, nil
}
