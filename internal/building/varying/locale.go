package varying

import (
	"context"
	"strings"

	"github.com/countermark/countermark/internal/escape"
)

// locale is another locale than the usual.
type locale struct {
	name  string
	dir   string // that it was made in here, "" if the environment has it
	sorts bool   // in another order than by bytes
}

// madeLocale is the locale that is made where none is installed: not English, and
// sorted as people sort.
const madeLocale = "fr_CH.UTF-8"

// findScript prints the name of the first locale of the environment that sorts
// otherwise than by bytes; or makes one in the folder it stands in, and prints its
// name after "made".
const findScript = `sorts() { [ "$(printf 'B\na\n' | LC_ALL=$1 sort 2>/dev/null | head -n 1)" = a ]; }
for name in $(locale -a 2>/dev/null)
do
	case $name in
	*.utf8|*.UTF-8) if sorts "$name"; then echo "has $name"; exit; fi;;
	esac
done
localedef -i fr_CH -f UTF-8 ./` + madeLocale + ` >/dev/null 2>&1
LOCPATH=$PWD; export LOCPATH
if sorts ` + madeLocale + `; then echo "made ` + madeLocale + `"; fi`

// findLocale finds a locale in the environment, or makes one. The one that every
// system has is the last resort.
func findLocale(ctx context.Context, in Input) (locale, error) {
	answer, dir, err := ask(ctx, in, findScript)
	if err != nil {
		return locale{}, err
	}
	how, name, _ := strings.Cut(strings.TrimSpace(answer), " ")
	switch {
	case how == "has" && isLocaleName(name):
		return locale{name: name, sorts: true}, nil
	case how == "made" && name == madeLocale:
		return locale{name: name, dir: dir, sorts: true}, nil
	}
	return locale{name: "C"}, nil
}

// isLocaleName reports whether a program of the environment gave a name that can
// be one.
func isLocaleName(name string) bool {
	return name != "" && len(name) < 100 && escape.Text(name) == name && !strings.ContainsAny(name, " /")
}

// about says what the locale is good for.
func (l locale) about() string {
	switch {
	case l.dir != "":
		return "made for this: the environment has none that sorts otherwise"
	case l.sorts:
		return "which the environment has, and which sorts otherwise"
	}
	return "other characters; the environment has no locale that sorts otherwise, and none can be made"
}

// variables are those that choose the locale.
func (l locale) variables() []string {
	v := []string{"LC_ALL=" + l.name, "LANG=" + l.name, "LANGUAGE=fr"}
	if l.dir != "" {
		v = append(v, "LOCPATH="+localeDir)
	}
	return v
}
