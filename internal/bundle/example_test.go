package bundle_test

import (
	"fmt"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/dsse"
)

// Two owners have signed one policy, each in a bundle of their own.
func ExampleMerge() {
	signed := func(by string) *bundle.Bundle {
		return &bundle.Bundle{Policies: []dsse.Envelope{{PayloadType: dsse.PolicyType, Payload: []byte("policy"), Signatures: []dsse.Signature{{KeyID: by, Sig: []byte(by)}}}}}
	}
	file, err := bundle.Merge(signed("saki"), signed("ben")).Encode()
	fmt.Printf("%s%v\n", file, err)
	// Output:
	// {"countermark":"bundle","version":1}
	// {"policy":{"payload":"cG9saWN5","payloadType":"application/vnd.countermark.policy+toml","signatures":[{"keyid":"ben","sig":"YmVu"},{"keyid":"saki","sig":"c2FraQ=="}]}}
	// <nil>
}
