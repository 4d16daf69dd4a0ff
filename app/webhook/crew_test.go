package webhook

import (
	"testing"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Whoever is done makes others look whenever somebody may have waited for the
// place: in the crew, or among those of the org.
func TestTheCrewSaysWhenAPlaceIsAwaited(t *testing.T) {
	ref := func(org, id byte) ports.WebhookRef {
		return ports.WebhookRef{OrgID: core.OrgID{org}, ID: core.WebhookID{org, id}}
	}
	c := newCrew()
	if !c.begin(ref(0, 1)) || c.begin(ref(0, 1)) {
		t.Error("two send to one webhook")
	}
	if c.full() || c.end(ref(0, 1)) {
		t.Error("somebody waits")
	}
	for id := range byte(maxOfOrg) {
		c.begin(ref(0, id))
	}
	if !c.end(ref(0, 0)) || c.end(ref(0, 1)) {
		t.Error("others of the org do not wait when it has its share")
	}
	for id := byte(0); len(c.at) < maxSenders; id++ {
		c.begin(ref(id+1, 0))
	}
	if c.begin(ref(200, 0)) || !c.full() || !c.end(ref(1, 0)) || !c.begin(ref(1, 0)) {
		t.Error("others do not wait when the crew is full")
	}
	for r := range c.at {
		c.end(r)
	}
	if len(c.at) != 0 || len(c.ofOrg) != 0 {
		t.Errorf("%v %v", c.at, c.ofOrg)
	}
}
