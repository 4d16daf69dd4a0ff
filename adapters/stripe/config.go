package stripe

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"
)

// maxTimeout is how long somebody waits for an answer at most.
const maxTimeout = 20 * time.Second

// defaultSkew is what Stripe's own libraries allow.
const defaultSkew = 5 * time.Minute

// Config names an account of Stripe's. All of it is the operator's.
type Config struct {
	// SecretKey is sk_…, or rk_… with the rights to write Checkout Sessions,
	// Refunds and Subscriptions, and to read Charges, Invoices and PaymentIntents.
	SecretKey string

	// WebhookSecret is the whsec_… of the endpoint that Stripe sends EventTypes
	// to; empty: nothing that comes is believed.
	WebhookSecret string

	APIURL      string        // of the API; empty: Stripe's
	Timeout     time.Duration // of one call, tried again and all; 0: 20 s, which is the most
	AllowedSkew time.Duration // of an event's time, to both sides; 0: 5 min
	HTTPClient  *http.Client  // nil: one that follows no redirects
}

// checked returns c with defaults for what is absent. No error has a secret in it.
func (c Config) checked() (Config, error) {
	c.Timeout, c.AllowedSkew = cmp.Or(c.Timeout, maxTimeout), cmp.Or(c.AllowedSkew, defaultSkew)
	c.APIURL = cmp.Or(c.APIURL, stripe.APIURL)
	switch {
	case !isKey(c.SecretKey, "sk_") && !isKey(c.SecretKey, "rk_"):
		return c, errors.New("the secret key of Stripe must begin with sk_ or rk_, as the Dashboard shows it")
	case c.WebhookSecret != "" && !isKey(c.WebhookSecret, "whsec_"):
		return c, errors.New("the webhook secret of Stripe must begin with whsec_, as the Dashboard shows it for the endpoint")
	case c.Timeout < 0 || c.Timeout > maxTimeout:
		return c, fmt.Errorf("the timeout of Stripe is %v, it must be at most %v", c.Timeout, maxTimeout)
	case c.AllowedSkew < 0:
		return c, fmt.Errorf("the allowed skew of Stripe's events is %v, it must be positive", c.AllowedSkew)
	}
	if c.HTTPClient == nil { // without a timeout of its own: each call has a context that ends
		c.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return c, checkURL(c.APIURL)
}

// isKey reports whether key is one of Stripe's of that kind, and can stand in a header.
func isKey(key, prefix string) bool {
	rest, ok := strings.CutPrefix(key, prefix)
	return ok && rest != "" && !strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' })
}

// checkURL refuses to send the key where it could be read on its way.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("the address of Stripe's API is no URL")
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q is not the address of an API", u.Redacted())
	case u.Scheme == "https":
		return nil
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && (ip != nil && ip.IsLoopback() || strings.EqualFold(u.Hostname(), "localhost")) {
		return nil
	}
	return fmt.Errorf("the address of Stripe's API, %s, must begin with https://", u.Redacted())
}
