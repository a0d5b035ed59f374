package varying

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/countermark/countermark/internal/building/setting"
)

// order is another order of directories than the usual. ext4 gives names in the
// order of their hashes, of which each file system has its own; tmpfs in that in
// which they were made, the last first (seen on Linux 6.18).
type order struct {
	about   string // "" for none
	parent  string // folder on another file system, "" for the same
	arrange func(dir string) error
}

// Memory is a file system in memory that Linux systems have.
const Memory = "/dev/shm"

// minMemory is how much must be free there, in bytes: what a build makes is not
// known before.
const minMemory = 1 << 30

// probeNames is how many names are tried: by chance, that many have the same order
// twice once in 10^13.
const probeNames = 16

// findOrder tries what changes the order on this machine.
func findOrder(ctx context.Context, in Input) (order, error) {
	usual, err := makeProbe(in.Temp)
	if err != nil {
		return order{}, err
	}
	before, err := listed(usual)
	if err != nil {
		return order{}, err
	}
	if other, err := tryMemory(ctx, in, before); err != nil || other {
		return order{about: "that of " + Memory, parent: Memory}, err
	}
	if err := Rearrange(usual); err != nil {
		return order{}, err
	}
	after, err := listed(usual)
	if err != nil || slices.Equal(before, after) {
		return order{}, err
	}
	return order{about: "the source's entries made in another order", arrange: Rearrange}, nil
}

// tryMemory reports whether memory gives names in another order, and has room for
// a build, whose programs it lets run.
func tryMemory(ctx context.Context, in Input, before []string) (other bool, err error) {
	if freeBytes(Memory) < minMemory {
		return false, nil
	}
	dir, err := os.MkdirTemp(Memory, fmt.Sprintf("%s%d-*", MemoryPrefix, os.Getpid()))
	if err != nil {
		return false, nil // not for us
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	probe, err := makeProbe(dir)
	if err != nil {
		return false, nil // no room
	}
	after, err := listed(probe)
	if err != nil || slices.Equal(before, after) {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(probe, "run"), []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		return false, nil // no room
	}
	x := in.Setting.Vary(setting.Variation{})
	p, err := x.Program([]string{"./run"}, probe)
	if err != nil {
		return false, err
	}
	outcome, err := x.Run(ctx, p)
	return err == nil && outcome.Exit == 0, err
}

// MemoryPrefix begins the names of folders in memory; the process id follows, and
// a dash.
const MemoryPrefix = "countermark-build-"

// makeProbe makes a folder with names.
func makeProbe(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "order-*")
	if err != nil {
		return "", err
	}
	for i := range probeNames {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("name-%d", i)), nil, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// listed returns the names in a folder, in the order in which it gives them.
func listed(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Rearrange makes the entries of all folders anew, each in the other order than
// its folder gave them in, where the file system keeps the order in which they are
// made. The folder must be one that no program has seen. All times stay.
func Rearrange(dir string) error {
	names, err := listed(dir)
	if err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		below, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if below.IsDir() {
			if err := Rearrange(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	if err := makeAnew(dir, names); err != nil {
		return err
	}
	if now, err := listed(dir); err != nil {
		return err
	} else if slices.Equal(now, names) {
		slices.Reverse(names)
		if err := makeAnew(dir, names); err != nil {
			return err
		}
	}
	return os.Chtimes(dir, info.ModTime(), info.ModTime())
}

// makeAnew takes each entry out of a folder and puts it back.
func makeAnew(dir string, names []string) error {
	aside, err := os.MkdirTemp(filepath.Dir(dir), ".aside-*")
	if err != nil {
		return err
	}
	for _, name := range names {
		here, there := filepath.Join(dir, name), filepath.Join(aside, "entry")
		if err := os.Rename(here, there); err != nil {
			return err
		}
		if err := os.Rename(there, here); err != nil {
			return err
		}
	}
	return os.Remove(aside)
}
