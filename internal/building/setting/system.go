package setting

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/environment"
	"github.com/countermark/countermark/internal/environment/debian"
	"github.com/countermark/countermark/internal/environment/oci"
	"github.com/countermark/countermark/internal/environment/unpack"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/packagelist"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
)

// openSystem makes the root filesystem of the recipe's environment, or finds it
// made.
func (x *Setting) openSystem(ctx context.Context) error {
	dir, err := source.CacheDir()
	if err != nil {
		return err
	}
	kept := "environments"
	if x.o.UnsignedMirror {
		kept = "environments-unsigned" // which no build takes for signed ones
	}
	cache := environment.NewCache(filepath.Join(dir, kept), unpack.Limits{})
	switch base := x.source.Recipe.Environment.Base.(type) {
	case recipe.Host:
		return nil
	case recipe.RootFS:
		err = x.makeDebian(ctx, cache, base)
	case recipe.Image:
		err = x.openImage(ctx, cache, base)
	default:
		err = fmt.Errorf("the recipe's environment is of an unknown kind")
	}
	if err != nil {
		return systemFailure(err)
	}
	return nil
}

// makeDebian makes the root filesystem of packages: those that the mirror has
// now, or those of a record.
func (x *Setting) makeDebian(ctx context.Context, cache *environment.Cache, base recipe.RootFS) error {
	o := debian.Options{Mirror: x.o.Mirror, UnsafeUnsigned: x.o.UnsignedMirror, Temp: x.o.Temp, Progress: x.o.Progress.Text}
	list, err := x.packages(ctx, base, o)
	if err != nil {
		return err
	}
	x.ID = list.ID()
	x.Packages = strings.Split(strings.TrimSuffix(string(list.Marshal()), "\n"), "\n")
	var makers []debian.Maker
	x.system, makers, err = cache.Debian(ctx, debian.Order{Base: base, List: list}, o)
	for _, m := range makers {
		x.makers = append(x.makers, buildrecord.Maker{Name: m.Name, Version: escape.Text(m.Version)})
	}
	return err
}

// packages returns the list of the environment's packages.
func (x *Setting) packages(ctx context.Context, base recipe.RootFS, o debian.Options) (packagelist.List, error) {
	if len(x.o.Packages) > 0 {
		list, err := packagelist.Parse([]byte(strings.Join(x.o.Packages, "\n") + "\n"))
		if err != nil {
			return list, &report.Failure{Code: report.Rejected, Detail: "the record's packages: " + err.Error(), Hint: "take the record that the other build wrote"}
		}
		return list, x.holdToRecipe(list, base.Packages)
	}
	x.o.Progress.Text("asking the mirror for its packages")
	return debian.Resolve(ctx, base, o)
}

// holdToRecipe refuses a list of packages in which one that the recipe pins is not
// there, or has another version. One that is not pinned and not there may be provided
// by another: that is a note.
func (x *Setting) holdToRecipe(list packagelist.List, wanted []recipe.Package) error {
	versions := make(map[string]string)
	for _, e := range list.Entries() {
		versions[e.Name] = e.Version
	}
	for _, p := range wanted {
		got, ok := versions[string(p.Name)]
		switch {
		case !ok && p.Version == "":
			x.Notes = append(x.Notes, fmt.Sprintf("the record's packages have none of the name %s, which the recipe wants", p.Name))
		case !ok:
			return otherPackages("the recipe pins %s=%s, and the record was built without that package", p.Name, p.Version)
		case p.Version != "" && p.Version != got:
			return otherPackages("the recipe pins %s=%s, and the record was built with %s=%s", p.Name, p.Version, p.Name, got)
		}
	}
	return nil
}

// otherPackages is the failure of a record whose packages are not the recipe's.
func otherPackages(format string, args ...any) error {
	return &report.Failure{Code: report.Rejected, Detail: fmt.Sprintf(format, args...),
		Hint: "take the record of a build by this recipe, or build without --record"}
}

// openImage unpacks the root filesystem that the recipe names by its digest.
func (x *Setting) openImage(ctx context.Context, cache *environment.Cache, image recipe.Image) error {
	x.ID = image.SHA256
	if dir, ok := cache.Kept(image); ok && x.o.Image == "" {
		x.system = dir
		return nil
	}
	x.o.Progress.Text("unpacking the image")
	if image.Form == recipe.OCILayout {
		if x.o.Image == "" {
			return report.UsageFailure("--image names the folder of the image layout", "the recipe's environment is an OCI image layout, and none is named")
		}
		var err error
		x.system, err = cache.OCI(ctx, x.o.Image, image.SHA256)
		return err
	}
	f, err := x.openImageFile(ctx, image)
	if err != nil {
		return err
	}
	defer f.Close()
	x.system, err = cache.Tar(ctx, f, image.SHA256)
	return err
}

// openImageFile opens the archive of an image: the one that was named, or the one
// at the recipe's URL.
func (x *Setting) openImageFile(ctx context.Context, image recipe.Image) (*os.File, error) {
	if x.o.Image != "" {
		f, err := os.Open(x.o.Image)
		if err != nil {
			return nil, report.UsageFailure("--image names the archive that the recipe gives the digest of", "--image: %v", err)
		}
		return f, nil
	}
	if image.URL == "" {
		return nil, report.UsageFailure("--image names the archive", "the recipe's environment is the image with the SHA-256 %v, and says not where it is", image.SHA256)
	}
	cache, err := Cache(x.o.Progress)
	if err != nil {
		return nil, err
	}
	f, err := cache.Get(ctx, string(image.URL), image.SHA256)
	if err != nil {
		return nil, FetchFailure(err)
	}
	return f, nil
}

// systemFailure says what a failure to make an environment means for the exit
// status.
func systemFailure(err error) error {
	if _, ok := errors.AsType[*report.Failure](err); ok {
		return err
	}
	f := &report.Failure{Code: report.Internal, Detail: err.Error()}
	if _, ok := errors.AsType[*debian.IncompleteError](err); ok {
		f.Code, f.Hint = report.NotComplete, "a mirror that keeps old packages may have them: --mirror names one"
	} else if _, ok := errors.AsType[*debian.TransportError](err); ok {
		f.Code, f.Hint = report.NotComplete, "run the same command again when the mirror can be reached; --mirror names another one"
	} else if refused, ok := errors.AsType[*debian.RefusedError](err); ok {
		f.Code, f.Hint = report.Rejected, refused.Hint
	} else if missing, ok := errors.AsType[*debian.MissingProgramError](err); ok {
		f.Code, f.Hint = report.Usage, "install "+missing.Program+": countermark doctor says what a build needs"
	} else if _, ok := errors.AsType[*unpack.MismatchError](err); ok {
		f.Code, f.Hint = report.Failed, "somebody changed the image, or it is another one than the recipe's"
	} else if _, ok := errors.AsType[*oci.FormatError](err); ok {
		f.Code = report.Rejected
	} else {
		return err
	}
	return f
}
