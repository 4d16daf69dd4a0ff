package stripe_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/stripe"
	"github.com/seed-755a8038/coffer/ports"
)

func diagnose(t *testing.T, p interface {
	Diagnose(ctx context.Context) []ports.Finding
},
) (key, webhook ports.Finding) {
	t.Helper()
	found := p.Diagnose(t.Context())
	if len(found) != 2 {
		t.Fatalf("%+v", found)
	}
	for _, f := range found {
		if strings.Contains(f.Detail, "S3cret") {
			t.Errorf("a secret is in %s", f.Detail)
		}
	}
	return found[0], found[1]
}

func TestTheDoctorSeesWhoseMoneyItIs(t *testing.T) {
	f := openFake(t)
	key, webhook := diagnose(t, f.payments(t))
	if !key.OK || !key.Warning || !strings.Contains(key.Detail, "test key") || !webhook.OK || webhook.Warning {
		t.Errorf("%+v %+v", key, webhook)
	}
	f.instead = func(w http.ResponseWriter, _ *http.Request) bool { // the fake has another key
		reply(w, object{"object": "list", "data": []object{{"id": "cs_live_1"}, {"id": "cs_live_2"}}, "has_more": true})
		return true
	}
	key, webhook = diagnose(t, f.payments(t, func(c *stripe.Config) { c.SecretKey, c.WebhookSecret = "sk_live_VeryS3cret", "" }))
	if !key.OK || key.Warning || !strings.Contains(key.Detail, "live key") || webhook.OK {
		t.Errorf("%+v %+v", key, webhook)
	}
	for _, typ := range stripe.EventTypes() {
		if !strings.Contains(webhook.Detail, typ) {
			t.Errorf("%s is not named in %s", typ, webhook.Detail)
		}
	}
	if n := len(f.sent("GET", "/v1/checkout/sessions")); n != 2 || len(f.requests) != 2 {
		t.Errorf("%d of %d requests", n, len(f.requests))
	}
}

func TestTheDoctorSeesAKeyThatIsRefused(t *testing.T) {
	f := openFake(t)
	key, _ := diagnose(t, f.payments(t, func(c *stripe.Config) { c.SecretKey = "sk_live_VeryS3cret2" }))
	if key.OK || !strings.Contains(key.Detail, "401") {
		t.Errorf("%+v", key)
	}
}
