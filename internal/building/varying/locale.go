package varying

import (
	"context"
	"strings"

	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/sandbox"
)

// locale is another locale than the usual.
type locale struct {
	name  string
	dir   string // that it was made in here, "" if the environment has it
	about string // where it is from, and how it sorts
}

// madeLocale is the locale that is made where none is installed: not English, and
// sorted as people sort.
const madeLocale = "fr_CH.UTF-8"

// sorts is a function of the shell: does a locale sort otherwise than by bytes?
const sorts = `sorts() { [ "$(printf 'B\na\n' | LC_ALL=$1 sort 2>/dev/null | head -n 1)" = a ]; }
`

// findScript prints the name of the first locale of the environment that sorts
// otherwise than by bytes, after "has".
const findScript = sorts + `for name in $(locale -a 2>/dev/null)
do
	case $name in
	*.utf8|*.UTF-8) if sorts "$name"; then echo "has $name"; exit; fi;;
	esac
done
` + makeScript

// makeScript makes one in the folder it stands in, and prints its name after
// "made".
const makeScript = `localedef -i fr_CH -f UTF-8 ./` + madeLocale + ` >/dev/null 2>&1
LOCPATH=$PWD; export LOCPATH
if sorts ` + madeLocale + `; then echo "made ` + madeLocale + `"; fi`

// tryScript prints the same if one that was made elsewhere works.
const tryScript = sorts + "LOCPATH=" + localeDir + "; export LOCPATH; if sorts " + madeLocale + `; then echo "made ` + madeLocale + `"; fi`

// findLocale finds a locale in the environment, or makes one there or on this
// machine. The one that every system has is the last resort.
func findLocale(ctx context.Context, in Input) (locale, error) {
	usual := in.Setting.Vary(setting.Variation{}) // its time is not the build's
	answer, dir, err := ask(ctx, in, usual, findScript)
	if err != nil {
		return locale{}, err
	}
	how, name, _ := strings.Cut(strings.TrimSpace(answer), " ")
	switch {
	case how == "has" && isLocaleName(name):
		return locale{name: name, about: "which the environment has, and which sorts otherwise"}, nil
	case isMade(answer):
		return locale{name: madeLocale, dir: dir, about: "made by the environment's localedef: no locale that it has sorts otherwise"}, nil
	}
	if host, ok := in.Setting.OnHost(); ok {
		if answer, dir, err = ask(ctx, in, host, sorts+makeScript); err != nil {
			return locale{}, err
		}
		made := locale{name: madeLocale, dir: dir, about: "made by this machine's localedef: no locale of the environment sorts otherwise"}
		if isMade(answer) {
			if answer, _, err = ask(ctx, in, in.Setting.Vary(setting.Variation{Binds: made.binds()}), tryScript); err != nil || isMade(answer) {
				return made, err
			}
		}
	}
	return locale{name: "C", about: "other characters, the same order: the environment has no locale that sorts otherwise, and none can be made"}, nil
}

// isMade reports whether makeScript or tryScript had success.
func isMade(answer string) bool { return strings.TrimSpace(answer) == "made "+madeLocale }

// isLocaleName reports whether a program of the environment gave a name that can
// be one.
func isLocaleName(name string) bool {
	return name != "" && len(name) < 100 && escape.Text(name) == name && !strings.ContainsAny(name, " /")
}

// binds show the folder of a locale that was made.
func (l locale) binds() []sandbox.Bind {
	if l.dir == "" {
		return nil
	}
	return []sandbox.Bind{{Source: l.dir, Target: localeDir}}
}

// variables are those that choose the locale.
func (l locale) variables() []string {
	v := []string{"LC_ALL=" + l.name, "LANG=" + l.name, "LANGUAGE=fr"}
	if l.dir != "" {
		v = append(v, "LOCPATH="+localeDir)
	}
	return v
}
