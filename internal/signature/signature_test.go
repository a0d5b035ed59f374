package signature_test

import (
	"testing"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
)

func TestDomains(t *testing.T) {
	want := map[signature.Domain]string{
		0:                            "",
		signature.StatementNamespace: "countermark-statement-v1",
		signature.PolicyNamespace:    "countermark-policy-v1",
		signature.GitNamespace:       "git",
		signature.FileNamespace:      "file",
		signature.FileNamespace + 1:  "",
	}
	for d, namespace := range want {
		if d.Namespace() != namespace {
			t.Errorf("domain %d has the namespace %q, expected %q", d, d.Namespace(), namespace)
		}
		if own := d == signature.StatementNamespace || d == signature.PolicyNamespace; d.Enveloped() != own {
			t.Errorf("domain %d is enveloped: %v", d, d.Enveloped())
		}
	}
}

// What a well-formed signature was found to be is a verdict; the rest is none.
func TestExitOfRules(t *testing.T) {
	for status, rules := range map[int][]refusal.Rule{
		1: {refusal.SigBad, refusal.SigNoKey, refusal.SigWeak, refusal.SigExpired, refusal.SigRevoked, refusal.SigKeyUse},
		2: {refusal.SigFormat, refusal.SigMulti, refusal.SigNamespace, refusal.SigAlg, refusal.SigKey, refusal.SigLimit},
	} {
		for _, rule := range rules {
			if rule.Exit() != status {
				t.Errorf("%s asks for exit status %d, expected %d", rule, rule.Exit(), status)
			}
		}
	}
}
