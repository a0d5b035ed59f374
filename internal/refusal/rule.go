package refusal

// Rule names one rule that refuses an input. The set is closed: Rules lists it.
type Rule string

// Rules of the tar format (docs/spec/archive.md, "Tar").
const (
	TarChecksum    Rule = "TAR_CHECKSUM"     // header checksum is not the unsigned sum of its bytes
	TarNum         Rule = "TAR_NUM"          // a numeric field is not plain octal ended by NUL or space
	TarMagic       Rule = "TAR_MAGIC"        // magic and version are none of v7, ustar, GNU
	TarMixedFormat Rule = "TAR_MIXED_FORMAT" // two magics in one archive, or a header type that its magic does not have
	TarFieldTail   Rule = "TAR_FIELD_TAIL"   // bytes where the format has none: after a NUL, in an unused field
	TarType        Rule = "TAR_TYPE"         // a member type outside the grammar, or a hard link outside its rule
	TarPadding     Rule = "TAR_PADDING"      // padding after a member's data is not zero
	TarTruncated   Rule = "TAR_TRUNCATED"    // the archive ends inside a member
	TarNoEOF       Rule = "TAR_NO_EOF"       // the archive ends without two zero blocks
	TarLoneZero    Rule = "TAR_LONE_ZERO"    // one zero block that is not followed by another
	TarAfterEOF    Rule = "TAR_AFTER_EOF"    // bytes other than zero after the end
	TarDangling    Rule = "TAR_DANGLING"     // an extension header with no member after it
	TarEmpty       Rule = "TAR_EMPTY"        // no member at all
	TarTooMany     Rule = "TAR_TOO_MANY"     // more members than the limit
	TarTooBig      Rule = "TAR_TOO_BIG"      // more uncompressed bytes than the limit
	PaxRecord      Rule = "PAX_RECORD"       // a record is not "LENGTH KEY=VALUE\n"
	PaxDup         Rule = "PAX_DUP"          // one key twice in one header
	PaxOrder       Rule = "PAX_ORDER"        // two extended headers before one member
	PaxKeyword     Rule = "PAX_KEYWORD"      // a key outside the grammar
	PaxValue       Rule = "PAX_VALUE"        // a value outside the key's grammar
	PaxSize        Rule = "PAX_SIZE"         // the size record and the header's size field differ
	PaxPath        Rule = "PAX_PATH"         // a path record that the header's own name field makes needless
	PaxGlobal      Rule = "PAX_GLOBAL"       // a global header that is not first, or says more than a commit id
	GNULong        Rule = "GNU_LONG"         // a GNU long name that is malformed, doubled or needless
	MetaTooBig     Rule = "META_TOO_BIG"     // an extension header longer than the limit
)

// Rules of names, links and modes, for archives (docs/spec/archive.md, "Names").
const (
	NamePath    Rule = "NAME_PATH"    // absolute, empty, ".", "..", doubled or final slash, too long
	NameDup     Rule = "NAME_DUP"     // two members of one name
	NamePrefix  Rule = "NAME_PREFIX"  // a member below a path that is no directory
	NameTop     Rule = "NAME_TOP"     // not exactly one top directory, or not the one asked for
	NameUTF8    Rule = "NAME_UTF8"    // not valid UTF-8
	NameNFC     Rule = "NAME_NFC"     // not in Unicode normalisation form C
	NameControl Rule = "NAME_CONTROL" // a control, bidirectional or invisible character
	NameDotGit  Rule = "NAME_DOTGIT"  // a component that some system takes for ".git"
	LinkEscape  Rule = "LINK_ESCAPE"  // a symbolic link that leads out of the archive
	Mode        Rule = "MODE"         // file type bits that contradict the member's type
)

// Rules of compression containers (docs/spec/archive.md, "Envelopes").
const (
	ZFormat    Rule = "Z_FORMAT"    // no known format, an unsupported filter, or not the one that the name says
	ZMulti     Rule = "Z_MULTI"     // more than one member, stream or frame
	ZTrailing  Rule = "Z_TRAILING"  // bytes after the end
	ZCRC       Rule = "Z_CRC"       // a checksum or length does not match, or the data is corrupt
	ZTruncated Rule = "Z_TRUNCATED" // the file ends early
	ZHeader    Rule = "Z_HEADER"    // a header field outside the grammar
	ZMem       Rule = "Z_MEM"       // a dictionary or window larger than the limit
	ZRatio     Rule = "Z_RATIO"     // expands more than the limit allows
	ZNested    Rule = "Z_NESTED"    // a compressed file inside a compressed file
	ZEnvelopes Rule = "Z_ENVELOPES" // files given as one release do not hold the same archive
)

// Rules of zip (docs/spec/archive.md, "Zip").
const (
	ZipLocal   Rule = "ZIP_LOCAL"   // local and central header (or data descriptor) disagree
	ZipGap     Rule = "ZIP_GAP"     // bytes that belong to no record
	ZipFlag    Rule = "ZIP_FLAG"    // a general purpose flag outside the grammar
	ZipMethod  Rule = "ZIP_METHOD"  // a compression method other than stored and deflate
	ZipExtra   Rule = "ZIP_EXTRA"   // an extra field outside the allow-list, or malformed
	ZipComment Rule = "ZIP_COMMENT" // a comment that is no object id
	ZipCount   Rule = "ZIP_COUNT"   // counts, sizes or offsets in the end record are not the real ones
)

// Rules of git objects and refs (docs/spec/git.md).
const (
	GitFormat        Rule = "GIT_FORMAT"         // ids of two object formats mixed
	GitHash          Rule = "GIT_HASH"           // an object's bytes do not hash to its id
	GitSHA1Collision Rule = "GIT_SHA1_COLLISION" // a SHA-1 collision attack in an object
	GitMissing       Rule = "GIT_MISSING"        // an object that is needed is not there
	GitType          Rule = "GIT_TYPE"           // an object of another type than expected
	GitTree          Rule = "GIT_TREE"           // a tree with doubled, unsorted or malformed entries
	GitMode          Rule = "GIT_MODE"           // a tree entry mode that git does not write
	GitName          Rule = "GIT_NAME"           // a tree entry name that no archive member could have
	GitCommit        Rule = "GIT_COMMIT"         // a commit object outside the strict grammar
	GitTag           Rule = "GIT_TAG"            // a tag object outside the strict grammar
	GitTagName       Rule = "GIT_TAGNAME"        // a tag object that names another tag than its ref
	GitTagTarget     Rule = "GIT_TAGTARGET"      // a tag of something other than a commit
	GitRefName       Rule = "GIT_REFNAME"        // a ref name outside the grammar
	GitBuilt         Rule = "GIT_BUILT"          // a commit that is no built commit where one is needed
	GitParent        Rule = "GIT_PARENT"         // a built commit whose parents are not the one before it and its source
	GitLimit         Rule = "GIT_LIMIT"          // an object, tree or depth beyond the limit
	GitProtocol      Rule = "GIT_PROTOCOL"       // a transport other than https and ssh
	GitModules       Rule = "GIT_MODULES"        // a .gitmodules outside the strict grammar, or a URL in it that leads nowhere
)

// Rules of signatures and keys (docs/spec/signatures.md). Those from SigBad on
// are what a well-formed signature was found to be.
const (
	SigFormat    Rule = "SIG_FORMAT"    // a signature that is not written in the one way of its form, or of no known form
	SigMulti     Rule = "SIG_MULTI"     // more than one signature where one is expected
	SigNamespace Rule = "SIG_NAMESPACE" // an ssh signature made for another purpose
	SigAlg       Rule = "SIG_ALG"       // an algorithm or digest outside the list
	SigKey       Rule = "SIG_KEY"       // a key file outside the grammar, or a key that is malformed
	SigLimit     Rule = "SIG_LIMIT"     // a signature, key file or message beyond a limit
	SigBad       Rule = "SIG_BAD"       // the key that is named did not sign these bytes
	SigNoKey     Rule = "SIG_NOKEY"     // made by none of the keys given
	SigWeak      Rule = "SIG_WEAK"      // the key or the digest is too weak
	SigExpired   Rule = "SIG_EXPIRED"   // made while the key was not valid
	SigRevoked   Rule = "SIG_REVOKED"   // the key has been revoked
	SigKeyUse    Rule = "SIG_KEYUSE"    // the key is not one that may sign, or was used without its owner's touch
	SigUnsigned  Rule = "SIG_UNSIGNED"  // there is no signature where one is expected
	SigOtherKey  Rule = "SIG_OTHERKEY"  // by another key than that of earlier releases
)

// Rules of policies (docs/spec/policy.md). Those from PolChain on are what
// well-formed policies and statements were found to be.
const (
	PolInvalid   Rule = "POL_INVALID"   // a policy outside its grammar, or one that can never be met
	PolKeyReuse  Rule = "POL_KEYREUSE"  // one raw key held by two parties
	PolChain     Rule = "POL_CHAIN"     // a version of a policy that the owners of the one before, and its own, did not sign, or that is not the next
	PolRollback  Rule = "POL_ROLLBACK"  // a chain of policies that lacks what was seen before
	PolQuorum    Rule = "POL_QUORUM"    // too few parties
	PolOperator  Rule = "POL_OPERATOR"  // parties that are one machine and those who operate it, or one person and machines of theirs
	PolMixed     Rule = "POL_MIXED"     // a listed party got something else, and no release manager says why that is to be passed over
	PolCondition Rule = "POL_CONDITION" // a condition of the policy does not hold
)

// Rules of what is signed and of how it travels (docs/spec/statements.md,
// docs/spec/bundle.md).
const (
	JSONFormat   Rule = "JSON_FORMAT"   // not JSON, or JSON that two readers may take for different things
	JSONLimit    Rule = "JSON_LIMIT"    // values that lie in one another too deep
	DSSEFormat   Rule = "DSSE_FORMAT"   // an envelope outside the grammar
	DSSELimit    Rule = "DSSE_LIMIT"    // an envelope beyond a limit
	StmType      Rule = "STM_TYPE"      // no statement, or one whose predicate or build type is not known
	StmField     Rule = "STM_FIELD"     // a field that is missing or outside its grammar
	StmSubject   Rule = "STM_SUBJECT"   // subjects that are not the archives and the tar of one release
	StmMust      Rule = "STM_MUST"      // it must be understood in a way that is not known here
	StmLimit     Rule = "STM_LIMIT"     // a statement beyond a limit
	BundleFormat Rule = "BUNDLE_FORMAT" // a bundle outside the grammar, of another version, or not written in the one way
	BundleLimit  Rule = "BUNDLE_LIMIT"  // a bundle beyond a limit
)

// Rules of the ledger (docs/spec/ledger.md).
const (
	LedgerName  Rule = "LEDGER_NAME"  // a name that is none of an entry, or not that of what lies there
	LedgerEntry Rule = "LEDGER_ENTRY" // what lies there is no entry
	LedgerChain Rule = "LEDGER_CHAIN" // a chain of policies that is not written as one
	LedgerLost  Rule = "LEDGER_LOST"  // what was there is gone, or was replaced, or the chain of policies was rewound
)

// Rules of releases (docs/spec/release.md): what an archive and the evidence that
// comes with it were found to be.
const (
	RelArchive Rule = "REL_ARCHIVE" // a file that is none of the release's archives
	RelTree    Rule = "REL_TREE"    // an archive whose tree is not the built commit's
	RelBuilt   Rule = "REL_BUILT"   // a built commit or a blessing of it that is not what the statement says
	RelRecipe  Rule = "REL_RECIPE"  // a built tree that differs from its source where the recipe permits no difference
	RelSource  Rule = "REL_SOURCE"  // a source commit or tag that is not what the statement says
	RelBinding Rule = "REL_BINDING" // a statement on another project, version, tag or archive
	RelNone    Rule = "REL_NONE"    // no release manager's statement on this release
	RelDrawn   Rule = "REL_DRAWN"   // a release that was withdrawn
	RelLimit   Rule = "REL_LIMIT"   // evidence on more releases than the limit
)

// Rules returns the closed list of rules, in the order of the specification.
func Rules() []Rule {
	return []Rule{
		TarChecksum, TarNum, TarMagic, TarMixedFormat, TarFieldTail, TarType, TarPadding, TarTruncated,
		TarNoEOF, TarLoneZero, TarAfterEOF, TarDangling, TarEmpty, TarTooMany, TarTooBig,
		PaxRecord, PaxDup, PaxOrder, PaxKeyword, PaxValue, PaxSize, PaxPath, PaxGlobal, GNULong, MetaTooBig,
		NamePath, NameDup, NamePrefix, NameTop, NameUTF8, NameNFC, NameControl, NameDotGit, LinkEscape, Mode,
		ZFormat, ZMulti, ZTrailing, ZCRC, ZTruncated, ZHeader, ZMem, ZRatio, ZNested, ZEnvelopes,
		ZipLocal, ZipGap, ZipFlag, ZipMethod, ZipExtra, ZipComment, ZipCount,
		GitFormat, GitHash, GitSHA1Collision, GitMissing, GitType, GitTree, GitMode, GitName,
		GitCommit, GitTag, GitTagName, GitTagTarget, GitRefName,
		GitBuilt, GitParent, GitLimit, GitProtocol, GitModules,
		SigFormat, SigMulti, SigNamespace, SigAlg, SigKey, SigLimit,
		SigBad, SigNoKey, SigWeak, SigExpired, SigRevoked, SigKeyUse, SigUnsigned, SigOtherKey,
		PolInvalid, PolKeyReuse, PolChain, PolRollback, PolQuorum, PolOperator, PolMixed, PolCondition,
		JSONFormat, JSONLimit, DSSEFormat, DSSELimit,
		StmType, StmField, StmSubject, StmMust, StmLimit, BundleFormat, BundleLimit,
		LedgerName, LedgerEntry, LedgerChain, LedgerLost,
		RelArchive, RelTree, RelBuilt, RelRecipe, RelSource, RelBinding, RelNone, RelDrawn, RelLimit,
	}
}

// Exit returns the exit status that a refusal by this rule asks for: 1 where
// well-formed evidence says no, 3 where trying again elsewhere may help, else 2.
func (r Rule) Exit() int {
	switch r {
	case GitHash, GitSHA1Collision, GitTagName, GitTagTarget, ZEnvelopes,
		SigBad, SigNoKey, SigWeak, SigExpired, SigRevoked, SigKeyUse, SigUnsigned, SigOtherKey,
		PolChain, PolRollback, PolQuorum, PolOperator, PolMixed, PolCondition,
		LedgerLost,
		RelArchive, RelTree, RelBuilt, RelRecipe, RelSource, RelBinding, RelNone, RelDrawn:
		return 1
	case GitMissing:
		return 3
	}
	return 2
}
