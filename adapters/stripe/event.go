package stripe

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// reader reads the object that an event is about. What is not Coffer's, or of
// no concern, has no kind.
type reader func(object []byte) (ports.PaymentEvent, error)

var readers = map[string]reader{
	string(stripe.EventTypeCheckoutSessionCompleted):             readPaid,
	string(stripe.EventTypeCheckoutSessionAsyncPaymentSucceeded): readPaid,
	string(stripe.EventTypeCheckoutSessionAsyncPaymentFailed):    readFailed,
	string(stripe.EventTypeCheckoutSessionExpired):               readFailed,
	string(stripe.EventTypeChargeRefunded):                       readRefunded,
	string(stripe.EventTypeChargeDisputeCreated):                 readDisputed,
	string(stripe.EventTypeChargeDisputeClosed):                  readSettled,
	string(stripe.EventTypeInvoicePaid):                          readRenewed,
	string(stripe.EventTypeInvoicePaymentFailed):                 readLapsed,
	string(stripe.EventTypeCustomerSubscriptionUpdated):          readEnding,
	string(stripe.EventTypeCustomerSubscriptionDeleted):          readEnded,
}

// EventTypes are the types of event that an endpoint at Stripe must send here,
// in alphabetical order. The API version of the endpoint may be any since 2024.
func EventTypes() []string { return slices.Sorted(maps.Keys(readers)) }

// Event implements ports.Payments. The signature is Stripe's scheme v1
// (https://docs.stripe.com/webhooks#verify-manually); a retry is signed anew,
// with the time of that retry. An event that is Stripe's, is of a type in
// EventTypes, and cannot be read all the same is ErrPaymentEvent too, not
// ignored: the Dashboard then shows it as failed, and it can be sent again.
func (p *Payments) Event(header http.Header, body []byte, now time.Time) (ports.PaymentEvent, error) {
	if err := p.verify(header.Get("Stripe-Signature"), body, now); err != nil {
		return ports.PaymentEvent{}, err
	}
	var e struct {
		ID     string `json:"id"`
		Object string `json:"object"`
		Type   string `json:"type"`
		Data   struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Object != "event" || !isID(e.ID) {
		return ports.PaymentEvent{}, unreadable("it is no event of API version 1")
	}
	read, ok := readers[e.Type]
	if !ok {
		return ports.PaymentEvent{ID: e.ID, Kind: ports.PaymentIgnored}, nil
	}
	out, err := read(e.Data.Object)
	if err != nil {
		return ports.PaymentEvent{}, unreadable(fmt.Sprintf("%s, %s: %v", e.ID, e.Type, err))
	}
	for _, ref := range []string{out.Ref, out.PaymentRef, out.SubscriptionRef} {
		if ref != "" && !isID(ref) {
			return ports.PaymentEvent{}, unreadable(e.ID + " refers to what is no id")
		}
	}
	if out.Kind == "" {
		out = ports.PaymentEvent{Kind: ports.PaymentIgnored}
	}
	out.ID = e.ID
	return out, nil
}

// verify refuses what Stripe has not signed around now. The library knows the
// machine's time only, so it is asked for the signature alone.
func (p *Payments) verify(signature string, body []byte, now time.Time) error {
	if p.secret == "" { // by which anybody could sign
		return core.ErrPaymentEvent
	}
	if err := webhook.ValidatePayloadIgnoringTolerance(body, signature, p.secret); err != nil {
		return fmt.Errorf("%w (%w)", core.ErrPaymentEvent, err)
	}
	signed := signedAt(signature)
	if age := now.Sub(signed); age > p.skew || age < -p.skew {
		return fmt.Errorf("%w (signed %v, and it is %v)", core.ErrPaymentEvent, signed, now)
	}
	return nil
}

// signedAt is the time that the signature covers: of several the last one, as
// the library has it.
func signedAt(signature string) (at time.Time) {
	for pair := range strings.SplitSeq(signature, ",") {
		if text, ok := strings.CutPrefix(pair, "t="); ok {
			seconds, _ := strconv.ParseInt(text, 10, 64) // the library has parsed it
			at = time.Unix(seconds, 0).UTC()
		}
	}
	return at
}

func unreadable(why string) error {
	return fmt.Errorf("%w (signed by Stripe, but %s)", core.ErrPaymentEvent.Say("the message of the payment provider cannot be read"), why)
}

// ids are what Stripe's ids look like, of any kind and age.
var ids = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

func isID(s string) bool { return ids.MatchString(s) }
