package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/webhook"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// endpoints stand for the world outside.
type endpoints struct {
	mu     sync.Mutex
	got    []ports.WebhookMessage
	answer func(m ports.WebhookMessage) core.Attempt // nil: 204
}

// Send implements ports.WebhookSender.
func (e *endpoints) Send(_ context.Context, m ports.WebhookMessage) core.Attempt {
	e.mu.Lock()
	e.got = append(e.got, m)
	answer := e.answer
	e.mu.Unlock()
	if answer == nil {
		return core.Attempt{Status: 204}
	}
	return answer(m)
}

func (e *endpoints) names() (names []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.got {
		var body struct{ Data map[string]any }
		_ = json.Unmarshal(m.Body, &body)
		names = append(names, fmt.Sprint(body.Data["name"]))
	}
	return names
}

type world struct {
	*fixture.World
	*endpoints
	hooks *webhook.Service
	ana   fixture.Person
}

func newWorld(t *testing.T, unlimited bool) world {
	t.Helper()
	w := world{World: fixture.New(t, true), endpoints: &endpoints{}}
	w.hooks = webhook.NewService(webhook.Deps{
		Store: w.Store, Access: w.Store, Secrets: w.Secrets, Sender: w.endpoints, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, webhook.Options{Unlimited: unlimited})
	w.ana = w.SignUp("ana")
	return w
}

func (w world) hook(events ...string) *core.Webhook {
	w.Helper()
	made, err := w.hooks.Create(w.Context(), w.ana.Actor, webhook.CreateInput{OrgID: w.ana.Org.ID, URL: "https://example.com/", Events: events, Active: true})
	w.Must(err)
	return made.Webhook
}

// emit makes events happen, each in a unit of work of its own.
func (w world) emit(kind string, names ...string) {
	w.Helper()
	for _, name := range names {
		w.Write(func(tx ports.Tx) error {
			return app.Emit(w.Context(), tx, core.NewEvent(w.IDs.NewID(), w.ana.Org.ID, kind, map[string]any{"name": name}, w.Clock.Now()))
		})
	}
}

// work runs the jobs that wait and returns how many there were.
func (w world) work() (n int) {
	w.Helper()
	for _, job := range w.Queue.Take() {
		if fanOut, ok := job.(app.FanOut); ok {
			w.Must(w.hooks.FanOut(w.Context(), fanOut))
			n++
		}
	}
	return n
}

func (w world) serve(h *core.Webhook) (more bool) {
	w.Helper()
	more, err := w.hooks.Serve(w.Context(), ports.WebhookRef{OrgID: h.OrgID, ID: h.ID})
	w.Must(err)
	return more
}

func (w world) statuses(h *core.Webhook) (out []core.DeliveryStatus) {
	w.Helper()
	ds, err := w.hooks.Deliveries(w.Context(), w.ana.Actor, webhook.DeliveryQuery{OrgID: h.OrgID, WebhookID: h.ID, Limit: 999})
	w.Must(err)
	for _, d := range ds {
		out = append(out, d.Status)
	}
	return out
}

func TestAnEventIsDeliveredOnceToEachThatWantsIt(t *testing.T) {
	w := newWorld(t, true)
	w.emit("asset.uploaded", "before")
	if n := w.work(); n != 0 {
		t.Errorf("%d jobs where nobody listens", n)
	}
	all, some := w.hook(), w.hook("product.*")
	w.emit("asset.uploaded", "a", "b")
	w.emit("product.created", "c")
	jobs := w.Queue.Take()
	var wg sync.WaitGroup
	for range 4 { // however often the jobs run
		for _, job := range jobs {
			wg.Go(func() {
				if err := w.hooks.FanOut(t.Context(), job.(app.FanOut)); err != nil { //nolint:forcetypeassert // there is no other
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	for w.serve(all) || w.serve(some) {
	}
	if got := w.names(); !slices.Equal(got, []string{"a", "b", "c", "c"}) {
		t.Errorf("%q", got)
	}
	ids := map[string]int{}
	for _, m := range w.got {
		ids[m.ID]++
		if len(m.Keys) != 1 || len(m.Keys[0]) != core.WebhookSecretBytes {
			t.Errorf("%d keys", len(m.Keys))
		}
	}
	if len(ids) != 3 {
		t.Errorf("%v", ids)
	}
}

func TestAFailureEndsTheTurn(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	w.emit("asset.uploaded", "a", "b", "c")
	w.work()
	w.answer = func(m ports.WebhookMessage) core.Attempt {
		if strings.Contains(string(m.Body), `"b"`) {
			return core.Attempt{Status: 500}
		}
		return core.Attempt{Status: 200}
	}
	if w.serve(h) {
		t.Error("goes on after a failure")
	}
	w.serve(h)
	if got := w.names(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%q", got)
	}
	w.answer = nil
	w.Clock.Shift(4 * time.Second)
	if w.serve(h); len(w.names()) != 3 {
		t.Errorf("%q", w.names())
	}
	w.Clock.Shift(2 * time.Second)
	w.serve(h)
	if got := w.names(); !slices.Equal(got, []string{"a", "b", "c", "b"}) || w.got[1].ID != w.got[3].ID {
		t.Errorf("%q", got)
	}
	want := []core.DeliveryStatus{core.DeliveryDelivered, core.DeliveryDelivered, core.DeliveryDelivered}
	if got := w.statuses(h); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestALongQueueLetsOthersHaveTheirTurn(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	for i := range 45 {
		w.emit("asset.uploaded", fmt.Sprint(i))
	}
	w.work()
	turns := 1
	for w.serve(h) {
		turns++
	}
	if turns != 3 || len(w.names()) != 45 || w.names()[44] != "44" {
		t.Errorf("%d turns, %q", turns, w.names())
	}
}

func TestTheLicenceDecidesWhoIsTold(t *testing.T) {
	w := newWorld(t, false)
	_, err := w.hooks.Create(t.Context(), w.ana.Actor, webhook.CreateInput{OrgID: w.ana.Org.ID, URL: "https://example.com/", Active: true})
	w.Fails(err, &core.Error{Code: "feature_unavailable"})
	assign := func(license string) {
		w.Write(func(tx ports.Tx) error {
			return tx.Licenses.Assign(t.Context(), ports.LicenseAssignment{ID: w.IDs.NewID(), OrgID: w.ana.Org.ID, License: license, Now: w.Clock.Now()})
		})
	}
	assign("enterprise")
	h := w.hook()
	w.emit("asset.uploaded", "a")
	w.work()
	assign("pro")
	w.emit("asset.uploaded", "b")
	w.work()
	if got := w.statuses(h); len(got) != 1 {
		t.Errorf("%q", got)
	}
	w.Read(func(tx ports.Tx) error {
		orgs, err := tx.Events.Overdue(t.Context(), w.Clock.Now().Add(time.Hour), 9)
		if len(orgs) != 0 {
			t.Errorf("events wait for ever")
		}
		return err
	})
	_, err = w.hooks.Ping(t.Context(), w.ana.Actor, w.ana.Org.ID, h.ID, nil)
	w.Fails(err, &core.Error{Code: "feature_unavailable"})
	w.Must(w.hooks.Delete(t.Context(), w.ana.Actor, w.ana.Org.ID, h.ID, 0))
}

func TestWhatWaitsForAWebhookThatIsOffIsGivenUp(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	w.emit("asset.uploaded", "a")
	jobs := w.Queue.Take()
	w.emit("asset.uploaded", "b")
	w.work()
	_, err := w.hooks.Update(t.Context(), w.ana.Actor, h.OrgID, h.ID, core.WebhookChange{Active: new(false)}, 0)
	w.Must(err)
	if got := w.statuses(h); !slices.Equal(got, []core.DeliveryStatus{core.DeliveryFailed, core.DeliveryFailed}) {
		t.Errorf("%q", got)
	}
	w.Must(w.hooks.FanOut(t.Context(), jobs[0].(app.FanOut))) //nolint:forcetypeassert // it is one
	// One that was made while it was switched off does not wait for ever, either.
	w.Write(func(tx ports.Tx) error {
		e := core.NewEvent(w.IDs.NewID(), h.OrgID, "asset.uploaded", nil, w.Clock.Now())
		return tx.Deliveries.Add(t.Context(), core.NewDelivery(core.DeliveryID(w.IDs.NewID()), h, e, []byte("{}"), w.Clock.Now()))
	})
	w.serve(h)
	if got := w.statuses(h); slices.Contains(got, core.DeliveryPending) || len(w.names()) != 0 {
		t.Errorf("%q, sent %q", got, w.names())
	}
}

func TestWhatIsDueIsSentWhileTheServerRuns(t *testing.T) {
	w := newWorld(t, true)
	held := make(chan struct{})
	slow, quick := w.hook("node.*"), w.hook("asset.*")
	w.answer = func(m ports.WebhookMessage) core.Attempt {
		if strings.Contains(string(m.Body), "node.") {
			<-held
		}
		return core.Attempt{Status: 204}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	w.emit("asset.uploaded", "left by a crash") // whose job never ran
	w.Queue.Take()
	go func() {
		defer close(ended)
		w.hooks.Run(ctx, func(err error) { t.Error(err) })
	}()
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	until("what a crash has left is sent", func() bool { return len(w.names()) == 1 })
	w.emit("node.moved", "slow 1", "slow 2")
	w.emit("asset.uploaded", "a", "b", "c")
	w.work()
	until("the quick one is not held up", func() bool { return len(w.names()) == 5 })
	if got := w.statuses(slow); !slices.Equal(got, []core.DeliveryStatus{core.DeliveryPending, core.DeliveryPending}) {
		t.Errorf("%q", got)
	}
	stop() // waits for what is being sent, and begins nothing else
	select {
	case <-ended:
		t.Error("ends before what is being sent")
	case <-time.After(50 * time.Millisecond):
	}
	close(held)
	<-ended
	if got := w.statuses(slow); !slices.Equal(got, []core.DeliveryStatus{core.DeliveryPending, core.DeliveryDelivered}) {
		t.Errorf("%q", got)
	}
	if got := w.statuses(quick); slices.Contains(got, core.DeliveryPending) {
		t.Errorf("%q", got)
	}
}

func TestOldDeliveriesAreForgotten(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	w.emit("asset.uploaded", "a")
	w.work()
	w.Clock.Shift(30 * 24 * time.Hour)
	w.emit("asset.uploaded", "b")
	w.work()
	w.Must(w.hooks.Prune(t.Context(), webhook.Prune{}))
	if got := w.statuses(h); len(got) != 2 {
		t.Errorf("%q", got)
	}
	w.Clock.Shift(time.Microsecond)
	w.Must(w.hooks.Prune(t.Context(), webhook.Prune{}))
	if got := w.statuses(h); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestOnlyThoseWhoManageWebhooksSeeThem(t *testing.T) {
	w := newWorld(t, true)
	h, ben := w.hook(), w.SignUp("ben")
	_, err := w.hooks.Get(t.Context(), ben.Actor, h.OrgID, h.ID)
	w.Fails(err, core.ErrNotFound)
	_, err = w.hooks.Get(t.Context(), ben.Actor, ben.Org.ID, h.ID)
	w.Fails(err, core.ErrNotFound)
	_, err = w.hooks.Create(t.Context(), w.ana.Actor, webhook.CreateInput{OrgID: w.ana.Org.ID, URL: "http://example.com/"})
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Code != "validation_failed" {
		t.Errorf("plain http in production: %v", err)
	}
}
