package debian

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/packagelist"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/testkit"
)

// mirror is an archive of packages on this machine, with keys of its own.
type mirror struct {
	t       *testing.T
	dir     string
	url     string
	home    string // of gpg
	packets string // the paragraphs of Packages
}

func newMirror(t *testing.T) *mirror {
	t.Helper()
	for _, program := range []string{"apt-get", "dpkg", "dpkg-deb", "mmdebstrap", "gpg"} {
		testkit.Program(t, program)
	}
	m := &mirror{t: t, dir: t.TempDir(), home: t.TempDir()}
	server := httptest.NewServer(http.FileServer(http.Dir(m.dir)))
	t.Cleanup(server.Close)
	m.url = server.URL
	m.exec("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "mirror@example.org", "rsa2048", "sign", "never")
	m.exec("gpg", "--batch", "--export", "--output", filepath.Join(m.home, "keys.gpg"))
	t.Cleanup(func() { _ = exec.Command("gpgconf", "--homedir", m.home, "--kill", "all").Run() })
	m.add("base", "1", "Essential: yes\n")
	m.add("gen", "2:1.0-1", "Depends: lib\n")
	m.add("lib", "3", "Recommends: big\n")
	m.add("big", "4", "")
	m.publish(time.Now().Add(time.Hour))
	return m
}

func (m *mirror) exec(name string, args ...string) {
	m.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GNUPGHOME="+m.home)
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func debFile(name, version string) string {
	return fmt.Sprintf("pool/%s_%s_all.deb", name, strings.ReplaceAll(version, ":", "."))
}

// add makes a package, and describes it.
func (m *mirror) add(name, version, more string) {
	m.t.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: M <m@example.org>\nDescription: x\n%s", name, version, more)
	folder := m.t.TempDir()
	testkit.Write(m.t, filepath.Join(folder, "DEBIAN", "control"), control)
	file := filepath.Join(m.dir, debFile(name, version))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	m.exec("dpkg-deb", "--root-owner-group", "--build", folder, file)
	data, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	m.packets += fmt.Sprintf("%sFilename: %s\nSize: %d\nSHA256: %x\n\n", control, debFile(name, version), len(data), sha256.Sum256(data))
}

// publish writes and signs the indexes.
func (m *mirror) publish(validUntil time.Time) {
	m.t.Helper()
	architecture, err := exec.Command("dpkg", "--print-architecture").Output()
	if err != nil {
		m.t.Fatal(err)
	}
	arch := strings.TrimSpace(string(architecture))
	index := "main/binary-" + arch + "/Packages"
	dist := filepath.Join(m.dir, "dists", "test")
	testkit.Write(m.t, filepath.Join(dist, index), m.packets)
	release := fmt.Sprintf("Origin: Test\nSuite: test\nCodename: test\nDate: %s\nValid-Until: %s\nArchitectures: %s\nComponents: main\nSHA256:\n %x %d %s\n",
		time.Now().UTC().Add(-2*time.Hour).Format(time.RFC1123), validUntil.UTC().Format(time.RFC1123), arch, sha256.Sum256([]byte(m.packets)), len(m.packets), index)
	testkit.Write(m.t, filepath.Join(dist, "Release"), release)
	_ = os.Remove(filepath.Join(dist, "InRelease"))
	m.exec("gpg", "--batch", "--clearsign", "--output", filepath.Join(dist, "InRelease"), filepath.Join(dist, "Release"))
}

// options are those that know the mirror's keys.
func (m *mirror) options() Options {
	return Options{Mirror: m.url, Keyring: filepath.Join(m.home, "keys.gpg"), Temp: m.t.TempDir()}
}

func gen(version string) recipe.RootFS {
	return recipe.RootFS{Suite: "test", Packages: []recipe.Package{{Name: "gen", Version: version}}}
}

func names(l packagelist.List) string {
	var all []string
	for _, e := range l.Entries() {
		all = append(all, e.String())
	}
	return strings.Join(all, " ")
}

// nothingLeft checks that no call left anything behind.
func nothingLeft(t *testing.T, o Options) {
	t.Helper()
	if left, err := os.ReadDir(o.Temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestResolve(t *testing.T) {
	m := newMirror(t)
	o := m.options()
	for _, version := range []string{"", "2:1.0-1"} {
		list, err := Resolve(t.Context(), gen(version), o)
		if err != nil || names(list) != "base=1_all gen=2:1.0-1_all lib=3_all" {
			t.Fatalf("%v, %v", names(list), err)
		}
		for _, e := range list.Entries() {
			data, err := os.ReadFile(filepath.Join(m.dir, debFile(e.Name, e.Version)))
			if err != nil || e.SHA256 != sha256.Sum256(data) {
				t.Errorf("%s: %v, %v", e, e.SHA256, err)
			}
		}
	}
	if list, err := Resolve(t.Context(), recipe.RootFS{Suite: "test"}, o); err != nil || names(list) != "base=1_all" {
		t.Errorf("%v, %v", names(list), err)
	}
	nothingLeft(t, o)
}

// ends checks the kind and the words of an error.
func ends[T error](t *testing.T, what string, err error, words string) {
	t.Helper()
	if _, ok := errors.AsType[T](err); !ok || !strings.Contains(err.Error(), words) || strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("%s: %T %v, want %q", what, err, err, words)
	}
}

func TestResolveRefuses(t *testing.T) {
	m := newMirror(t)
	o := m.options()
	resolve := func(fs recipe.RootFS, change func(*Options)) error {
		changed := o
		change(&changed)
		_, err := Resolve(t.Context(), fs, changed)
		return err
	}
	same := func(*Options) {}
	ends[*RefusedError](t, "another version", resolve(gen("9"), same), "cannot be installed together")
	ends[*RefusedError](t, "no such package", resolve(recipe.RootFS{Suite: "test", Packages: []recipe.Package{{Name: "absent"}}}, same), "absent")
	ends[*RefusedError](t, "no such suite", resolve(recipe.RootFS{Suite: "other"}, same), "has no signature")
	ends[*RefusedError](t, "no mirror", resolve(gen(""), func(o *Options) { o.Mirror = "file:///etc" }), "no URL of http")
	ends[*RefusedError](t, "settings in the mirror", resolve(gen(""), func(o *Options) { o.Mirror += " [trusted=yes]" }), "no URL of http")
	ends[*RefusedError](t, "no keyring", resolve(gen(""), func(o *Options) { o.Keyring = "/absent.gpg" }), "there is no keyring")
	ends[*RefusedError](t, "settings in the keyring", resolve(gen(""), func(o *Options) { o.Keyring = "/a,trusted=yes" }), "the path of the keyring")
	ends[*RefusedError](t, "no time", resolve(gen(""), func(o *Options) { o.Time = time.Millisecond }), "longer than 1ms")
	ends[*TransportError](t, "no server", resolve(gen(""), func(o *Options) { o.Mirror = "http://127.0.0.1:1/debian" }), "apt said")
	if _, err := os.Stat(DefaultKeyring); err == nil {
		ends[*RefusedError](t, "foreign keys", resolve(gen(""), func(o *Options) { o.Keyring = DefaultKeyring }), "has no signature on \"test\" that the keyring")
		if err := resolve(gen(""), func(o *Options) { o.Keyring, o.UnsafeUnsigned = DefaultKeyring, true }); err != nil {
			t.Errorf("unsafe, as asked: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Resolve(ctx, gen(""), o); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	m.packets = strings.Replace(m.packets, "Package: big", "Package: bad", 1) // after it was signed
	testkit.Write(t, firstIndex(t, m), m.packets)
	ends[*TransportError](t, "doctored index", resolve(gen(""), same), "apt said")
	m.publish(time.Now().Add(-time.Hour))
	ends[*TransportError](t, "expired", resolve(gen(""), same), "apt said")
	nothingLeft(t, o)
}

func firstIndex(t *testing.T, m *mirror) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(m.dir, "dists/test/main/*/Packages"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

// downloaded is Make without mmdebstrap: the packages of a list, from a mirror.
func downloaded(t *testing.T, list packagelist.List, o Options) error {
	t.Helper()
	return within(t.Context(), gen(""), o, func(ctx context.Context, a *apt) error {
		if err := a.update(ctx, false); err != nil {
			return err
		}
		dir, err := a.download(ctx, list)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, "Packages"))
		if n := strings.Count(string(text), "\nFilename: ./"); err != nil || n != len(list.Entries()) || strings.Contains(string(text), "pool/") {
			t.Errorf("%v, the index has %d files:\n%s", err, n, text)
		}
		return nil
	})
}

func TestDownload(t *testing.T) {
	m := newMirror(t)
	o := m.options()
	list, err := Resolve(t.Context(), gen(""), o)
	if err != nil {
		t.Fatal(err)
	}
	m.publish(time.Now().Add(-time.Hour)) // who has the list does not care when it was promised
	if err := downloaded(t, list, o); err != nil {
		t.Fatal(err)
	}
	other := list.Entries()
	other[1].SHA256[0] ^= 1
	forged, err := packagelist.New(other)
	if err != nil {
		t.Fatal(err)
	}
	err = downloaded(t, forged, o)
	ends[*IncompleteError](t, "the same version of another content", err, "gen=2:1.0-1_all")

	var asked atomic.Int64
	o.Progress = func(string) { asked.Add(1) }
	m.packets = strings.ReplaceAll(m.packets, "Version: 3", "Version: 3.1")
	m.packets = strings.ReplaceAll(m.packets, "Version: 2:1.0-1", "Version: 2:1.0-2")
	m.publish(time.Now().Add(time.Hour))
	err = downloaded(t, list, o)
	ends[*IncompleteError](t, "newer versions", err, "does not offer 2 packages of the list: gen=2:1.0-1_all lib=3_all")
	if asked.Load() == 0 {
		t.Error("no progress was shown")
	}
	nothingLeft(t, o)
}

// A .deb that is not what the signed index says never gets further.
func TestDoctoredPackage(t *testing.T) {
	m := newMirror(t)
	o := m.options()
	list, err := Resolve(t.Context(), gen(""), o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(m.dir, debFile("lib", "3"))
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	testkit.Write(t, file, string(data))
	ends[*TransportError](t, "doctored", downloaded(t, list, o), "apt said")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	ends[*TransportError](t, "gone", downloaded(t, list, o), "apt said")
	nothingLeft(t, o)
}

// What apt would let pass, this does not: index holds the files to the list.
func TestIndexHashesAgain(t *testing.T) {
	dir := t.TempDir()
	content := "!<arch>\nno package"
	e := packagelist.Entry{Name: "gen", Version: "2:1", Architecture: "all", SHA256: sha256.Sum256([]byte(content))}
	list, err := packagelist.New([]packagelist.Entry{e})
	if err != nil {
		t.Fatal(err)
	}
	offered := map[digestOf]paragraph{e.SHA256: "Package: gen\n"}
	testkit.Write(t, filepath.Join(dir, "gen_2%3a1_all.deb"), content)
	if err := index(dir, list, offered); err != nil {
		t.Fatal(err)
	}
	testkit.Write(t, filepath.Join(dir, "gen_2%3a1_all.deb"), content+"x")
	ends[*RefusedError](t, "another", index(dir, list, offered), "expected "+e.SHA256.String())
}
