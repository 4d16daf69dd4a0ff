package core

import "time"

// DeliveryID identifies a delivery; ids sort in order of time.
type DeliveryID = ID[Delivery]

// DeliveryStatus says what has become of a delivery.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending   DeliveryStatus = "pending" // waits for its first or next attempt
	DeliveryDelivered DeliveryStatus = "delivered"
	DeliveryFailed    DeliveryStatus = "failed" // given up; it can be sent again
)

// MaxDeliveries is how many deliveries to a webhook are kept, the newest.
const MaxDeliveries = 100_000

// Limits of what is kept of an answer. Of one that says that all is well, nobody
// asks for more.
const (
	MaxAnswerBody   = 4 << 10 // bytes
	MaxAnswerHeader = 32      // headers
	MaxAnswerValue  = 256     // bytes of a header's value
	MaxGoodBody     = 512     // bytes
	MaxGoodHeader   = 8       // headers
)

// WebhookTimeout is how long an endpoint has for its answer.
const WebhookTimeout = 10 * time.Second

// Delivery is one event on its way to one webhook. What is sent stays the same
// however often it is: receivers know it by the id of the event.
type Delivery struct {
	ID        DeliveryID
	OrgID     OrgID
	WebhookID WebhookID
	EventID   EventID
	Type      string
	Body      []byte // JSON
	Status    DeliveryStatus
	Attempts  int       // all there were
	Tries     int       // since the delivery began, or began anew
	NextAt    time.Time // zero: not pending
	Last      Attempt
	CreatedAt time.Time
}

// Attempt is one request to an endpoint, and its answer.
type Attempt struct {
	At     time.Time // zero: there was none
	URL    string
	Status int               // 0: there was no answer
	Header map[string]string // of the answer
	Body   string            // likewise, at most its first MaxAnswerBody bytes
	Error  string            // why there was no answer, or the delivery was given up
	Took   time.Duration
}

// OK reports whether the endpoint has taken what was sent.
func (a Attempt) OK() bool { return a.Status >= 200 && a.Status < 300 }

// Gone reports whether the endpoint wants nothing any more.
func (a Attempt) Gone() bool {
	const gone = 410
	return a.Status == gone
}

// NewDelivery returns a delivery that is due at once.
func NewDelivery(id DeliveryID, w *Webhook, e *Event, body []byte, now time.Time) *Delivery {
	return &Delivery{
		ID: id, OrgID: w.OrgID, WebhookID: w.ID, EventID: e.ID, Type: e.Type, Body: body,
		Status: DeliveryPending, NextAt: now, CreatedAt: now,
	}
}

// deliveryDelays are the times between attempts: about three days altogether.
var deliveryDelays = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// MaxTries is how often a delivery is attempted before it is given up.
var MaxTries = len(deliveryDelays) + 1

// DeliveryDelay returns the time from a failed try, counted from 1, to the next
// one; ok is false after the last. jitter, from 0 to 1, parts those that failed
// together: it makes the time up to a tenth shorter or longer.
func DeliveryDelay(try int, jitter float64) (d time.Duration, ok bool) {
	if try < 1 || try > len(deliveryDelays) {
		return 0, false
	}
	const spread = 0.1
	return time.Duration(float64(deliveryDelays[try-1]) * (1 - spread + 2*spread*jitter)), true
}

// Attempted notes an attempt that has ended at now, and when the next one is. Of
// a delivery that was given up meanwhile, there is none.
func (d *Delivery) Attempted(a Attempt, jitter float64, now time.Time) {
	d.Attempts++
	d.Tries++
	d.Last = a
	delay, again := DeliveryDelay(d.Tries, jitter)
	switch {
	case a.OK():
		d.Status, d.NextAt = DeliveryDelivered, time.Time{}
	case again && !a.Gone() && d.Status == DeliveryPending:
		d.NextAt = now.Add(delay)
	default:
		d.Status, d.NextAt = DeliveryFailed, time.Time{}
	}
}

// Missed notes an attempt that ended badly at now, where the webhook does not
// lead any more: it counts for nothing, and the next one is due.
func (d *Delivery) Missed(a Attempt, now time.Time) {
	d.Attempts++
	d.Last = a
	if d.Status == DeliveryPending {
		d.NextAt = now
	}
}

// GiveUp ends a delivery that is not to be attempted.
func (d *Delivery) GiveUp(why string) {
	d.Status, d.NextAt = DeliveryFailed, time.Time{}
	d.Last.Error = why
}

// Again makes the delivery due at now, whatever has become of it.
func (d *Delivery) Again(now time.Time) {
	d.Status, d.Tries, d.NextAt = DeliveryPending, 0, now
}
