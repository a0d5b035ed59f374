package varying

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
)

// What varied builds see instead of what is usual (docs/spec/build-record.md,
// section 5).
const (
	variedDir   = setting.BuildDir + "/a-longer-path/to/the/same-source" // holds the folder of the source
	variedZone  = "UTC-14"                                               // 14 hours ahead, as POSIX writes it
	variedUmask = 0o077
	variedHost  = "another-machine"
	variedUser  = "somebody-else"
	variedUID   = 4321
	variedGID   = 4322
	homeDir     = setting.BuildDir + "/home-of-somebody"
	localeDir   = setting.BuildDir + "/locale-of-somebody"
)

// noise are variables that a build has no reason to look at.
var noise = []string{"CAPTURE_ENVIRONMENT=whatever it is", "CI=true", "COLUMNS=173", "EDITOR=ed", "HOME=" + homeDir, "LOGNAME=" + variedUser,
	"MAIL=/var/mail/" + variedUser, "PAGER=cat", "TERM=dumb", "USER=" + variedUser}

// Varied is a thing that was varied: how it is in the usual build, and how in the
// varied one.
type Varied struct {
	Kind          Kind
	Usual, Varied string // may hold text from outside
}

// Held is a thing that was not varied, and why.
type Held struct {
	What, Why string
}

// plan is what can be varied for a project, on this machine.
type plan struct {
	in        Input
	available Set
	varied    []Varied
	held      []Held
	locale    locale
	order     order
	clock     clock
}

// makePlan finds out what can be varied.
func makePlan(ctx context.Context, in Input) (*plan, error) {
	if in.Setting.IsOpen() {
		return nil, report.UsageFailure("leave --unsafe-no-sandbox out", "without a sandbox nothing can be varied")
	}
	p := &plan{in: in}
	in.Progress.Text("looking for what can be varied here")
	p.vary(Path, in.Setting.Inside(""), in.Setting.Vary(setting.Variation{Dir: variedDir}).Inside(""))
	if err := p.addLocale(ctx); err != nil {
		return nil, err
	}
	if value, set := p.recipeSets("TZ"); set {
		p.hold(Zone.String(), "the recipe sets TZ to "+value)
	} else {
		p.vary(Zone, "TZ=UTC", "TZ="+variedZone)
	}
	p.vary(Umask, fmt.Sprintf("%03o", sandbox.DefaultUmask), fmt.Sprintf("%03o", variedUmask))
	p.vary(Host, sandbox.DefaultHostname, variedHost)
	p.addUser()
	if n := runtime.NumCPU(); n > 1 {
		p.vary(Processors, fmt.Sprint(n), "1")
	} else {
		p.hold(Processors.String(), "this machine has one")
	}
	p.addVariables()
	if err := p.addOrder(ctx); err != nil {
		return nil, err
	}
	return p, p.addDate(ctx)
}

func (p *plan) vary(k Kind, usual, varied string) {
	p.available |= SetOf(k)
	p.varied = append(p.varied, Varied{k, usual, varied})
}

func (p *plan) hold(what, why string) { p.held = append(p.held, Held{what, why}) }

// recipeSets returns the value that the recipe gives a variable, if it does.
func (p *plan) recipeSets(name string) (value string, set bool) {
	for _, v := range p.in.Source.Recipe.Environment.Variables {
		if string(v.Name) == name {
			value, err := p.in.Source.Recipe.Expand(v.Value, p.in.Source.Version)
			return value, err == nil
		}
	}
	return "", false
}

// addUser varies the user's name, and the ids where the sandbox can.
func (p *plan) addUser() {
	if p.in.Setting.HasOwnIDs() {
		p.vary(User, sandbox.DefaultUserName, variedUser)
		p.hold("ids of user and group", "docker gives programs those of whoever runs it")
		return
	}
	p.vary(User, fmt.Sprintf("%s (%d:%d)", sandbox.DefaultUserName, sandbox.DefaultUser, sandbox.DefaultUser), fmt.Sprintf("%s (%d:%d)", variedUser, variedUID, variedGID))
}

// addVariables varies the variables that the recipe does not set.
func (p *plan) addVariables() {
	var names []string
	for _, v := range noise {
		name, _, _ := strings.Cut(v, "=")
		if _, set := p.recipeSets(name); set {
			p.hold("variable "+name, "the recipe sets it")
		} else {
			names = append(names, name)
		}
	}
	p.vary(Variables, "none but those of the build", strings.Join(names, " "))
}

// addLocale varies the locale, unless the recipe chooses one.
func (p *plan) addLocale(ctx context.Context) error {
	if value, set := p.recipeSets("LC_ALL"); set {
		p.hold(Locale.String(), "the recipe sets LC_ALL to "+value)
		return nil
	}
	var err error
	if p.locale, err = findLocale(ctx, p.in); err != nil {
		return err
	}
	p.vary(Locale, "LC_ALL=C.UTF-8", "LC_ALL="+p.locale.name+" ("+p.locale.about+")")
	return nil
}

// addOrder varies the order of directories, if this machine has another one.
func (p *plan) addOrder(ctx context.Context) error {
	var err error
	if p.order, err = findOrder(ctx, p.in); err != nil {
		return err
	}
	if p.order.about == "" {
		p.hold(Order.String(), "no file system here gives a directory's entries in another order")
		return nil
	}
	p.vary(Order, "that of the cache's file system", p.order.about)
	return nil
}

// addDate varies the date, if there is something that can.
func (p *plan) addDate(ctx context.Context) error {
	var err error
	if p.clock, err = findClock(ctx, p.in); err != nil {
		return err
	}
	if p.clock.preload == "" {
		p.hold(Date.String(), "a sandbox cannot change the clock, and there is no libfaketime that could (Debian, Ubuntu: install libfaketime): "+
			"a time of day that is written down moves, as the builds begin more than a second apart, a date does not")
		return nil
	}
	p.vary(Date, "that of the build", laterText+" ("+p.clock.about()+")")
	return nil
}

// job returns the build under a set of variations.
func (p *plan) job(s Set) (Job, error) {
	j := Job{Describe: s == 0}
	for k := range s.Kinds() {
		v := &j.Variation
		switch k {
		case Path:
			v.Dir = variedDir
		case Locale:
			v.Variables = append(v.Variables, p.locale.variables()...)
			v.Binds = append(v.Binds, p.locale.binds()...)
		case Zone:
			v.Variables = append(v.Variables, "TZ="+variedZone)
		case Date:
			v.Variables = append(v.Variables, clockVariables(p.clock.preload)...)
			v.Binds = append(v.Binds, p.clock.binds()...)
		case Umask:
			v.Umask = variedUmask
		case Host:
			v.Host = variedHost
		case User:
			v.User, v.Group, v.UserName = variedUID, variedGID, variedUser
		case Processors:
			v.CPUs = 1
		case Variables:
			home, err := os.MkdirTemp(p.in.Temp, "home-*")
			if err != nil {
				return Job{}, err
			}
			v.Variables = append(v.Variables, noise...)
			v.Binds = append(v.Binds, sandbox.Bind{Source: home, Target: homeDir, Writable: true})
		case Order:
			j.Parent, j.Arrange = p.order.parent, p.order.arrange
		}
	}
	return j, nil
}

// maxAnswer is how much the answer of a program may have that was asked for what
// there is.
const maxAnswer = 64 << 10

// ask runs a shell's script in a new folder, and returns what it prints; and the
// folder.
func ask(ctx context.Context, in Input, x *setting.Setting, script string) (answer, dir string, err error) {
	if dir, err = os.MkdirTemp(in.Temp, "ask-*"); err != nil {
		return "", "", err
	}
	p, err := x.Program([]string{"/bin/sh", "-c", script}, dir)
	if err != nil {
		return "", "", err
	}
	var out bytes.Buffer
	p.Output = &out
	if _, err := x.Run(ctx, p); err != nil {
		return "", "", err
	}
	return string(out.Bytes()[:min(out.Len(), maxAnswer)]), dir, nil
}
