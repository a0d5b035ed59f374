package doctor

import "context"

// tool is a program of which only the version is asked.
type tool struct {
	name      string
	arguments []string
	purpose   string
}

var tools = []tool{
	{"mmdebstrap", []string{"--version"}, "root filesystems of Debian"},
	{"xz", []string{"--version"}, "fast decompression, and archives with .tar.xz"},
	{"gzip", []string{"--version"}, "archives with .tar.gz"},
	{"bzip2", []string{"--help"}, "archives with .tar.bz2"}, // --version reads standard input as well
	{"zstd", []string{"--version"}, "archives with .tar.zst"},
	{"zip", []string{"-v"}, "archives with .zip"},
}

func (t tool) examine(ctx context.Context) Item {
	item := Item{Name: t.name, For: t.purpose}
	path, err := find(t.name)
	said := ""
	if err == nil {
		said, err = ask(ctx, path, t.arguments...)
	}
	if err != nil {
		return item.failed(err, "install "+t.name+", if you need "+t.purpose)
	}
	return item.works(said)
}
