package countermark_test

const module = "github.com/countermark/countermark"

// layer is how far from the outside a package is. A package imports packages
// of lower layers, and of its own where the policy says so; edges never.
type layer uint8

const (
	values    layer = iota
	formats         // bytes in, values out
	judgement       // evidence in, verdict out
	edges           // one outside thing each
	commands        // wire them together
)

// permission is what one package may import beside the pure part of the
// standard library.
type permission struct {
	layer    layer
	internal []string // packages below internal/
	foreign  []string // packages of other modules, and all below them
	system   []string // packages of the standard library that touch the outside
}

// policy is the statement of which package may import what. A package that is
// not listed is an error; so is an import that is not listed.
var policy = map[string]permission{
	"internal/ascii":   {layer: values},
	"internal/escape":  {layer: values},
	"internal/hunk":    {layer: values},
	"internal/refusal": {layer: values, internal: []string{"escape"}},
	"internal/digest":  {layer: values, foreign: []string{"github.com/pjbgf/sha1cd"}},
	"internal/tree": {layer: values, internal: []string{"digest", "escape", "refusal"},
		foreign: []string{"golang.org/x/text/cases", "golang.org/x/text/unicode/norm"}},

	"internal/publickey": {layer: values},

	"internal/signature":         {layer: formats, internal: []string{"escape", "publickey", "refusal", "signature/finding", "signature/minisign", "signature/pgp", "signature/sshsig"}},
	"internal/signature/finding": {layer: formats, internal: []string{"publickey", "refusal"}},
	"internal/signature/sshsig":  {layer: formats, internal: []string{"ascii", "escape", "publickey", "refusal", "signature/finding"}},
	"internal/signature/pgp": {layer: formats, internal: []string{"escape", "publickey", "refusal", "signature/finding", "signature/pgp/framing"},
		foreign: []string{"github.com/ProtonMail/go-crypto/openpgp/ecdsa", "github.com/ProtonMail/go-crypto/openpgp/ed25519",
			"github.com/ProtonMail/go-crypto/openpgp/ed448", "github.com/ProtonMail/go-crypto/openpgp/eddsa",
			"github.com/ProtonMail/go-crypto/openpgp/errors", "github.com/ProtonMail/go-crypto/openpgp/packet",
			"github.com/ProtonMail/go-crypto/openpgp/v2"}},
	"internal/signature/pgp/framing": {layer: formats, internal: []string{"escape", "refusal"}},
	"internal/signature/minisign":    {layer: formats, internal: []string{"escape", "publickey", "refusal", "signature/finding"}, foreign: []string{"golang.org/x/crypto/blake2b"}},

	"internal/bundle":             {layer: formats, internal: []string{"canonicaljson", "digest", "dsse", "refusal"}},
	"internal/canonicaljson":      {layer: formats, internal: []string{"refusal"}},
	"internal/statement/official": {layer: formats}, // a module of its own: tests alone
	"internal/dsse":               {layer: formats, internal: []string{"canonicaljson", "refusal"}},
	"internal/statement":          {layer: formats, internal: []string{"ascii", "buildrecord", "canonicaljson", "digest", "gitobject", "recipe", "refusal", "tree"}},

	"internal/envelope/framing": {layer: formats, internal: []string{"refusal"}},
	"internal/envelope": {layer: formats, internal: []string{"digest", "envelope/framing", "escape", "refusal"},
		foreign: []string{"github.com/klauspost/compress/flate", "github.com/klauspost/compress/zstd", "github.com/mikelolasagasti/xz"}},
	"internal/archive":           {layer: formats, internal: []string{"archive/zipfile", "digest", "envelope", "refusal", "tree"}},
	"internal/archive/canonical": {layer: formats, internal: []string{"escape", "tree"}},
	"internal/archive/zipname":   {layer: formats},
	"internal/archive/zipfile": {layer: formats, internal: []string{"digest", "refusal", "tree"},
		foreign: []string{"github.com/klauspost/compress/flate"}},
	"internal/gitobject":          {layer: formats, internal: []string{"digest", "refusal", "tree"}},
	"internal/gitobject/treewalk": {layer: formats, internal: []string{"digest", "gitobject", "refusal", "tree"}},
	"internal/gitmodules":         {layer: formats, internal: []string{"escape", "refusal", "tree"}},
	"internal/filter":             {layer: formats, internal: []string{"digest", "gitobject"}},
	"internal/lockfile":           {layer: formats, internal: []string{"ascii", "digest", "escape", "gitobject", "publickey", "refusal", "tree"}},
	"internal/catalogue":          {layer: formats, internal: []string{"digest", "escape"}},
	"internal/claim":              {layer: formats},
	"internal/knownfile":          {layer: formats, internal: []string{"digest"}},
	"internal/document":           {layer: formats, internal: []string{"escape"}, foreign: []string{"github.com/pelletier/go-toml/v2"}},
	"internal/pattern":            {layer: formats, internal: []string{"document", "escape", "tree"}},
	"internal/recipe":             {layer: formats, internal: []string{"ascii", "digest", "document", "escape", "gitobject", "pattern", "refusal", "tree"}},
	"internal/buildrecord":        {layer: formats, internal: []string{"digest", "tree"}},

	"internal/entry": {layer: formats, internal: []string{"ascii", "digest", "dsse", "escape", "recipe", "refusal", "statement"}},

	"internal/account":     {layer: judgement, internal: []string{"recipe", "tree"}},
	"internal/builtcommit": {layer: formats, internal: []string{"ascii", "digest", "gitobject", "recipe", "refusal"}},

	"internal/encoder/command": {layer: formats, internal: []string{"envelope"}},
	"internal/encoder/trace":   {layer: formats, internal: []string{"encoder/command", "envelope"}},
	"internal/packagelist":     {layer: formats, internal: []string{"ascii", "digest", "document"}},
	"internal/comment":         {layer: formats},

	"internal/policy/role":     {layer: judgement},
	"internal/policy/matching": {layer: judgement, internal: []string{"policy/role"}},
	"internal/policy/version":  {layer: judgement, internal: []string{"ascii", "document"}},
	"internal/coalition":       {layer: judgement, internal: []string{"digest", "policy"}},
	"internal/policychain":     {layer: judgement, internal: []string{"digest", "dsse", "escape", "policy", "policyfile", "refusal", "signature"}},
	"internal/policyfile":      {layer: judgement, internal: []string{"digest", "document", "escape", "policy", "policy/version", "publickey", "refusal", "signature"}},
	"internal/policy":          {layer: judgement, internal: []string{"ascii", "digest", "document", "escape", "policy/matching", "policy/role", "policy/version", "publickey", "refusal", "signature", "signature/finding"}},

	"internal/endorsement": {layer: judgement, internal: []string{"escape", "lockfile", "publickey", "refusal", "signature"}},

	"internal/compare":      {layer: judgement, internal: []string{"digest", "filter", "knownfile", "lockfile", "tree"}},
	"internal/provenance":   {layer: judgement, internal: []string{"catalogue", "claim", "digest", "knownfile", "tree"}},
	"internal/cause":        {layer: judgement, internal: []string{"claim", "comment", "hunk", "knownfile", "tree"}},
	"internal/reproduction": {layer: judgement, internal: []string{"cause", "digest", "tree"}},
	"internal/revision":     {layer: judgement, internal: []string{"digest", "escape", "lockfile"}},

	"internal/rootfile": {layer: formats, internal: []string{"ascii", "digest", "escape"}},
	"internal/lineage":  {layer: judgement, internal: []string{"account", "archive", "builtcommit", "digest", "escape", "gitobject", "gitobject/treewalk", "recipe", "refusal", "statement", "tree"}},

	"internal/release": {layer: judgement, internal: []string{"digest", "dsse", "escape", "lineage", "policy", "policychain", "policyfile", "publickey", "refusal", "signature", "statement", "tree"}},

	"internal/confine": {layer: edges, internal: []string{"envelope", "escape"},
		foreign: []string{"golang.org/x/sys/unix"},
		system:  []string{"os", "os/exec", "path/filepath", "runtime", "unsafe"}},
	"internal/gitrepo": {layer: edges,
		internal: []string{"digest", "escape", "gitobject", "gitrepo/gitexec", "gitrepo/location", "gitrepo/objects", "refusal", "tree"},
		system:   []string{"net/url", "os", "path/filepath", "runtime"}},
	"internal/gitrepo/difference": {layer: edges, internal: []string{"gitrepo", "gitrepo/gitexec", "refusal"}, system: []string{"os", "path/filepath"}},
	"internal/gitrepo/beside":     {layer: edges, internal: []string{"gitrepo", "gitrepo/gitexec"}, system: []string{"os", "path/filepath"}},
	"internal/gitrepo/location":   {layer: edges, system: []string{"os", "path/filepath"}},
	"internal/gitrepo/gitexec": {layer: edges, internal: []string{"escape", "refusal"},
		system: []string{"os", "os/exec", "path/filepath", "runtime", "syscall"}},
	"internal/gitrepo/objects": {layer: edges, internal: []string{"digest", "gitobject", "gitobject/treewalk", "gitrepo/gitexec", "refusal", "tree"},
		system: []string{"os/exec"}},
	"internal/gitrepo/pack": {layer: edges, internal: []string{"digest", "gitobject", "gitrepo", "gitrepo/gitexec", "gitrepo/objects", "refusal"},
		system: []string{"os", "path/filepath"}},
	"internal/gitrepo/refs": {layer: edges, internal: []string{"builtcommit", "digest", "escape", "gitobject", "gitrepo", "gitrepo/gitexec", "gitrepo/location", "recipe", "refusal"},
		system: []string{"os", "path/filepath"}},
	"internal/gitrepo/ledger": {layer: edges,
		internal: []string{"digest", "dsse", "entry", "escape", "gitobject", "gitrepo", "gitrepo/gitexec", "gitrepo/objects", "gitrepo/pack", "gitrepo/refs", "recipe", "refusal"},
		system:   []string{"os", "path/filepath"}},
	"internal/worktree": {layer: edges, internal: []string{"digest", "escape", "gitobject", "refusal", "tree"},
		foreign: []string{"golang.org/x/sys/unix"}, system: []string{"io/fs", "os", "path/filepath", "runtime", "syscall"}},
	"internal/encoder": {layer: edges, internal: []string{"encoder/command", "escape"},
		system: []string{"os", "os/exec", "path/filepath", "syscall"}},
	"internal/gitrepo/replica": {layer: edges, internal: []string{"digest", "escape", "gitrepo", "gitrepo/gitexec", "gitrepo/objects", "gitrepo/pack", "recipe", "refusal", "tree"},
		system: []string{"io/fs", "os", "path/filepath"}},
	"internal/sandbox": {layer: edges,
		internal: []string{"escape", "sandbox/amount", "sandbox/container", "sandbox/etc", "sandbox/handover", "sandbox/namespace", "sandbox/obstacle", "sandbox/restraint",
			"sandbox/seccomp", "sandbox/session", "sandbox/testament", "sandbox/version", "sandbox/view"},
		system: []string{"crypto/rand", "os", "os/exec", "path/filepath", "runtime"}},
	"internal/sandbox/container": {layer: edges, internal: []string{"escape", "sandbox/session", "sandbox/testament", "sandbox/view"},
		system: []string{"crypto/rand", "io/fs", "os", "os/exec", "path/filepath"}},
	"internal/sandbox/amount":   {layer: edges, system: []string{"io/fs", "os", "path/filepath", "syscall"}},
	"internal/sandbox/etc":      {layer: edges},
	"internal/sandbox/handover": {layer: edges, system: []string{"os", "os/exec", "syscall"}},
	"internal/sandbox/namespace": {layer: edges, internal: []string{"escape"},
		foreign: []string{"golang.org/x/sys/unix"}, system: []string{"os", "path/filepath"}},
	"internal/sandbox/obstacle":  {layer: edges, internal: []string{"escape"}, system: []string{"os", "runtime"}},
	"internal/sandbox/restraint": {layer: edges, foreign: []string{"golang.org/x/sys/unix"}, system: []string{"os"}},
	"internal/sandbox/testament": {layer: edges, internal: []string{"sandbox/session"}, system: []string{"os", "os/exec"}},
	"internal/sandbox/session":   {layer: edges, foreign: []string{"golang.org/x/sys/unix"}, system: []string{"os", "os/exec", "os/signal", "syscall"}},
	"internal/sandbox/seccomp":   {layer: edges, foreign: []string{"golang.org/x/sys/unix"}, system: []string{"runtime"}},
	"internal/sandbox/version":   {layer: edges, internal: []string{"escape"}, system: []string{"os/exec", "path/filepath"}},
	"internal/sandbox/view":      {layer: edges, internal: []string{"sandbox/etc"}, system: []string{"os", "path/filepath"}},
	"internal/progress": {layer: edges, internal: []string{"escape"},
		foreign: []string{"golang.org/x/term"}, system: []string{"os"}},
	"internal/durable": {layer: edges, system: []string{"os", "path/filepath"}},
	"internal/gitrepo/intake": {layer: edges, internal: []string{"digest", "gitobject", "gitrepo", "gitrepo/gitexec", "gitrepo/pack", "gitrepo/refs", "refusal"},
		system: []string{"os", "path/filepath"}},
	"internal/collection": {layer: edges, internal: []string{"entry", "recipe", "refusal"}, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/keys": {layer: edges, internal: []string{"escape", "publickey", "signature", "signature/sshsig"},
		foreign: []string{"golang.org/x/crypto/ssh"}, system: []string{"net", "os", "os/exec", "path/filepath"}},
	"internal/memory":      {layer: edges, internal: []string{"digest"}, system: []string{"os", "path/filepath", "syscall"}},
	"internal/toolrelease": {layer: edges, internal: []string{"envelope", "revision"}, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/environment": {layer: edges,
		internal: []string{"digest", "environment/debian", "environment/oci", "environment/unpack", "recipe"},
		foreign:  []string{"golang.org/x/sys/unix"}, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/environment/unpack": {layer: edges, internal: []string{"digest", "envelope", "refusal"}, system: []string{"io/fs", "os"}},
	"internal/environment/debian": {layer: edges, internal: []string{"digest", "escape", "packagelist", "recipe"},
		system: []string{"net/url", "os", "os/exec", "path/filepath", "syscall"}},
	"internal/environment/oci": {layer: edges, internal: []string{"digest", "environment/unpack", "escape"},
		system: []string{"io/fs", "os", "path/filepath"}},
	"internal/fetch": {layer: edges, internal: []string{"digest", "escape"},
		system: []string{"io/fs", "net/http", "net/url", "os", "path/filepath"}},
	"internal/report": {layer: edges, internal: []string{"archive", "compare", "digest", "endorsement", "escape", "provenance", "refusal", "signature", "tree"},
		system: []string{"syscall"}},

	"internal/testkit/signer": {layer: edges, foreign: []string{"golang.org/x/crypto/blake2b", "golang.org/x/crypto/ssh"}, system: []string{"crypto/rand", "testing"}},
	"internal/testkit/sample": {layer: edges, internal: []string{"digest", "dsse", "statement"}, system: []string{"testing"}},
	"internal/testkit":        {layer: edges, system: []string{"os", "os/exec", "path/filepath", "testing"}},
	"internal/attribution": {layer: commands, // any
		system: []string{"os", "path/filepath"}},
	"internal/doctor": {layer: commands, // any
		system: []string{"os", "os/exec", "path/filepath"}},
	"internal/indexing": {layer: commands, // any
		system: []string{"io/fs", "os", "path/filepath"}},
	"internal/pinning": {layer: commands, // any
		system: []string{"os", "path/filepath"}},
	"internal/building": {layer: commands, // any
		system: []string{"os", "path/filepath"}},
	"internal/building/archives":   {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/building/candidate":  {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/building/checkout":   {layer: commands, system: []string{"crypto/rand", "os", "path/filepath"}},
	"internal/building/difference": {layer: commands, system: []string{"os"}},
	"internal/building/folder":     {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/building/finding":    {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/building/pushing":    {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/building/toolshed":   {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/building/objects":    {layer: commands, system: []string{"os"}},
	"internal/building/opened":     {layer: commands, foreign: []string{"golang.org/x/sys/unix"}, system: []string{"os", "path/filepath"}},
	"internal/building/scratch":    {layer: commands, system: []string{"io/fs", "os", "path/filepath", "syscall"}},
	"internal/building/setting":    {layer: commands, system: []string{"io/fs", "os", "path/filepath", "runtime"}},
	"internal/building/source":     {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/building/varying":    {layer: commands, system: []string{"os", "path/filepath", "runtime", "syscall"}},
	"internal/demonstration": {layer: commands, foreign: []string{"golang.org/x/crypto/ssh"}, // any
		system: []string{"os", "os/exec", "path/filepath"}},
	"internal/verification/input": {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/signedbuild":        {layer: commands, system: []string{"path/filepath"}},
	"internal/blessing":           {layer: commands, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/governing":          {layer: commands, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/gathering":          {layer: commands},
	"internal/exchanging":         {layer: commands, system: []string{"os", "path/filepath"}},
	"internal/standing":           {layer: commands, system: []string{"io/fs"}},
	"internal/bundling":           {layer: commands, system: []string{"io/fs", "os"}},
	"internal/withdrawing":        {layer: commands},
	"internal/commandline":        {layer: commands, foreign: []string{"github.com/spf13/cobra"}},
	"internal/trust":              {layer: commands, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/signing":            {layer: commands, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/vouching": {layer: commands, // any
		system: []string{"os", "path/filepath"}},
	"internal/verification/signatures": {layer: commands, system: []string{"io/fs", "os", "path/filepath"}},
	"internal/verification": {layer: commands, // any
		system: []string{"io/fs", "os", "path/filepath"}},
	"cmd/countermark": {layer: commands, // any
		foreign: []string{"github.com/spf13/cobra", "golang.org/x/term"},
		system:  []string{"os", "os/signal", "runtime/debug", "syscall"}},
	".": {layer: values},
}
