package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/envelope/framing"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/verification"
	"github.com/countermark/countermark/internal/verification/input"
	"github.com/countermark/countermark/internal/vouching"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	verification.Options
	json    bool
	root    string
	bundles []string
	version string
	style   *report.Style // of the text; nil: as standard output is
}

const verifyLong = `Compares release archives with a commit, path by path: is this archive exactly
that commit?

ARCHIVE is a tar (plain, .gz, .bz2, .xz, .zst) or a zip; "-" reads standard
input. Several archives of one release may be given at once; they must hold one
and the same tar.

The commit is named with --tag or --commit; else it is the one whose id git
archive left in the archive, if a tag of the repository leads to it, or the one
tag that spells the version in the file's name. If none fits, the nearest tagged
commits are shown.

The repository is the one we stand in, or --repo: a path, or an https or ssh URL
(then the tag's trees are fetched, and of its files only those that differ).
Nothing is ever checked out, and no program or configuration of the repository is
run or read.

Each file that is in no commit gets a label that says where it comes from: a file
that a tool ships (byte for byte, or modified), derived, a copy, a compiled
catalogue, submodule content, or unexplained. What looks like a tool's file and is
none is named first. --explain shows one file's evidence. Labels never make an
archive pass; docs/provenance.md says what they prove.

With --root, an installed root, or a lock file named with --lock that trusts one, the
question is who vouches for the
archive: the bundle NAME.countermark beside it holds signed statements, the
project's policies and git objects, and by these alone, without repository or
network, archive, built commit, recipe and signed tag are held together, and people
and machines are counted as the policy demands (docs/spec/release.md).

With keys that are known to be the project's (--keyring, --allowed-signers) the
signatures of the tag and of the archive (NAME.asc, NAME.sig, NAME.sign or
NAME.minisig beside it, where NAME is the archive or the tar in it) are verified
too. One of the two must be there, and none may be bad, weak, revoked, made while
the key was not valid, or by another key; whether one key made both is said.
--update-lock records the keys, and from then on no other is accepted.

A countermark.lock in the current folder (or --lock) names repository and tag
pattern, and the differences that a person has accepted; a new or different one
fails. It may accept verbatim files of tools by tool and version (--by-label).

` + exitHelp

const verifyExample = `  countermark verify xz-5.4.1.tar.xz --repo https://github.com/tukaani-project/xz
  countermark verify php-8.3.7.tar.gz php-8.3.7.tar.xz --repo ~/src/php-src
  countermark verify curl-7.88.1.tar.gz --keyring debian/upstream/signing-key.asc
  countermark verify htop-3.2.2.tar.gz --repo ~/src/htop --tag 3.2.2 --json
  countermark verify xz-5.4.1.tar.xz --explain m4/libtool.m4 --known libtool-2.4.7/
  countermark verify php-8.3.7.tar.xz --root 6f1c…      # who vouches for it?
  countermark verify curl-7.88.1.tar.gz --all           # look at every path, then
  countermark verify curl-7.88.1.tar.gz --update-lock   # record what you have seen`

func newVerifyCommand(s streams) *cobra.Command {
	o := verifyOptions{}
	cmd := &cobra.Command{
		Use:     "verify ARCHIVE...",
		Short:   "Check that an archive is exactly a commit",
		Long:    verifyLong,
		Example: verifyExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Archives, o.PrefixSet = args, cmd.Flags().Changed("prefix")
			if err := o.check(cmd); err != nil {
				return err
			}
			by, err := o.vouching(cmd.Flags().Changed)
			switch {
			case err != nil:
				return noVerdict(err, s, o.json)
			case by != nil:
				return vouchAndPrint(cmd.Context(), by, s, o.json)
			}
			return verdictReached(verifyAndPrint(cmd.Context(), o, s))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Repository, "repo", "", "`PATH|URL` of the repository (default: the lock file's, else the one we stand in)")
	f.StringVar(&o.Tag, "tag", "", "compare with refs/tags/`NAME`")
	f.StringVar(&o.Commit, "commit", "", "compare with the commit of this full `ID`")
	f.StringVar(&o.Prefix, "prefix", "", "`DIRECTORY` that holds everything in the archive; empty for none (default: its one top directory)")
	f.StringArrayVar(&o.Submodules, "submodule", nil, "the archive holds the files of a submodule: `PATH=REPO` names its path and a local repository that has its commit (repeatable)")
	f.StringVar(&o.Lock, "lock", "", "lock `FILE` (default: "+verification.LockFileName+", if there is one here)")
	f.StringArrayVar(&o.Signatures.Keyrings, "keyring", nil, "verify the signatures of tag and archive with the OpenPGP certificates, or the key of minisign or signify, in `FILE` (repeatable)")
	f.StringArrayVar(&o.Signatures.AllowedSigners, "allowed-signers", nil, "verify them with the ssh keys in `FILE` (repeatable)")
	f.StringArrayVar(&o.Signatures.Files, "signature", nil, "detached signature of the archive in `FILE`, instead of those beside it (repeatable)")
	f.BoolVar(&o.UpdateLock, "update-lock", false, "record this version and its differences in the lock file, after a person has looked at them")
	f.BoolVar(&o.ByLabel, "by-label", false, "with --update-lock: record the verbatim files of tools by tool and version, not by content")
	f.StringVar(&o.Explain, "explain", "", "show where the file at `PATH` comes from, and how it differs from what it came from")
	f.StringArrayVar(&o.Indexes, "index", nil, "index `FILE` of more known files (countermark index build makes one; repeatable)")
	f.StringArrayVar(&o.Known, "known", nil, "folder, archive or Debian package at `PATH` with more known files, whose text --explain can show (repeatable)")
	f.BoolVar(&o.All, "all", false, "list every path")
	f.StringVar(&o.root, "root", "", "who vouches? by the policies that follow from this `ROOT`: the SHA-256 of a policy, or its file (default: that of --lock, or the one installed for such archives)")
	f.StringArrayVar(&o.bundles, "bundle", nil, "bundle `FILE` with what vouches for the archive (default: NAME"+vouching.BundleExtension+" beside it; repeatable)")
	f.StringVar(&o.version, "version", "", "the release that an archive of another name, or on standard input, should be of")
	f.BoolVar(&o.json, "json", false, "print one JSON document (docs/spec/report.md)")
	f.StringVar(&o.Decoder, "decoder", "auto", "`DECODER` of .xz: auto, system (the xz program) or go (built in)")
	f.IntVar(&o.MaxMembers, "max-members", archive.DefaultMaxMembers, "refuse archives with more than `N` members")
	f.Int64Var(&o.Limits.MaxUncompressedBytes, "max-bytes", framing.DefaultMaxUncompressedBytes, "refuse archives that expand to more `BYTES`")
	f.Int64Var(&o.Limits.MaxRatio, "max-ratio", framing.DefaultMaxRatio, "refuse archives that expand more than `N` times, past the first 64 MiB")
	f.Int64Var(&o.Limits.MaxWindowBytes, "max-window", framing.DefaultMaxWindowBytes, "refuse compression with a larger dictionary or window, in `BYTES`")
	_ = cmd.RegisterFlagCompletionFunc("decoder", cobra.FixedCompletions([]string{"auto", "system", "go"}, cobra.ShellCompDirectiveNoFileComp)) // its only error: no such flag
	return cmd
}

// repositoryFlags say that an archive is compared with a commit of a repository.
var repositoryFlags = []string{"repo", "tag", "commit", "submodule", "update-lock", "by-label", "explain", "index", "known", "all", "keyring", "allowed-signers", "signature"}

// vouching returns how to verify by a bundle, nil if a repository is asked: a
// bundle is, if a root is trusted, or if one lies beside the archive and nothing
// speaks of a repository.
func (o *verifyOptions) vouching(changed func(flag string) bool) (*vouching.Options, error) {
	asked := slices.IndexFunc(repositoryFlags, changed)
	by, err := vouching.FindRoot(vouching.RootOptions{Archives: o.Archives, Root: o.root, Lock: o.Lock, RepositoryAsked: asked >= 0})
	if err != nil {
		return nil, err
	}
	given := by.Root != "" || len(o.bundles) > 0 || o.version != ""
	switch {
	case given && asked >= 0:
		return nil, report.UsageFailure("verify by the bundle, or by a repository, one after the other", "--%s compares with a repository, and a root, a bundle or a version is named, by which the bundle decides", repositoryFlags[asked])
	case !given && (asked >= 0 || len(vouching.Beside(o.Archives)) == 0):
		return nil, nil
	}
	return &vouching.Options{Archives: o.Archives, Bundles: o.bundles, Root: by.Root, Project: by.Project, Unconfirmed: by.Unconfirmed, Version: o.version,
		Read: input.Settings{Prefix: o.Prefix, PrefixSet: o.PrefixSet, Decoder: o.Decoder, Limits: o.Limits, MaxMembers: o.MaxMembers}}, nil
}

// noVerdict returns the error, of which the document on standard output says as
// much.
func noVerdict(err error, s streams, asJSON bool) error {
	if asJSON {
		_, _ = s.out.Write(report.FailureDocument(report.FailureOf(err, report.Internal), nil).JSON())
	}
	return err
}

// vouchAndPrint verifies by a bundle and prints the verdict.
func vouchAndPrint(ctx context.Context, o *vouching.Options, s streams, asJSON bool) error {
	o.Stdin, o.Read.Progress = s.in, progress.New(s.err)
	result, err := vouching.Run(ctx, *o)
	if err != nil {
		return noVerdict(err, s, asJSON)
	}
	out := []byte(result.Text())
	if asJSON {
		out = result.JSON()
	}
	if _, err := s.out.Write(out); err != nil {
		return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("writing the report: %v", err)}
	}
	return verdictReached(result.Exit())
}

// check refuses flags that mean nothing, alone or together.
func (o *verifyOptions) check(cmd *cobra.Command) error {
	for _, flag := range []string{"root", "version", "lock", "repo", "tag", "commit"} { // as of a script whose variable is not set
		if f := cmd.Flags().Lookup(flag); f.Changed && f.Value.String() == "" {
			return report.UsageFailure("give it a value, or leave it out", "--%s is empty", flag)
		}
	}
	if o.Tag != "" && o.Commit != "" {
		return report.UsageFailure("--tag is enough: the commit is the one that the tag leads to", "--tag and --commit are both given")
	}
	for _, limit := range []struct {
		flag  string
		value int64
	}{
		{"--max-members", int64(o.MaxMembers)},
		{"--max-bytes", o.Limits.MaxUncompressedBytes},
		{"--max-ratio", o.Limits.MaxRatio},
		{"--max-window", o.Limits.MaxWindowBytes},
	} {
		if limit.value < 1 {
			return report.UsageFailure("a limit is at least 1; without the flag the default holds", "%s is %d", limit.flag, limit.value)
		}
	}
	return nil
}

// verifyAndPrint carries out one verification, prints its report, and returns
// the exit status. A run without a verdict says why on standard error; with
// --json its document says it too.
func verifyAndPrint(ctx context.Context, o verifyOptions, s streams) int {
	o.Stdin, o.Progress, o.Signatures.Now = s.in, progress.New(s.err), time.Now().Unix()
	doc, err := verification.Run(ctx, o.Options)
	var out []byte
	switch {
	case o.json:
		out = doc.JSON()
	case err == nil:
		style := styleFor(s.out)
		if o.style != nil {
			style = *o.style
		}
		style.All = o.All
		out = []byte(doc.Text(style))
	}
	if err != nil {
		complain(s.err, report.FailureOf(err, report.Internal))
	}
	if _, err := s.out.Write(out); err != nil && len(out) > 0 {
		complain(s.err, &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("writing the report: %v", err)})
		return exitNoVerdict
	}
	return doc.Exit
}
