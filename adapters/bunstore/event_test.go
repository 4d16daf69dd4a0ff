package bunstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// Whoever tells webhooks of events hears of a commit that left some waiting, and
// of no other.
func TestACommitOfEventsThatWaitIsHeardOf(t *testing.T) {
	w := fixture.New(t, true)
	ana := w.SignUp("ana")
	heard := 0
	w.Store.WhenEventsWait(func() { heard++ })
	add := func(end error, want int) {
		t.Helper()
		err := w.Store.Update(t.Context(), func(tx ports.Tx) error {
			for range 2 {
				if err := tx.Events.Add(t.Context(), core.NewEvent(w.IDs.NewID(), ana.Org.ID, "asset.uploaded", nil, w.Clock.Now())); err != nil {
					return err
				}
			}
			return end
		})
		if !errors.Is(err, end) || heard != want {
			t.Errorf("heard of %d, want %d", heard, want)
		}
	}
	add(nil, 0)
	w.Write(func(tx ports.Tx) error {
		return tx.Webhooks.Add(t.Context(), &core.Webhook{
			ID: core.WebhookID(w.IDs.NewID()), OrgID: ana.Org.ID, URL: "https://example.com/", Active: true, Version: 1,
			Secret: []byte{1}, CreatedBy: ana.Account.ID, CreatedAt: time.Now(), UpdatedAt: time.Now(),
		}, 9)
	})
	add(errors.New("no"), 0)
	add(nil, 1)
	add(nil, 2)
}
