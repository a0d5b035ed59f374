package varying

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/sandbox"
)

// later is how far ahead the clock of varied builds is: 396 days and some hours, so
// that year, month, day, hour and day of the week are others.
const (
	later     = 34_250_000 // seconds
	laterText = "396 days later"
)

// clockLibrary is where a libfaketime of this machine's is shown.
const clockLibrary = setting.BuildDir + "/clock-of-somebody/libfaketime.so.1"

// clock is what tells programs another time.
type clock struct {
	preload string // path inside of the library, "" if there is none
	shown   string // path outside of what is shown there, "" if the environment has it
}

// clockVariables make libfaketime tell another time and leave alone what must not
// move, or need not: the times of files, and the clock of durations. It makes no
// files (libfaketime's README, "Advanced Features").
func clockVariables(library string) []string {
	return []string{"LD_PRELOAD=" + library, fmt.Sprintf("FAKETIME=+%d", later), "NO_FAKE_STAT=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
		"DONT_FAKE_MONOTONIC=1", "FAKETIME_DISABLE_SHM=1"}
}

// clockPlaces are where distributions have libfaketime, the one for programs with
// several threads first. They are patterns of path.Match and of the shell.
var clockPlaces = []string{
	"/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib64/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1",
	"/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1", "/usr/local/lib/faketime/libfaketime.so.1",
}

// clockScript prints the first of the libraries by which programs are told another
// time, after "has".
func clockScript(libraries []string) string {
	return fmt.Sprintf(`for library in %s
do
	now=$(date +%%s) then=$(env %s date +%%s 2>/dev/null)
	if [ -f "$library" ] && [ "$then" -ge $((now + %d)) ] 2>/dev/null; then echo "has $library"; exit; fi
done`, strings.Join(libraries, " "), strings.Join(clockVariables(`"$library"`), " "), later)
}

// findClock finds a libfaketime that works in the environment: its own, or this
// machine's.
func findClock(ctx context.Context, in Input) (clock, error) {
	answer, _, err := ask(ctx, in, in.Setting.Vary(setting.Variation{}), clockScript(clockPlaces))
	if err != nil {
		return clock{}, err
	}
	if library, found := strings.CutPrefix(strings.TrimSpace(answer), "has /"); found && escape.Text(library) == library && !strings.ContainsAny(library, " \n") {
		return clock{preload: "/" + library}, nil
	}
	for _, shown := range hostClocks() {
		c := clock{preload: clockLibrary, shown: shown}
		answer, _, err := ask(ctx, in, in.Setting.Vary(setting.Variation{Binds: c.binds()}), clockScript([]string{clockLibrary}))
		if err != nil || strings.TrimSpace(answer) == "has "+clockLibrary {
			return c, err
		}
	}
	return clock{}, nil
}

// hostClocks returns the libraries of this machine.
func hostClocks() []string {
	var all []string
	for _, pattern := range clockPlaces {
		found, _ := filepath.Glob(pattern) // its only error: a malformed pattern
		all = append(all, found...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// binds show the library, if the environment has none.
func (c clock) binds() []sandbox.Bind {
	if c.shown == "" {
		return nil
	}
	return []sandbox.Bind{{Source: c.shown, Target: c.preload}}
}

// about says whose library it is.
func (c clock) about() string {
	if c.shown == "" {
		return "libfaketime of the environment"
	}
	return "libfaketime of this machine"
}
