package release_test

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
)

// bundled returns the file of what comes with a release.
func (w *world) bundled(m *made, statements ...dsse.Envelope) []byte {
	b := &bundle.Bundle{Statements: statements, Recipes: [][]byte{m.recipe}, Policies: []dsse.Envelope{w.signPayload(dsse.PolicyType, []byte(w.policy), signature.PolicyNamespace, "ada")}}
	for id, o := range m.objects {
		b.Objects = append(b.Objects, bundle.Object{Type: o.kind, ID: id, Data: o.content})
	}
	data, err := b.Encode()
	w.must(err)
	return data
}

// unbundle reads the file of a bundle as evidence, and judges it.
func unbundle(data []byte, e release.Evidence) (*release.Verdict, error) {
	b, err := bundle.Parse(data)
	if err != nil {
		return nil, err
	}
	e.Chain, e.Objects, e.Recipes, e.Statements = nil, &lineage.Objects{}, b.Recipes, b.Statements
	for _, p := range b.Policies {
		e.Chain = append(e.Chain, policychain.Link{Policy: p.Payload, Signatures: p.Signatures})
	}
	for _, o := range b.Objects {
		if err := e.Objects.Add(o.ID, o.Type, o.Data); err != nil {
			return nil, err
		}
	}
	return release.Judge(e)
}

// No bit of a bundle can be changed: what results cannot be read, or the release is
// not vouched for. Signatures of ssh, minisign and OpenPGP are in it. Where all is
// tested, every bit is; else one of 23.
func TestEveryBit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	pgp := "/gpg"
	if !testkit.HasProgram("gpg") {
		pgp = "/pgp"
	}
	w := newWorld(t, strings.NewReplacer("KEY(ci)", "KEY(ci"+pgp+")", "KEY(nightjar)", "KEY(nightjar/minisign)").Replace(helloPolicy))
	m := w.makeRelease(honest())
	data := w.bundled(m, w.sign(m.build(), "ci"+pgp, "nightjar/minisign", "ben"), w.sign(m.release(1, w.root()), "ben"))
	e := release.Evidence{Root: w.root(), Now: time.Now().Unix(), Files: []lineage.File{w.open(m.archive.Name, m.file)}}
	v, err := unbundle(data, e)
	if err != nil || v.Outcome() != release.Vouched {
		t.Fatalf("the bundle itself: %v, %+v", err, v)
	}
	step := 23
	if os.Getenv(testkit.All) != "" {
		step = 1
	}
	var judged, accepted atomic.Int64
	var group sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		group.Go(func() {
			flipped := append([]byte(nil), data...)
			for bit := k * step; bit < 8*len(data); bit += workers * step {
				flipped[bit/8] ^= 1 << (bit % 8)
				if v, err := unbundle(flipped, e); err == nil {
					judged.Add(1)
					if v.Outcome() == release.Vouched {
						accepted.Add(1)
						t.Errorf("bit %d of byte %d may be changed: line %d", bit%8, bit/8, 1+strings.Count(string(data[:bit/8]), "\n"))
					}
				}
				flipped[bit/8] = data[bit/8]
			}
		})
	}
	group.Wait()
	t.Logf("%d bits, one of %d changed; %d changes can be read; %d accepted", 8*len(data), step, judged.Load(), accepted.Load())
	if judged.Load() == 0 {
		t.Error("no change could be read: the test shows nothing of signatures")
	}
}
