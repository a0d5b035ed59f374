// Package official holds statements and envelopes of ours to the Go modules that
// in-toto and the DSSE project publish, and theirs to ours. It is a module of its
// own, so that nothing else depends on those, and consists of tests alone.
package official
