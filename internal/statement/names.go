package statement

// Namespace begins the URIs of what is defined in docs/spec/statements.md. They
// name things, and nothing is fetched from there.
const Namespace = "https://countermark.dev/"

// The types that statements of ours name (section 3).
const (
	StatementType  = "https://in-toto.io/Statement/v1"
	ProvenanceType = "https://slsa.dev/provenance/v1" // slsa.dev/spec/v1.0/provenance
	BuildType      = Namespace + "build/v1"
	ReviewType     = Namespace + "review/v1"
	ReleaseType    = Namespace + "release/v1"
	WithdrawalType = Namespace + "withdrawal/v1"
)

// LocalBuilder is the builder id of a machine that nobody has named.
const LocalBuilder = Namespace + "builder/local/v1"

// predicateTypes are the predicates of the kinds.
var predicateTypes = [...]string{KindBuild: ProvenanceType, KindReview: ReviewType, KindRelease: ReleaseType, KindWithdrawal: WithdrawalType}

var verdictNames = [...]string{Agrees: "agrees", Dissents: "dissents"}

// String returns the verdict's name, as in "agrees", "" for none.
func (v Verdict) String() string { return nameOf(verdictNames[:], v) }

var causeNames = [...]string{NotReproducible: "not-reproducible", OtherTools: "other-tools", BuilderFault: "builder-fault", Superseded: "superseded", OtherCause: "other"}

// String returns the cause's name, as in "builder-fault", "" for none.
func (c Cause) String() string { return nameOf(causeNames[:], c) }

// ParseCause reads the name of a cause. The error is one sentence.
func ParseCause(s string) (Cause, error) { return oneOf[Cause](causeNames[:])(s) }

func nameOf[T ~uint8](names []string, value T) string {
	if int(value) < len(names) {
		return names[value]
	}
	return ""
}
