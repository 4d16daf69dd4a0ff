package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/directpay"
	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/app/store"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

const (
	days  = 24 * time.Hour
	grace = 7 * days

	toTell = 6 * time.Hour // what a provider that renews by itself has, after the end of a period
)

// bank is a payment provider that does what a test says.
type bank struct {
	fails   error // of every call
	state   ports.CheckoutState
	begun   []core.TransactionID
	refunds map[string]int64 // by once
	ended   []string
	taken   []core.Payment
	over    *int // how many checkouts say that they are over
	next    ports.PaymentEvent
}

func (*bank) Name() string               { return "bank" }
func (*bank) Renewal() ports.RenewalMode { return ports.RenewalProvider }

func (b *bank) Checkout(_ context.Context, c ports.Checkout) (ports.CheckoutState, error) {
	b.begun = append(b.begun, c.Transaction.ID)
	if b.over != nil && *b.over > 0 {
		*b.over--
		return ports.CheckoutState{Failed: true}, b.fails
	}
	return ports.CheckoutState{Payment: core.Payment{Ref: "cs_" + c.Transaction.ID.String()}, URL: "https://bank.example/" + c.Transaction.ID.String()}, b.fails
}

func (b *bank) Look(context.Context, *core.Transaction) (ports.CheckoutState, error) {
	return b.state, b.fails
}
func (b *bank) Abandon(context.Context, *core.Transaction) error { return b.fails }

func (b *bank) Refund(_ context.Context, _ *core.Transaction, amount int64, once string) (total int64, err error) {
	if b.fails != nil {
		return 0, b.fails
	}
	b.refunds[once] = amount
	for _, n := range b.refunds {
		total += n
	}
	return total, nil
}

func (b *bank) EndSubscription(_ context.Context, ref string) error {
	b.ended = append(b.ended, ref)
	return b.fails
}

func (b *bank) Renewals(context.Context, string, time.Time) ([]core.Payment, error) {
	return b.taken, b.fails
}

func (b *bank) Event(http.Header, []byte, time.Time) (ports.PaymentEvent, error) {
	return b.next, b.fails
}

type world struct {
	*fixture.World
	*store.Service

	bank     *bank
	assets   *asset.Service
	drives   *drive.Service
	ana, ben fixture.Person
	events   int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: fixture.New(t, true), bank: &bank{refunds: map[string]int64{}}}
	w.Service = store.NewService(store.Deps{
		Store: w.Store, Access: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Currencies: system.Currencies{}, Zones: system.Zones{},
		Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, store.Providers{
		Default: "bank", All: map[string]ports.Payments{"bank": w.bank, core.ProviderManual: directpay.Manual{}},
	}, store.Options{Unlimited: true, Grace: grace, Batch: 100, AppURL: "https://app.example.com"})
	w.assets = asset.NewService(asset.Deps{
		Store: w.Store, Hot: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, asset.Options{Unlimited: true, DownloadTTL: time.Hour})
	w.drives = drive.NewService(drive.Deps{
		Store: w.Store, Access: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, drive.Options{Unlimited: true, TrashRetention: 30 * days, ChangeRetention: 30 * days})
	w.ana, w.ben = w.SignUp("ana"), w.SignUp("ben")
	t.Cleanup(w.sound)
	return w
}

// sound checks every invariant of what is stored.
func (w *world) sound() {
	w.Helper()
	now := w.Clock.Now()
	for v, err := range w.World.Store.Violations(context.Background(), now, now) {
		if err != nil || v.Invariant != "an upload does not outlive its time by more than an hour" {
			w.Errorf("%s: %s %s, %v", v.Invariant, v.Subject, v.Detail, err)
		}
	}
}

// file stores a file of ana's that is ready.
func (w *world) file(name string) core.AssetID {
	w.Helper()
	now := w.Clock.Now()
	id := core.AssetID(w.IDs.NewID())
	a := &core.Asset{
		Node: core.Node{
			ID: id, OrgID: w.ana.Org.ID, DriveID: w.ana.Drive.ID, ParentID: core.RootOf(w.ana.Drive.ID), Kind: core.KindAsset, Name: name,
			CreatedBy: w.ana.Account.ID, Version: 1, CreatedAt: now, UpdatedAt: now,
		},
		File: core.File{Status: core.AssetPending, ContentType: "text/plain", SizeBytes: 1, Newest: 1},
	}
	u := &core.Upload{
		ID: core.UploadID(w.IDs.NewID()), OrgID: a.OrgID, DriveID: a.DriveID, AssetID: id, Number: 1, BlobKey: core.BlobKey(a.OrgID, id, 1, name),
		ContentType: "text/plain", SizeBytes: 1, Strategy: core.UploadSingle, CreatedBy: a.CreatedBy, CreatedAt: now, CheckAt: now, ExpiresAt: now.Add(time.Hour),
	}
	w.Write(func(tx ports.Tx) error {
		_, _, err := tx.Quota.Reserve(w.Context(), ports.Reservation{Actor: w.ana.Actor, Upload: u, NewAsset: a, Unlimited: true, Now: now})
		return err
	})
	w.Write(func(tx ports.Tx) error {
		ctx := w.Context()
		a, err := tx.Assets.Get(ctx, a.OrgID, id)
		if err != nil {
			return err
		}
		v := &core.Version{
			AssetID: id, OrgID: a.OrgID, Number: 1, BlobKey: u.BlobKey, ContentType: u.ContentType, SizeBytes: 1, UploadID: u.ID, CreatedBy: a.CreatedBy, CreatedAt: now,
		}
		a.Finish(v, now)
		_, _, err = tx.Uploads.Finish(ctx, a.OrgID, time.Time{}, u.ID)
		return errors.Join(tx.Versions.Add(ctx, v), tx.Assets.Save(ctx, a), err)
	})
	return id
}

// sells makes a product of ana's, with a file in it, and publishes it.
func (w *world) sells(kind core.ProductType, amount int64) (core.ProductID, core.AssetID) {
	w.Helper()
	in := store.ProductInput{OrgID: w.ana.Org.ID, Name: "Presets", Type: kind, Price: core.Money{Amount: amount, Currency: "EUR"}}
	if kind == core.Membership {
		in.SubscriptionDays = 30
	}
	p, err := w.Create(w.Context(), w.ana.Actor, in)
	w.Must(err)
	file := w.file("file of " + p.Product.ID.String())
	w.links(p.Product.ID, file)
	_, err = w.Update(w.Context(), w.ana.Actor, w.ana.Org.ID, p.Product.ID, core.ProductChange{Status: new(core.ProductPublished)}, 0)
	w.Must(err)
	return p.Product.ID, file
}

func (w *world) links(p core.ProductID, node core.NodeID) {
	w.Helper()
	_, err := w.Link(w.Context(), w.ana.Actor, store.LinkInput{OrgID: w.ana.Org.ID, ProductID: p, NodeID: node, Position: 9})
	w.Must(err)
}

func (w *world) buys(who fixture.Person, p core.ProductID) *core.Transaction {
	w.Helper()
	t, err := w.Buy(w.Context(), who.Actor, store.BuyInput{ProductID: p})
	w.Must(err)
	return t
}

// tells lets the bank tell something, for the first time.
func (w *world) tells(e ports.PaymentEvent) error {
	w.Helper()
	w.events++
	e.ID = fmt.Sprintf("evt_%d", w.events)
	w.bank.next = e
	return w.Receive(w.Context(), "bank", nil, nil)
}

func pays(t *core.Transaction) ports.PaymentEvent {
	return ports.PaymentEvent{
		Kind: ports.PaymentPaid, Transaction: t.ID,
		Payment: core.Payment{Ref: t.ProviderRef, PaymentRef: "pi_" + t.ID.String(), Paid: t.Price},
	}
}

// bought is buys, and pays.
func (w *world) bought(who fixture.Person, p core.ProductID) *core.Transaction {
	w.Helper()
	t := w.buys(who, p)
	e := pays(t)
	if t.Type == core.Membership {
		e.SubscriptionRef = "sub_" + t.ID.String()
	}
	w.Must(w.tells(e))
	return w.transaction(who, t.ID)
}

func (w *world) transaction(who fixture.Person, id core.TransactionID) *core.Transaction {
	w.Helper()
	t, err := w.Transaction(w.Context(), who.Actor, id)
	w.Must(err)
	return t
}

func (w *world) membership(who fixture.Person) *core.Subscription {
	w.Helper()
	all, err := w.Memberships(w.Context(), who.Actor, ports.SubscriptionQuery{Limit: 1})
	w.Must(err)
	if len(all) != 1 {
		w.Fatal("no membership")
	}
	return all[0]
}

// may checks whether somebody gets a file.
func (w *world) may(who fixture.Person, file core.AssetID, want bool) {
	w.Helper()
	_, err := w.assets.Download(w.Context(), who.Actor, file)
	if want {
		w.Must(err)
		return
	}
	w.Fails(err, core.ErrNotFound)
}

// works does the jobs that wait, and returns the subjects of the mail.
func (w *world) works() (subjects []string) {
	w.Helper()
	for jobs := w.Queue.Take(); len(jobs) > 0; jobs = w.Queue.Take() {
		for _, job := range jobs {
			switch j := job.(type) {
			case store.Spread:
				w.Must(w.Spread(w.Context(), j))
			case store.Identify:
				w.Must(w.Identify(w.Context(), j))
			case store.EndAtProvider:
				w.Must(w.EndAtProvider(w.Context(), j))
			case store.GiveBack:
				w.Must(w.GiveBack(w.Context(), j))
			case app.EndSubscriptions:
				w.Must(w.EndSubscriptions(w.Context(), j))
			case app.SendMail:
				subjects = append(subjects, w.Mail(j).Subject)
			}
		}
	}
	return subjects
}

func TestAnOrderThatTheProviderDidNotTakeGoesOn(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Digital, 1_900)
	w.bank.fails = core.ErrUnavailable
	_, err := w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: p})
	w.Fails(err, core.ErrUnavailable)
	w.bank.fails = nil
	order := w.buys(w.ben, p)
	if again := w.buys(w.ben, p); again.ID != order.ID || again.CheckoutURL != order.CheckoutURL || len(w.bank.begun) != 2 || w.bank.begun[0] != w.bank.begun[1] {
		t.Errorf("begun %v, %+v", w.bank.begun, again)
	}
	w.may(w.ben, file, false)

	// What the provider never told is found by asking.
	w.bank.state = ports.CheckoutState{Done: true, Payment: pays(order).Payment}
	w.Must(w.Settle(w.Context(), store.Settle{}))
	w.may(w.ben, file, false) // not yet: those who are at it have time
	w.Clock.Shift(time.Hour)
	w.Must(w.Settle(w.Context(), store.Settle{}))
	w.may(w.ben, file, true)
	w.Must(w.tells(pays(order))) // late, and by now no news
	if mail := w.works(); len(mail) != 1 || mail[0] != "Your receipt: Presets" {
		t.Errorf("mail %q", mail)
	}
	_, err = w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: p})
	w.Fails(err, core.ErrAlreadyOwned)
}

func TestAnOrderThatIsRefusedFails(t *testing.T) {
	w := newWorld(t)
	p, _ := w.sells(core.Digital, 1)
	w.bank.fails = core.ErrPaymentRefused
	_, err := w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: p})
	w.Fails(err, core.ErrPaymentRefused)
	all, err := w.Purchases(w.Context(), w.ben.Actor, ports.TransactionQuery{Limit: 9})
	w.Must(err)
	if len(all) != 1 || all[0].Status != core.TransactionFailed || all[0].FailReason != core.FailedDeclined {
		t.Errorf("%+v", all)
	}
	w.bank.fails = nil
	if order := w.buys(w.ben, p); order.ID == all[0].ID {
		t.Error("the failed order goes on")
	}
}

func TestAnOrderThatNobodyPaysEnds(t *testing.T) {
	w := newWorld(t)
	p, _ := w.sells(core.Digital, 1)
	order := w.buys(w.ben, p)
	w.Clock.Shift(core.PendingTTL)
	w.bank.fails = core.ErrConflict // it is being paid at this moment
	if err := w.Settle(w.Context(), store.Settle{}); err == nil {
		t.Error("the bank cannot be asked, and nobody says so")
	}
	w.bank.fails = nil
	w.Must(w.Settle(w.Context(), store.Settle{}))
	got := w.transaction(w.ben, order.ID)
	if got.Status != core.TransactionFailed || got.FailReason != core.FailedExpired {
		t.Errorf("%+v", got)
	}
	for range 2 { // the provider has let it be paid all the same
		w.Must(w.tells(pays(order)))
	}
	w.givenBack(order.ID, w.ben)
	next := w.buys(w.ben, p)
	done, err := w.Abandon(w.Context(), w.ben.Actor, next.ID)
	w.Must(err)
	if done.Status != core.TransactionFailed || done.FailReason != core.FailedCanceled {
		t.Errorf("%+v", done)
	}
	_, err = w.Abandon(w.Context(), w.SignUp("eve").Actor, next.ID)
	w.Fails(err, core.ErrNotFound)
}

// givenBack checks that all that was paid for a failed purchase comes back.
func (w *world) givenBack(id core.TransactionID, buyer fixture.Person) {
	w.Helper()
	mail := w.works()
	got := w.transaction(buyer, id)
	if got.Status != core.TransactionFailed || got.FailReason != core.FailedPaidLate || got.Refunded != got.Price.Amount || w.bank.refunds[fmt.Sprintf("%s-0-%d", id, got.Refunded)] != got.Refunded {
		w.Errorf("%+v, refunds %v", got, w.bank.refunds)
	}
	if strings.Count(fmt.Sprint(mail), "refund") != 1 {
		w.Errorf("mail %q", mail)
	}
}

// TestWhatCannotBeHadAnyMoreIsGivenBack: the buyer pays while it goes.
func TestWhatCannotBeHadAnyMoreIsGivenBack(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Digital, 1_900)
	order := w.buys(w.ben, p)
	sc, err := w.drives.Enter(w.Context(), w.ana.Actor, w.ana.Drive.ID)
	w.Must(err)
	w.Must(w.drives.Delete(w.Context(), sc, file, true, 0))
	w.Must(w.tells(pays(order)))
	w.givenBack(order.ID, w.ben)

	// Nothing to pay, and an org that has been paid itself.
	free, file := w.sells(core.Digital, 0)
	w.Must(w.drives.Delete(w.Context(), sc, file, true, 0))
	_, err = w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: free})
	w.Fails(err, core.ErrNotForSale)
	_, err = w.Update(w.Context(), w.ana.Actor, w.ana.Org.ID, p, core.ProductChange{Status: new(core.ProductArchived)}, 0)
	w.Must(err)
}

// TestMoneyForAMembershipThatIsNotThereAnyMore is given back, and no more of it
// is taken.
func TestMoneyForAMembershipThatIsNotThereAnyMore(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Membership, 900)
	first := w.bought(w.ben, p)
	old := w.membership(w.ben)
	w.Clock.Shift(30*days + 7*time.Hour)
	w.Must(w.Renew(w.Context(), store.Renew{}))
	w.bought(w.ben, p) // past due: paid by buying it
	w.works()
	w.may(w.ben, file, true)
	if got := w.membership(w.ben); got.ID != old.ID || got.ProviderRef == old.ProviderRef || fmt.Sprint(w.bank.ended) != "["+old.ProviderRef+"]" {
		t.Errorf("%+v, ended %v", got, w.bank.ended)
	}
	renew := ports.PaymentEvent{
		Kind: ports.PaymentRenewed, Transaction: first.ID, SubscriptionRef: old.ProviderRef,
		Payment: core.Payment{Ref: "in_1", PaymentRef: "pi_in_1", Paid: core.Money{Amount: 900, Currency: "EUR"}},
	}
	for range 2 {
		w.Must(w.tells(renew))
	}
	w.works()
	if len(w.bank.ended) != 2 || len(w.bank.refunds) != 1 {
		t.Errorf("ended %v, given back %v", w.bank.ended, w.bank.refunds)
	}
	w.may(w.ben, file, true)
}

// TestARenewalOfWhichNobodyTold is found before a membership ends.
func TestARenewalOfWhichNobodyTold(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Membership, 900)
	w.bought(w.ben, p)
	sub := w.membership(w.ben)
	w.bank.taken = []core.Payment{{Ref: "in_1", PaymentRef: "pi_1", Paid: core.Money{Amount: 900, Currency: "EUR"}}}
	w.Clock.Shift(30*days + 7*time.Hour)
	for range 2 {
		w.Must(w.Renew(w.Context(), store.Renew{}))
	}
	got := w.membership(w.ben)
	if got.Status != core.SubscriptionActive || got.PeriodEnd != sub.PeriodEnd.Add(30*days) {
		t.Errorf("%+v", got)
	}
	w.Clock.Shift(30 * days)
	w.bank.fails = core.ErrUnavailable
	if err := w.Renew(w.Context(), store.Renew{}); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Renew = %v", err)
	}
	w.bank.fails = nil
	w.Must(w.Renew(w.Context(), store.Renew{})) // that it took once, it has not taken twice
	if got := w.membership(w.ben); got.Status != core.SubscriptionPastDue {
		t.Errorf("%+v", got)
	}
	w.bank.taken = append(w.bank.taken, core.Payment{Ref: "in_2", PaymentRef: "pi_2", Paid: core.Money{Amount: 900, Currency: "EUR"}})
	w.Clock.Shift(grace)
	w.may(w.ben, file, false)
	w.Must(w.Renew(w.Context(), store.Renew{})) // before it ends
	w.may(w.ben, file, true)
}

// TestAPageThatIsOverKeepsNobodyFromOrdering: a page on which one pays that is over,
// of which nobody told, keeps nobody from ordering.
func TestAPageThatIsOverKeepsNobodyFromOrdering(t *testing.T) {
	w := newWorld(t)
	p, _ := w.sells(core.Digital, 1_900)
	order := w.buys(w.ben, p)
	w.Clock.Shift(core.PendingTTL)
	over := 1
	w.bank.over = &over
	next := w.buys(w.ben, p)
	if got := w.transaction(w.ben, order.ID); got.Status != core.TransactionFailed || next.ID == order.ID || next.CheckoutURL == "" {
		t.Errorf("%+v, then %+v", got, next)
	}
	w.bank.over = new(99)
	w.Clock.Shift(core.PendingTTL)
	_, err := w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: p})
	w.Fails(err, core.ErrUnavailable)
	w.bank.over = nil
}

// TestEventsInAnyOrder: what comes too early is refused, so that it comes again.
func TestEventsInAnyOrder(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Digital, 1_900)
	order := w.buys(w.ben, p)
	wrong := pays(order)
	wrong.Paid.Amount--
	w.Fails(w.tells(wrong), core.ErrPaymentMismatch)
	w.Fails(w.Receive(w.Context(), "bank", nil, nil), core.ErrPaymentMismatch) // it has had no effect, so it is not known
	refund := ports.PaymentEvent{Kind: ports.PaymentRefunded, Transaction: order.ID, Refunded: 1_900}
	w.Fails(w.tells(refund), core.ErrPaymentEarly)
	w.Fails(w.tells(ports.PaymentEvent{Kind: ports.PaymentDisputed, Transaction: order.ID}), core.ErrPaymentEarly)
	stranger := pays(order)
	stranger.Transaction = core.TransactionID(w.IDs.NewID())
	w.Must(w.tells(stranger))
	w.Must(w.tells(ports.PaymentEvent{Kind: ports.PaymentRefunded, Payment: core.Payment{PaymentRef: "pi_of another shop"}, Refunded: 1}))
	w.may(w.ben, file, false)

	w.Must(w.tells(pays(order)))
	w.Must(w.Receive(w.Context(), "bank", nil, nil)) // the same once more
	twice := pays(order)
	twice.PaymentRef = "pi_other"
	w.Fails(w.tells(twice), core.ErrTransactionState)
	w.Must(w.tells(ports.PaymentEvent{Kind: ports.PaymentFailed, Transaction: order.ID})) // which came late
	w.may(w.ben, file, true)

	byMoney := ports.PaymentEvent{Payment: core.Payment{PaymentRef: "pi_" + order.ID.String()}}
	byMoney.Kind = ports.PaymentDisputed
	w.Must(w.tells(byMoney))
	w.may(w.ben, file, false)
	byMoney.Kind, byMoney.Won = ports.PaymentSettled, true
	w.Must(w.tells(byMoney))
	w.may(w.ben, file, true)
	byMoney.Kind, byMoney.Refunded = ports.PaymentRefunded, 500
	w.Must(w.tells(byMoney))
	w.may(w.ben, file, true)
	byMoney.Kind = ports.PaymentDisputed
	w.Must(w.tells(byMoney))
	byMoney.Kind, byMoney.Won = ports.PaymentSettled, false
	w.Must(w.tells(byMoney))
	w.may(w.ben, file, false)
	if got := w.transaction(w.ben, order.ID); got.Status != core.TransactionRefunded || got.Refunded != 1_900 || !got.DisputedAt.IsZero() {
		t.Errorf("%+v", got)
	}
	w.Must(w.tells(pays(order))) // after all that
	w.may(w.ben, file, false)
	w.Fails(w.Receive(w.Context(), "other", nil, nil), core.ErrNotFound)
}

// TestMoneyGetsItsName: where the provider does not say at once by what name it
// knows the money, it is asked; until then nobody can tell whose an event is.
func TestMoneyGetsItsName(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Digital, 1_900)
	order := w.buys(w.ben, p)
	e := pays(order)
	e.PaymentRef = ""
	w.Must(w.tells(e))
	unknown := ports.PaymentEvent{Kind: ports.PaymentRefunded, Payment: core.Payment{PaymentRef: "pi_1"}, Refunded: 1_900}
	w.Fails(w.tells(unknown), core.ErrPaymentEarly)
	w.bank.state = ports.CheckoutState{Done: true, Payment: core.Payment{PaymentRef: "pi_1"}}
	w.works()
	w.Must(w.tells(unknown))
	w.may(w.ben, file, false)
}

func TestARefundGoesThroughTheProviderOnce(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Digital, 1_900)
	order := w.bought(w.ben, p)
	refund := func(amount int64) (*core.Transaction, error) {
		return w.Refund(w.Context(), w.ana.Actor, store.RefundInput{ID: order.ID, Amount: &amount})
	}
	w.bank.fails = core.ErrUnavailable
	_, err := refund(500)
	w.Fails(err, core.ErrUnavailable)
	w.bank.fails = nil
	got, err := refund(500)
	w.Must(err)
	if got.Refunded != 500 || got.Status != core.TransactionCompleted || len(w.bank.refunds) != 1 {
		t.Errorf("%+v, %v", got, w.bank.refunds)
	}
	_, err = refund(1_401)
	w.Fails(err, core.ErrRefundTooHigh)
	w.may(w.ben, file, true)
	_, err = w.Refund(w.Context(), w.ben.Actor, store.RefundInput{ID: order.ID})
	w.Fails(err, core.ErrForbidden)
	_, err = w.Refund(w.Context(), w.SignUp("eve").Actor, store.RefundInput{ID: order.ID})
	w.Fails(err, core.ErrNotFound)
	_, err = w.Refund(w.Context(), w.ana.Actor, store.RefundInput{ID: order.ID, IfMatch: 1})
	w.Fails(err, core.ErrStale)
	got, err = w.Refund(w.Context(), w.ana.Actor, store.RefundInput{ID: order.ID})
	w.Must(err)
	if got.Refunded != 1_900 || got.Status != core.TransactionRefunded {
		t.Errorf("%+v", got)
	}
	w.may(w.ben, file, false)
	if mail := w.works(); fmt.Sprint(mail) != "[Your receipt: Presets Your refund: Presets Your refund: Presets]" {
		t.Errorf("mail %q", mail)
	}
}

// TestTheProviderRenewsAMembership: it takes the money by itself and tells.
func TestTheProviderRenewsAMembership(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Membership, 900)
	first := w.bought(w.ben, p)
	sub := w.membership(w.ben)
	renew := ports.PaymentEvent{
		Kind: ports.PaymentRenewed, Transaction: first.ID, SubscriptionRef: sub.ProviderRef,
		Payment: core.Payment{Ref: "in_1", PaymentRef: "pi_in_1", Paid: core.Money{Amount: 1_000, Currency: "EUR"}},
	}
	w.Clock.Shift(30*days + time.Hour)
	w.Must(w.Renew(w.Context(), store.Renew{})) // the provider is at it
	if got := w.membership(w.ben); got.Status != core.SubscriptionActive {
		t.Errorf("%+v", got)
	}
	w.may(w.ben, file, true)
	w.Must(w.tells(renew))
	w.Must(w.tells(renew)) // told by two events
	got := w.membership(w.ben)
	if got.PeriodStart != sub.PeriodEnd || got.PeriodEnd != sub.PeriodEnd.Add(30*days) || got.TransactionID == first.ID {
		t.Errorf("%+v", got)
	}
	if second := w.transaction(w.ben, got.TransactionID); !second.Renewal || second.Price.Amount != 1_000 || second.PaymentRef != "pi_in_1" {
		t.Errorf("%+v", second)
	}

	// The next payment fails; then it works; then the provider gives up.
	w.Clock.Shift(30 * days)
	lapse := ports.PaymentEvent{Kind: ports.PaymentLapsed, SubscriptionRef: sub.ProviderRef}
	w.Must(w.tells(lapse))
	w.Must(w.tells(lapse))
	if got := w.membership(w.ben); got.Status != core.SubscriptionPastDue {
		t.Errorf("%+v", got)
	}
	w.may(w.ben, file, true)
	renew.Ref, renew.PaymentRef = "in_2", "pi_in_2"
	w.Must(w.tells(renew))
	w.may(w.ben, file, true)
	w.Must(w.tells(ports.PaymentEvent{Kind: ports.PaymentEnded, SubscriptionRef: sub.ProviderRef}))
	got = w.membership(w.ben)
	if got.Status != core.SubscriptionCanceled {
		t.Errorf("%+v", got)
	}
	w.Clock.Shift(got.PeriodEnd.Sub(w.Clock.Now()) - time.Microsecond)
	w.may(w.ben, file, true)
	w.Clock.Shift(time.Microsecond)
	w.may(w.ben, file, false)
	w.Must(w.Renew(w.Context(), store.Renew{}))
	all, err := w.Memberships(w.Context(), w.ben.Actor, ports.SubscriptionQuery{Limit: 9})
	w.Must(err)
	if len(all) != 1 || all[0].Status != core.SubscriptionExpired {
		t.Errorf("%+v", all)
	}
	w.Must(w.tells(lapse)) // of what is over
	w.Must(w.tells(ports.PaymentEvent{Kind: ports.PaymentLapsed, SubscriptionRef: "sub_of another shop"}))
	mail := strings.Join(w.works(), ", ")
	if strings.Count(mail, "has to be paid") != 1 || strings.Count(mail, "receipt") != 3 {
		t.Errorf("mail: %s", mail)
	}

	// A late payment begins it for a period, and the provider hears again that it
	// shall take no more.
	w.works()
	ended := len(w.bank.ended)
	renew.Ref, renew.PaymentRef = "in_3", "pi_in_3"
	w.Must(w.tells(renew))
	w.may(w.ben, file, true)
	w.works()
	if got := w.membership(w.ben); got.Status != core.SubscriptionCanceled || len(w.bank.ended) != ended+1 {
		t.Errorf("%+v, ended %v", got, w.bank.ended)
	}
}

func TestWhoLetsAMembershipEndBuysItAnew(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Membership, 900)
	w.bought(w.ben, p)
	sub := w.membership(w.ben)
	_, err := w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: p})
	w.Fails(err, core.ErrAlreadyOwned)
	_, err = w.CancelSubscription(w.Context(), w.SignUp("eve").Actor, sub.ID)
	w.Fails(err, core.ErrNotFound)
	for range 2 {
		_, err = w.CancelSubscription(w.Context(), w.ben.Actor, sub.ID)
		w.Must(err)
	}
	w.works()
	if fmt.Sprint(w.bank.ended) != "["+sub.ProviderRef+"]" {
		t.Errorf("ended %v", w.bank.ended)
	}
	_, err = w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: p}) // there is access still
	w.Fails(err, core.ErrAlreadyOwned)
	w.Clock.Shift(30 * days)
	w.may(w.ben, file, false)
	w.bought(w.ben, p) // before the job that ends the old one has run
	w.may(w.ben, file, true)
	got := w.membership(w.ben)
	if got.ID != sub.ID || got.Status != core.SubscriptionActive || got.ProviderRef == sub.ProviderRef || got.PeriodEnd != w.Clock.Now().Add(30*days) {
		t.Errorf("%+v", got)
	}
	w.Must(w.Renew(w.Context(), store.Renew{}))
	w.may(w.ben, file, true)
}

func TestAMembershipIsNotBoughtTwiceWhileItsProviderRenewsIt(t *testing.T) {
	w := newWorld(t)
	product, file := w.sells(core.Membership, 900)
	w.bought(w.ben, product)
	w.Clock.Shift(30 * days)
	w.Must(w.Renew(w.Context(), store.Renew{}))
	_, err := w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: product})
	w.Fails(err, core.ErrAlreadyOwned)
	w.may(w.ben, file, true)
	w.Clock.Shift(toTell)
	w.Must(w.Renew(w.Context(), store.Renew{}))
	w.buys(w.ben, product)
}

// TestWhatIsRefundedOfAMembership: the present period ends it, an old one does not.
func TestWhatIsRefundedOfAMembership(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Membership, 900)
	first := w.bought(w.ben, p)
	sub := w.membership(w.ben)
	w.Must(w.tells(ports.PaymentEvent{Kind: ports.PaymentDisputed, Transaction: first.ID}))
	w.may(w.ben, file, false)
	w.Clock.Shift(30 * days)
	w.Must(w.tells(ports.PaymentEvent{
		Kind: ports.PaymentRenewed, SubscriptionRef: sub.ProviderRef, Payment: core.Payment{Ref: "in_1", PaymentRef: "pi_in_1", Paid: first.Price},
	}))
	w.may(w.ben, file, true) // nobody disputes what was paid for this period
	_, err := w.Refund(w.Context(), w.ana.Actor, store.RefundInput{ID: first.ID})
	w.Must(err)
	w.may(w.ben, file, true)
	_, err = w.Refund(w.Context(), w.ana.Actor, store.RefundInput{ID: w.membership(w.ben).TransactionID})
	w.Must(err)
	w.may(w.ben, file, false)
	w.works()
	if fmt.Sprint(w.bank.ended) != "["+sub.ProviderRef+"]" {
		t.Errorf("ended %v", w.bank.ended)
	}
}

// TestWhatIsLinkedLaterReachesAll: in batches, each of which makes the next.
func TestWhatIsLinkedLaterReachesAll(t *testing.T) {
	w := newWorld(t)
	p, _ := w.sells(core.Digital, 0)
	m, _ := w.sells(core.Membership, 0)
	const holders = 230 // two batches and a part
	people := make([]fixture.Person, 0, holders)
	for i := range holders {
		people = append(people, w.SignUp(fmt.Sprintf("p%d", i)))
		w.buys(people[i], p)
	}
	w.buys(w.ben, m)
	w.works()
	late := w.file("late")
	w.links(p, late)
	jobs := w.Queue.Take()
	if len(jobs) != 1 {
		t.Fatalf("%d jobs", len(jobs))
	}
	first, ok := jobs[0].(store.Spread)
	if !ok {
		t.Fatalf("%T", jobs[0])
	}
	w.Must(w.Spread(w.Context(), first))
	w.may(people[0], late, true)
	w.may(people[holders-1], late, false)
	w.Must(w.Spread(w.Context(), first)) // it was cut off before it was known to be done
	w.works()
	for _, i := range []int{0, 99, 100, 199, 200, holders - 1} {
		w.may(people[i], late, true)
	}
	w.may(w.ben, late, false)
	w.links(m, late)
	w.works()
	w.may(w.ben, late, true)

	// Taken away again before all had it: those after do not get it.
	gone := w.file("gone")
	w.links(p, gone)
	jobs = w.Queue.Take()
	w.Must(w.Unlink(w.Context(), w.ana.Actor, w.ana.Org.ID, p, gone))
	for _, job := range jobs {
		if j, ok := job.(store.Spread); ok {
			w.Must(w.Spread(w.Context(), j))
		}
	}
	w.may(people[0], gone, false)
}

func TestNobodyGoesOnPaying(t *testing.T) {
	w := newWorld(t)
	p, _ := w.sells(core.Membership, 900)
	eve := w.SignUp("eve")
	w.bought(w.ben, p)
	w.bought(eve, p)
	w.works()
	bens, eves := w.membership(w.ben), w.membership(eve)
	q, _ := w.sells(core.Digital, 900)
	order, hers := w.buys(w.ben, q), w.buys(eve, q)
	w.Must(w.EndSubscriptions(w.Context(), app.EndSubscriptions{UserID: w.ben.User.ID}))
	w.works()
	if fmt.Sprint(w.bank.ended) != "["+bens.ProviderRef+"]" {
		t.Errorf("ended %v", w.bank.ended)
	}
	if got := w.transaction(w.ben, order.ID); got.Status != core.TransactionFailed || got.FailReason != core.FailedCanceled {
		t.Errorf("%+v", got)
	}
	if got := w.transaction(eve, hers.ID); got.Status != core.TransactionPending {
		t.Errorf("%+v", got)
	}
	w.bank.fails = core.ErrUnavailable // the memberships are ended all the same
	w.Fails(w.EndSubscriptions(w.Context(), app.EndSubscriptions{OrgID: w.ana.Org.ID}), core.ErrUnavailable)
	w.bank.fails = nil
	for range 2 {
		w.Must(w.EndSubscriptions(w.Context(), app.EndSubscriptions{OrgID: w.ana.Org.ID}))
	}
	w.works()
	if fmt.Sprint(w.bank.ended) != "["+bens.ProviderRef+" "+eves.ProviderRef+"]" {
		t.Errorf("ended %v", w.bank.ended)
	}
}

// TestWhatIsSoldIsNotRemoved on any way there is.
func TestWhatIsSoldIsNotRemoved(t *testing.T) {
	w := newWorld(t)
	p, file := w.sells(core.Digital, 1_900)
	order := w.bought(w.ben, p)
	sc, err := w.drives.Enter(w.Context(), w.ana.Actor, w.ana.Drive.ID)
	w.Must(err)
	beside := w.file("beside")
	for _, id := range []core.AssetID{file, beside} {
		w.Must(w.drives.Delete(w.Context(), sc, id, false, 0))
	}
	err = w.drives.Delete(w.Context(), sc, file, true, 0)
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Code != "sold" || e.Details["live_entitlements"] != int64(1) {
		t.Errorf("%v", err)
	}
	w.Must(w.drives.EmptyTrash(w.Context(), sc))
	w.Must(w.drives.EmptyDrive(w.Context(), drive.EmptyDrive{OrgID: w.ana.Org.ID, DriveID: w.ana.Drive.ID, Before: w.Clock.Now()}))
	w.Clock.Shift(100 * days)
	w.Must(w.drives.Housekeep(w.Context(), drive.Housekeep{}))
	w.may(w.ben, file, true)
	_, err = w.drives.EnterAt(w.Context(), w.ana.Actor, beside)
	w.Fails(err, core.ErrNotFound)
	_, err = w.Refund(w.Context(), w.ana.Actor, store.RefundInput{ID: order.ID})
	w.Must(err)
	w.Must(w.drives.Housekeep(w.Context(), drive.Housekeep{}))
	_, err = w.drives.EnterAt(w.Context(), w.ana.Actor, file)
	w.Fails(err, core.ErrNotFound)
	if links, err := w.Links(w.Context(), w.ana.Actor, w.ana.Org.ID, p); err != nil || len(links) != 0 {
		t.Errorf("%v, %v", links, err)
	}
	_, err = w.Buy(w.Context(), w.ben.Actor, store.BuyInput{ProductID: p})
	w.Fails(err, core.ErrNotForSale)
}
