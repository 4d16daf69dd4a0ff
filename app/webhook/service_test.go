package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
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
	}, webhook.Options{Unlimited: unlimited, Allows: func(a netip.Addr) bool { return !a.IsPrivate() }})
	w.ana = w.SignUp("ana")
	return w
}

func TestAnAddressThatIsNotConnectedToIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t, true)
	made := w.hook()
	refused := func(err error) {
		t.Helper()
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Code != "validation_failed" || e.Fields[0].Location != "body.url" {
			t.Errorf("%v", err)
		}
	}
	for _, url := range []string{"https://10.0.0.1/", "https://10.0.0.1:8443/x", "https://[fd00::1]/"} {
		_, err := w.hooks.Create(w.Context(), w.ana.Actor, webhook.CreateInput{OrgID: w.ana.Org.ID, URL: url, Active: true})
		refused(err)
		_, err = w.hooks.Update(w.Context(), w.ana.Actor, w.ana.Org.ID, made.ID, core.WebhookChange{URL: &url}, 0)
		refused(err)
	}
	public := "https://192.0.2.1/"
	_, err := w.hooks.Update(w.Context(), w.ana.Actor, w.ana.Org.ID, made.ID, core.WebhookChange{URL: &public}, 0)
	w.Must(err)
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

// tell makes the deliveries of the events that wait.
func (w world) tell() {
	w.Helper()
	for more := true; more; {
		var err error
		more, err = w.hooks.FanOut(w.Context())
		w.Must(err)
	}
}

func (w world) serve(h *core.Webhook) (more bool) {
	w.Helper()
	more, err := w.hooks.Serve(w.Context(), ports.WebhookRef{OrgID: h.OrgID, ID: h.ID})
	w.Must(err)
	return more
}

// deliveries returns what was, or is to be, sent to a webhook of ana's, newest first.
func (w world) deliveries(h *core.Webhook) []*core.Delivery {
	w.Helper()
	ds, err := w.hooks.Deliveries(w.Context(), w.ana.Actor, webhook.DeliveryQuery{OrgID: h.OrgID, WebhookID: h.ID, Limit: 999})
	w.Must(err)
	return ds
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func (w world) statuses(h *core.Webhook) (out []core.DeliveryStatus) {
	w.Helper()
	for _, d := range w.deliveries(h) {
		out = append(out, d.Status)
	}
	return out
}

func TestAnEventIsDeliveredOnceToEachThatWantsIt(t *testing.T) {
	w := newWorld(t, true)
	w.emit("asset.uploaded", "before")
	w.tell()
	all, some := w.hook(), w.hook("product.*")
	w.emit("asset.uploaded", "a", "b")
	w.emit("product.created", "c")
	var wg sync.WaitGroup
	for range 4 { // however many do so at once
		wg.Go(func() {
			if _, err := w.hooks.FanOut(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.Queue.Len(); n != 0 {
		t.Errorf("%d jobs", n)
	}
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
	w.tell()
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
	w.tell()
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
	w.tell()
	assign("pro")
	w.emit("asset.uploaded", "b")
	w.tell()
	w.serve(h)
	if got := w.deliveries(h); len(got) != 1 || got[0].Status != core.DeliveryFailed || got[0].Last.Error != "the licence does not include webhooks" || len(w.names()) != 0 {
		t.Errorf("%v, sent %q", got, w.names())
	}
	w.Read(func(tx ports.Tx) error {
		orgs, err := tx.Events.Untold(t.Context(), core.OrgID{}, 9)
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
	w.emit("asset.uploaded", "a", "b")
	w.tell()
	_, err := w.hooks.Update(t.Context(), w.ana.Actor, h.OrgID, h.ID, core.WebhookChange{Active: new(false)}, 0)
	w.Must(err)
	if got := w.statuses(h); !slices.Equal(got, []core.DeliveryStatus{core.DeliveryFailed, core.DeliveryFailed}) {
		t.Errorf("%q", got)
	}
	// One that was made while it was switched off does not wait for ever, either.
	w.Write(func(tx ports.Tx) error {
		e := core.NewEvent(w.IDs.NewID(), h.OrgID, "asset.uploaded", nil, w.Clock.Now())
		return tx.Deliveries.Add(t.Context(), core.NewDelivery(core.DeliveryID(w.IDs.NewID()), h, e, []byte("{}"), w.Clock.Now()))
	})
	w.serve(h)
	if got := w.statuses(h); slices.Contains(got, core.DeliveryPending) || len(w.names()) != 0 {
		t.Errorf("%q, sent %q", got, w.names())
	}
	for _, d := range w.deliveries(h) {
		if d.Last.Error != "the webhook is switched off" {
			t.Errorf("%+v", d.Last)
		}
	}
}

// What is much is given up a part at a time, and in the end all of it.
func TestMuchThatWaitsIsGivenUp(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	const all = 2_500
	var many []*core.Delivery
	for range all {
		e := core.NewEvent(w.IDs.NewID(), h.OrgID, "asset.uploaded", nil, w.Clock.Now())
		d := core.NewDelivery(core.DeliveryID(w.IDs.NewID()), h, e, []byte("{}"), w.Clock.Now().Add(time.Hour))
		many = append(many, d)
	}
	w.Write(func(tx ports.Tx) error { return tx.Deliveries.Add(t.Context(), many...) })
	pending := func() int {
		ds, err := w.hooks.Deliveries(t.Context(), w.ana.Actor, webhook.DeliveryQuery{OrgID: h.OrgID, WebhookID: h.ID, Status: core.DeliveryPending, Limit: all})
		w.Must(err)
		return len(ds)
	}
	_, err := w.hooks.Update(t.Context(), w.ana.Actor, h.OrgID, h.ID, core.WebhookChange{Active: new(false)}, 0)
	w.Must(err)
	if n := pending(); n != all-1_000 {
		t.Errorf("%d wait", n)
	}
	if w.serve(h) || pending() != 0 || len(w.names()) != 0 {
		t.Errorf("%d wait, sent %q", pending(), w.names())
	}
}

// A turn ends after a while, too, and what was sent is not repeated.
func TestASlowEndpointLetsOthersHaveTheirTurn(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	w.emit("asset.uploaded", "a", "b", "c")
	w.tell()
	w.answer = func(ports.WebhookMessage) core.Attempt {
		w.Clock.Shift(4 * time.Second)
		return core.Attempt{Status: 200}
	}
	if !w.serve(h) {
		t.Error("nothing is left")
	}
	if got := w.names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
}

// while makes something happen while the endpoint is about to answer so.
func (w world) while(answer core.Attempt, happens func()) {
	w.answer = func(m ports.WebhookMessage) core.Attempt {
		happens()
		answer.URL = m.URL
		return answer
	}
}

func TestAnAnswerFromWhereAWebhookLedSaysNothingOfIt(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	w.emit("asset.uploaded", "a")
	w.tell()
	w.while(core.Attempt{Status: 410}, func() {
		_, err := w.hooks.Update(t.Context(), w.ana.Actor, h.OrgID, h.ID, core.WebhookChange{URL: new("https://other.example/")}, 0)
		w.Must(err)
	})
	w.serve(h)
	got, err := w.hooks.Get(t.Context(), w.ana.Actor, h.OrgID, h.ID)
	w.Must(err)
	if d := w.deliveries(h)[0]; !got.Active || !got.FailingSince.IsZero() || d.Status != core.DeliveryPending || d.Tries != 0 || d.Attempts != 1 {
		t.Errorf("%+v %+v", got, d)
	}
	w.answer = nil
	w.serve(h)
	if d := w.deliveries(h)[0]; d.Status != core.DeliveryDelivered || d.Last.URL != "https://other.example/" {
		t.Errorf("%+v", d)
	}
}

func TestWhatIsAskedForDuringTheLastTryIsNotLost(t *testing.T) {
	w := newWorld(t, true)
	h := w.hook()
	w.emit("asset.uploaded", "a")
	w.tell()
	d := w.deliveries(h)[0]
	d.Tries = core.MaxTries - 1
	w.Write(func(tx ports.Tx) error { return tx.Deliveries.Save(t.Context(), d) })
	w.while(core.Attempt{Status: 500}, func() {
		_, err := w.hooks.Redeliver(t.Context(), w.ana.Actor, h.OrgID, h.ID, d.ID)
		w.Must(err)
	})
	w.serve(h)
	if got := w.deliveries(h)[0]; got.Status != core.DeliveryPending || got.Tries != 1 || got.NextAt.IsZero() {
		t.Errorf("%+v", got)
	}
	// What was given up meanwhile stays so.
	w.Clock.Shift(time.Minute)
	w.while(core.Attempt{Status: 500}, func() {
		_, err := w.hooks.Update(t.Context(), w.ana.Actor, h.OrgID, h.ID, core.WebhookChange{Active: new(false)}, 0)
		w.Must(err)
	})
	w.serve(h)
	if got := w.deliveries(h)[0]; got.Status != core.DeliveryFailed || got.Last.Status != 500 || got.Attempts != 2 {
		t.Errorf("%+v", got)
	}
}

func TestALongBacklogOfOneOrgDelaysNoOther(t *testing.T) {
	w := newWorld(t, true)
	h, ben := w.hook(), w.SignUp("ben")
	made, err := w.hooks.Create(t.Context(), ben.Actor, webhook.CreateInput{OrgID: ben.Org.ID, URL: "https://example.com/", Active: true})
	w.Must(err)
	w.Write(func(tx ports.Tx) error {
		es := make([]*core.Event, 250)
		for i := range es {
			es[i] = core.NewEvent(w.IDs.NewID(), h.OrgID, "asset.uploaded", nil, w.Clock.Now())
		}
		return errors.Join(app.Emit(t.Context(), tx, es...),
			app.Emit(t.Context(), tx, core.NewEvent(w.IDs.NewID(), ben.Org.ID, "asset.uploaded", nil, w.Clock.Now())))
	})
	more, err := w.hooks.FanOut(t.Context())
	w.Must(err)
	bens, err := w.hooks.Deliveries(t.Context(), ben.Actor, webhook.DeliveryQuery{OrgID: ben.Org.ID, WebhookID: made.Webhook.ID, Limit: 9})
	w.Must(err)
	if n := len(w.statuses(h)); !more || n != 200 || len(bens) != 1 {
		t.Errorf("%t, %d of one and %d of the other", more, n, len(bens))
	}
	w.tell()
	if n := len(w.statuses(h)); n != 250 {
		t.Errorf("%d", n)
	}
}

// Many slow endpoints of some orgs do not keep another's from its messages.
func TestManySlowEndpointsStarveNoOtherOrg(t *testing.T) {
	w := newWorld(t, true)
	held := make(chan struct{})
	w.answer = func(m ports.WebhookMessage) core.Attempt {
		if strings.Contains(m.URL, "slow") {
			<-held
		}
		return core.Attempt{Status: 204}
	}
	hook := func(p fixture.Person, url string) {
		_, err := w.hooks.Create(t.Context(), p.Actor, webhook.CreateInput{OrgID: p.Org.ID, URL: url, Active: true})
		w.Must(err)
		w.Write(func(tx ports.Tx) error {
			return app.Emit(t.Context(), tx, core.NewEvent(w.IDs.NewID(), p.Org.ID, "asset.uploaded", nil, w.Clock.Now()))
		})
		w.tell()
	}
	for i := range 7 {
		p := w.SignUp(fmt.Sprintf("slow-%d", i))
		for range 12 {
			hook(p, "https://slow.example/")
		}
	}
	hook(w.ana, "https://quick.example/")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.hooks.Run(ctx, func(err error) { t.Error(err) })
	}()
	until(t, "the quick one gets its message", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.ContainsFunc(w.got, func(m ports.WebhookMessage) bool { return strings.Contains(m.URL, "quick") })
	})
	time.Sleep(20 * time.Millisecond)
	w.mu.Lock()
	if n := len(w.got); n > 7*8+1 {
		t.Errorf("%d are on their way", n)
	}
	w.mu.Unlock()
	stop()
	close(held)
	<-ended
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
	w.emit("asset.uploaded", "left by a crash")
	go func() {
		defer close(ended)
		w.hooks.Run(ctx, func(err error) { t.Error(err) })
	}()
	until(t, "what a crash has left is sent", func() bool { return len(w.names()) == 1 })
	w.emit("node.moved", "slow 1", "slow 2")
	w.emit("asset.uploaded", "a", "b", "c")
	w.tell()
	until(t, "the quick one is not held up", func() bool { return len(w.names()) == 5 })
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
	w.tell()
	w.serve(h)
	w.answer = func(ports.WebhookMessage) core.Attempt { return core.Attempt{Status: 500} }
	w.emit("asset.uploaded", "b") // waits until it is given up
	w.tell()
	w.serve(h)
	w.Clock.Shift(30 * 24 * time.Hour)
	pruned := func(want ...core.DeliveryStatus) {
		t.Helper()
		w.Must(w.hooks.Prune(t.Context(), webhook.Prune{}))
		if got := w.statuses(h); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	}
	pruned(core.DeliveryPending, core.DeliveryDelivered)
	w.Clock.Shift(time.Microsecond)
	pruned(core.DeliveryPending)
	// Those of a webhook that was deleted go with it, however many there are.
	w.Must(w.hooks.Delete(t.Context(), w.ana.Actor, h.OrgID, h.ID, 0))
	w.Must(w.hooks.Prune(t.Context(), webhook.Prune{}))
	w.Write(func(tx ports.Tx) error {
		err := tx.Deliveries.Add(t.Context(), core.NewDelivery(core.DeliveryID(w.IDs.NewID()), h, &core.Event{ID: core.EventID(w.IDs.NewID())}, nil, w.Clock.Now()))
		if err == nil {
			t.Error("the webhook is still there")
		}
		return nil
	})
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
