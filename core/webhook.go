package core

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What can go wrong with a webhook.
var (
	// ErrAddressRefused is an attempt to connect to an address that is not
	// everybody's. Whoever named it is not told which it was.
	ErrAddressRefused  = errors.New("the address is not one that may be connected to")
	ErrWebhookInactive = &Error{Kind: KindConflict, Code: "webhook_inactive", Message: "the webhook is switched off; switch it on first (PATCH with active)"}
)

// Limits of webhooks.
const (
	MaxWebhooks      = 20 // of one org
	MaxWebhookURL    = 2_048
	MaxWebhookEvents = 50 // entries of a filter

	WebhookSecretBytes   = 32
	WebhookSecretOverlap = 24 * time.Hour     // for which a secret signs beside the one that replaces it
	WebhookPatience      = 5 * 24 * time.Hour // for which an endpoint may fail without a break

	webhookSecretMark = "whsec_"
	maxWebhookRest    = time.Minute
)

// EventPing is the type of the event that tries a webhook out. It is sent to the
// one that is asked for, whatever that filters.
const EventPing = "webhook.ping"

// WebhookID identifies a webhook.
type WebhookID = ID[Webhook]

// DisabledReason says why the server has switched a webhook off.
type DisabledReason string

// The reasons.
const (
	DisabledGone    DisabledReason = "gone"    // the endpoint has answered 410
	DisabledFailing DisabledReason = "failing" // it has failed for WebhookPatience
)

// Webhook is an address that an org's events are sent to.
type Webhook struct {
	ID          WebhookID
	OrgID       OrgID
	URL         string
	Events      []string // types such as asset.uploaded, or asset.*; none: all
	Description string
	Active      bool
	// Disabled says why it is not active; empty: somebody has switched it off.
	Disabled       DisabledReason
	DisabledAt     time.Time
	Secret         []byte // sealed
	OldSecret      []byte // sealed; signs as well until OldSecretUntil
	OldSecretUntil time.Time
	FailingSince   time.Time // when the present run of failures began; zero: the last attempt went well
	CreatedBy      AccountID
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// WebhookChange is what an update leaves alone (nil) or sets, all of it clean.
type WebhookChange struct {
	URL         *string
	Events      *[]string
	Description *string
	Active      *bool
}

// Change applies c. One that is switched on, or leads elsewhere, begins without
// a record of failures.
func (w *Webhook) Change(c WebhookChange, now time.Time) {
	if c.URL != nil && *c.URL != w.URL {
		w.URL, w.FailingSince = *c.URL, time.Time{}
	}
	set(&w.Events, c.Events)
	set(&w.Description, c.Description)
	if c.Active != nil && *c.Active != w.Active {
		w.Active = *c.Active
		w.Disabled, w.DisabledAt, w.FailingSince = "", time.Time{}, time.Time{}
	}
	w.touch(now)
}

// Disable switches the webhook off for a reason.
func (w *Webhook) Disable(reason DisabledReason, now time.Time) {
	w.Active, w.Disabled, w.DisabledAt = false, reason, now
	w.touch(now)
}

// Rotate gives the webhook another secret, sealed. The one so far signs beside
// it for WebhookSecretOverlap; one that did so before no longer does.
func (w *Webhook) Rotate(secret []byte, now time.Time) {
	w.OldSecret, w.OldSecretUntil = w.Secret, now.Add(WebhookSecretOverlap)
	w.Secret = secret
	w.touch(now)
}

// Secrets returns the sealed secrets that sign at now, the present one first.
func (w *Webhook) Secrets(now time.Time) [][]byte {
	if w.OldSecret != nil && now.Before(w.OldSecretUntil) {
		return [][]byte{w.Secret, w.OldSecret}
	}
	return [][]byte{w.Secret}
}

func (w *Webhook) touch(now time.Time) {
	w.Version++
	w.UpdatedAt = now
}

// Wants reports whether events of the type are sent to the webhook.
func (w *Webhook) Wants(kind string) bool {
	return kind == EventPing || len(w.Events) == 0 || matches(w.Events, kind)
}

// Succeeded notes that the endpoint has taken a delivery.
func (w *Webhook) Succeeded() { w.FailingSince = time.Time{} }

// Failed notes that the endpoint has not taken a delivery at now. It returns why
// the webhook is to be disabled, or "".
func (w *Webhook) Failed(a Attempt, now time.Time) DisabledReason {
	if w.FailingSince.IsZero() {
		w.FailingSince = now
	}
	switch {
	case a.Gone():
		return DisabledGone
	case now.Sub(w.FailingSince) >= WebhookPatience:
		return DisabledFailing
	}
	return ""
}

// Rest is how long an endpoint is left alone after an attempt: the longer it
// has been failing the longer, so that a dead one does not keep the server busy
// with each of its deliveries.
func (w *Webhook) Rest(now time.Time) time.Duration {
	const share = 10 // of the time
	if w.FailingSince.IsZero() {
		return 0
	}
	return min(max(0, now.Sub(w.FailingSince)/share), maxWebhookRest)
}

// FormatWebhookSecret returns the secret made of these random bytes, in the
// form of Standard Webhooks.
func FormatWebhookSecret(random [WebhookSecretBytes]byte) string {
	return webhookSecretMark + base64.StdEncoding.EncodeToString(random[:])
}

// ParseWebhookSecret returns the bytes that sign.
func ParseWebhookSecret(text string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, webhookSecretMark)
	if !ok {
		return nil, Invalid("secret", "must begin with whsec_")
	}
	return base64.StdEncoding.DecodeString(digits)
}

// CheckWebhookURL refuses what events cannot be sent to. plain allows http, which
// shows them to everybody on the way. Where the name leads is looked at each time
// that something is sent.
func CheckWebhookURL(location, raw string, plain bool) error {
	u, err := url.Parse(raw)
	schemes, want := []string{"https"}, "must be https://host[:port]/…, without a user or a fragment"
	if plain {
		schemes, want = append(schemes, "http"), "must be http(s)://host[:port]/…, without a user or a fragment"
	}
	switch {
	case err != nil, len(raw) > MaxWebhookURL, !slices.Contains(schemes, u.Scheme), u.Hostname() == "", u.User != nil,
		u.Opaque != "", strings.Contains(raw, "#"), strings.ContainsFunc(raw, isSpaceOrControl):
		return Invalid(location, want)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && numberLast.MatchString(u.Hostname()) {
		return Invalid(location, "has a host that is neither a name nor an address")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return Invalid(location, "has a port that does not exist")
		}
	}
	return nil
}

// numberLast is a host that some programs take for an IPv4 address, each for
// another one: 127.1, 0x7f.1, 2130706433.
var numberLast = regexp.MustCompile(`(?i)(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$`)

// WebhookAddress returns the address that a URL names by its digits, false if its
// host is a name.
func WebhookAddress(raw string) (netip.Addr, bool) {
	u, err := url.Parse(raw)
	if err != nil {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return a, err == nil
}

func isSpaceOrControl(r rune) bool { return r <= ' ' || r == 0x7f }

// eventForm is a type of event, or a noun with a dot and a star.
var eventForm = regexp.MustCompile(`^([a-z]+)\.(\*|[a-z]+(?:_[a-z]+)*)$`)

// CleanEventFilter returns a list of types of events, each once and in order.
func CleanEventFilter(location string, raw []string) ([]string, error) {
	if len(raw) > MaxWebhookEvents {
		return nil, Invalid(location, "has more than "+strconv.Itoa(MaxWebhookEvents)+" entries")
	}
	for _, kind := range raw {
		parts := eventForm.FindStringSubmatch(kind)
		if len(parts) == 0 || !slices.Contains(eventNouns, parts[1]) {
			return nil, Invalid(location, "must be types of events such as asset.uploaded, or one of "+strings.Join(eventNouns, ".*, ")+".*")
		}
	}
	filter := slices.Sorted(slices.Values(raw))
	return slices.Compact(filter), nil
}

// matches reports whether a filter names the type, or all of its noun.
func matches(filter []string, kind string) bool {
	noun, _, _ := strings.Cut(kind, ".")
	return slices.Contains(filter, kind) || slices.Contains(filter, noun+".*")
}
