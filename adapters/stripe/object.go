package stripe

import (
	"encoding/json"
	"slices"

	"github.com/stripe/stripe-go/v85"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// What of Stripe's objects is read in events. The structs of the library are
// those of one version of the API, while events come in the version of the
// account or of the endpoint: a field elsewhere that has changed its type would
// make them unreadable.

// link is the id of another object, or that object.
type link string

// UnmarshalJSON implements json.Unmarshaler.
func (l *link) UnmarshalJSON(b []byte) error {
	var o struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(b, &o.ID)
	if err != nil {
		err = json.Unmarshal(b, &o)
	}
	*l = link(o.ID)
	return err
}

// marks is the metadata of an object.
type marks struct {
	Transaction string `json:"coffer_transaction"`
}

// transaction is whose the object is, or zero: then it is not Coffer's.
func (m marks) transaction() core.TransactionID {
	id, err := core.ParseID[core.Transaction](m.Transaction)
	if err != nil {
		return core.TransactionID{}
	}
	return id
}

type session struct {
	ID            string                              `json:"id"`
	PaymentStatus stripe.CheckoutSessionPaymentStatus `json:"payment_status"`
	AmountTotal   int64                               `json:"amount_total"`
	Currency      string                              `json:"currency"`
	PaymentIntent link                                `json:"payment_intent"`
	Subscription  link                                `json:"subscription"`
	Metadata      marks                               `json:"metadata"`
}

// readPaid reads a session that is complete. One that still waits for the money
// is of no concern: another event tells of that.
func readPaid(object []byte) (out ports.PaymentEvent, err error) {
	var s session
	if err := json.Unmarshal(object, &s); err != nil {
		return out, err
	}
	out.Transaction = s.Metadata.transaction()
	if out.Transaction.IsZero() || !isPaid(s.PaymentStatus) {
		return out, nil
	}
	out.Kind, out.Ref, out.PaymentRef, out.SubscriptionRef = ports.PaymentPaid, s.ID, string(s.PaymentIntent), string(s.Subscription)
	out.Paid, err = fromStripe(s.AmountTotal, s.Currency)
	return out, err
}

func readFailed(object []byte) (out ports.PaymentEvent, err error) {
	var s session
	if err := json.Unmarshal(object, &s); err != nil {
		return out, err
	}
	if out.Transaction = s.Metadata.transaction(); !out.Transaction.IsZero() {
		out.Kind, out.Ref = ports.PaymentFailed, s.ID
	}
	return out, nil
}

type charge struct {
	ID             string `json:"id"`
	AmountRefunded int64  `json:"amount_refunded"`
	Currency       string `json:"currency"`
	PaymentIntent  link   `json:"payment_intent"`
	Metadata       marks  `json:"metadata"`
}

// readRefunded reads a charge. That of a membership has no metadata, so one
// without may be Coffer's; in a currency of which Stripe's count is not known,
// it is not.
func readRefunded(object []byte) (out ports.PaymentEvent, err error) {
	var c charge
	if err := json.Unmarshal(object, &c); err != nil {
		return out, err
	}
	out.Transaction, out.PaymentRef = c.Metadata.transaction(), string(c.PaymentIntent)
	if out.PaymentRef == "" {
		out.PaymentRef = c.ID
	}
	given, err := fromStripe(c.AmountRefunded, c.Currency)
	if err != nil && out.Transaction.IsZero() {
		return ports.PaymentEvent{}, nil
	}
	out.Kind, out.Refunded = ports.PaymentRefunded, given.Amount
	return out, err
}

type dispute struct {
	Charge        link   `json:"charge"`
	PaymentIntent link   `json:"payment_intent"`
	Status        string `json:"status"`
	Metadata      marks  `json:"metadata"`
}

func readDisputed(object []byte) (out ports.PaymentEvent, err error) {
	_, out, err = readDispute(object, ports.PaymentDisputed)
	return out, err
}

// readSettled reads a dispute that is closed. A warning that is closed has cost
// nothing; one that was prevented has been given back.
func readSettled(object []byte) (ports.PaymentEvent, error) {
	d, out, err := readDispute(object, ports.PaymentSettled)
	won := []string{string(stripe.DisputeStatusWon), string(stripe.DisputeStatusWarningClosed)}
	out.Won = out.Kind != "" && slices.Contains(won, d.Status)
	return out, err
}

func readDispute(object []byte, kind ports.PaymentEventKind) (d dispute, out ports.PaymentEvent, err error) {
	if err := json.Unmarshal(object, &d); err != nil {
		return d, out, err
	}
	out.Transaction, out.PaymentRef = d.Metadata.transaction(), string(d.PaymentIntent)
	if out.PaymentRef == "" {
		out.PaymentRef = string(d.Charge)
	}
	if out.PaymentRef != "" || !out.Transaction.IsZero() {
		out.Kind = kind
	}
	return d, out, nil
}
