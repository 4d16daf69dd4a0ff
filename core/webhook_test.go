package core_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

func TestAWebhookHasAnAddressThatCanBeSentTo(t *testing.T) {
	for raw, want := range map[string]struct{ secure, plain bool }{
		"https://example.com/hooks":      {true, true},
		"https://example.com:8443/h?a=b": {true, true},
		"https://[2001:db8::1]/":         {true, true},
		"http://example.com/":            {false, true},
		"http://127.0.0.1:1":             {false, true},
		"HTTPS://example.com":            {true, true},
		"":                               {},
		"example.com":                    {},
		"//example.com/x":                {},
		"https:///x":                     {},
		"https:example.com":              {},
		"https://u@example.com/":         {},
		"https://u:p@example.com/":       {},
		"https://example.com/#a":         {},
		"https://example.com/#":          {},
		"https://example.com/a b":        {},
		"https://example.com/\n":         {},
		"https://example.com:0/":         {},
		"https://example.com:99999/":     {},
		"https://example.com:x/":         {},
		"ftp://example.com/":             {},
		"http://2130706433/":             {},
		"http://127.1/":                  {},
		"http://0x7f.1/":                 {},
		"http://a.0X7F000001./":          {},
		"http://127.0.0.1./":             {},
		"http://1.example.com/":          {false, true},
		"http://a1/":                     {false, true},
		"file:///etc/passwd":             {},
		"https://example.com/" + strings.Repeat("x", core.MaxWebhookURL): {},
	} {
		for plain, ok := range map[bool]bool{false: want.secure, true: want.plain} {
			if err := core.CheckWebhookURL("body.url", raw, plain); (err == nil) != ok {
				t.Errorf("%q (plain %t): %v", raw, plain, err)
			}
		}
	}
}

func TestAWebhookNamesAnAddressOrNot(t *testing.T) {
	for raw, want := range map[string]string{
		"https://127.0.0.1:8443/": "127.0.0.1", "https://[::1]/": "::1", "https://[::ffff:10.0.0.1]:1/": "::ffff:10.0.0.1", "https://[fe80::1%25eth0]/": "fe80::1%eth0",
		"https://localhost/": "", "https://example.com/127.0.0.1": "", "https://[::1": "", "": "",
	} {
		if a, ok := core.WebhookAddress(raw); ok != (want != "") || ok && a.String() != want {
			t.Errorf("%q: %v %t", raw, a, ok)
		}
	}
}

func TestAFilterNamesTypesOrNouns(t *testing.T) {
	for _, c := range []struct {
		raw, want []string
	}{
		{[]string{}, []string{}},
		{[]string{"transaction.completed", "asset.*", "asset.*"}, []string{"asset.*", "transaction.completed"}},
		{[]string{"transaction.dispute_won"}, []string{"transaction.dispute_won"}},
		{[]string{"*"}, nil},
		{[]string{"asset"}, nil},
		{[]string{"asset."}, nil},
		{[]string{"asset.*.x"}, nil},
		{[]string{"Asset.uploaded"}, nil},
		{[]string{"bird.*"}, nil},
		{[]string{"asset.uploaded "}, nil},
		{[]string{""}, nil},
		{slices.Repeat([]string{"asset.*"}, core.MaxWebhookEvents+1), nil},
	} {
		got, err := core.CleanEventFilter("body.events", c.raw)
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%q: %q, %v, want %q", c.raw, got, err, c.want)
		}
	}
}

func TestAWebhookWantsWhatItsFilterNames(t *testing.T) {
	for _, c := range []struct {
		filter []string
		kind   string
		want   bool
	}{
		{nil, "asset.uploaded", true},
		{[]string{"asset.*"}, "asset.uploaded", true},
		{[]string{"asset.uploaded"}, "asset.uploaded", true},
		{[]string{"asset.uploaded"}, "asset.updated", false},
		{[]string{"node.*", "asset.updated"}, "asset.uploaded", false},
		{[]string{"asset.*"}, "assets.uploaded", false},
		{[]string{"asset.*"}, core.EventPing, true},
	} {
		if got := (&core.Webhook{Events: c.filter}).Wants(c.kind); got != c.want {
			t.Errorf("%q wants %s: %t", c.filter, c.kind, got)
		}
	}
}

func TestAnOldSecretSignsForADay(t *testing.T) {
	first, second, third := []byte("1"), []byte("2"), []byte("3")
	w := &core.Webhook{Secret: first, Version: 1}
	signs := func(at time.Time, want ...[]byte) {
		t.Helper()
		if got := w.Secrets(at); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("at %v: %q, want %q", at.Sub(day0), got, want)
		}
	}
	signs(day0, first)
	w.Rotate(second, day0)
	signs(day0, second, first)
	signs(day0.Add(24*time.Hour-time.Microsecond), second, first)
	signs(day0.Add(24*time.Hour), second)
	w.Rotate(third, day0.Add(time.Hour))
	signs(day0.Add(time.Hour), third, second)
	if w.Version != 3 {
		t.Errorf("version %d", w.Version)
	}
}

var day0 = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestASecretHasTheFormOfStandardWebhooks(t *testing.T) {
	text := core.FormatWebhookSecret([core.WebhookSecretBytes]byte{1, 2, 3})
	key, err := core.ParseWebhookSecret(text)
	if err != nil || len(key) != 32 || key[2] != 3 || !strings.HasPrefix(text, "whsec_AQID") {
		t.Errorf("%s: %x, %v", text, key, err)
	}
	for _, bad := range []string{"", "AQID", "whsec_!"} {
		if _, err := core.ParseWebhookSecret(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAnEndpointThatFailsForFiveDaysIsGivenUp(t *testing.T) {
	const hour = time.Hour
	fails, works, gone := core.Attempt{Status: 500}, core.Attempt{Status: 204}, core.Attempt{Status: 410}
	for name, c := range map[string]struct {
		attempts []core.Attempt
		at       []time.Duration
		want     core.DisabledReason
	}{
		"once":                     {[]core.Attempt{fails}, []time.Duration{0}, ""},
		"just under five days":     {[]core.Attempt{fails, fails}, []time.Duration{0, 120*hour - 1}, ""},
		"for five days":            {[]core.Attempt{fails, fails}, []time.Duration{0, 120 * hour}, core.DisabledFailing},
		"with a success in it":     {[]core.Attempt{fails, works, fails}, []time.Duration{0, 60 * hour, 130 * hour}, ""},
		"no answer is a failure":   {[]core.Attempt{{}, {}}, []time.Duration{0, 120 * hour}, core.DisabledFailing},
		"gone at the first":        {[]core.Attempt{gone}, []time.Duration{0}, core.DisabledGone},
		"a redirect is a failure":  {[]core.Attempt{{Status: 302}, {Status: 302}}, []time.Duration{0, 120 * hour}, core.DisabledFailing},
		"gone after five days too": {[]core.Attempt{fails, gone}, []time.Duration{0, 130 * hour}, core.DisabledGone},
	} {
		t.Run(name, func(t *testing.T) {
			w := &core.Webhook{Active: true, Version: 1}
			var got core.DisabledReason
			for i, a := range c.attempts {
				if a.OK() {
					w.Succeeded()
					continue
				}
				got = w.Failed(a, day0.Add(c.at[i]))
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			w.Disable(core.DisabledFailing, day0)
			if w.Active || w.Version != 2 || w.DisabledAt != day0 {
				t.Errorf("%+v", w)
			}
			w.Change(core.WebhookChange{Active: new(true)}, day0)
			if !w.Active || w.Version != 3 || w.Disabled != "" || !w.DisabledAt.IsZero() || !w.FailingSince.IsZero() {
				t.Errorf("%+v", w)
			}
		})
	}
}

func TestAWebhookThatLeadsElsewhereHasNotFailed(t *testing.T) {
	w := &core.Webhook{URL: "https://a.example/", Active: true, FailingSince: day0}
	w.Change(core.WebhookChange{URL: new("https://a.example/"), Active: new(true)}, day0)
	if w.FailingSince != day0 {
		t.Error("what stays as it is forgets that it has failed")
	}
	if w.Change(core.WebhookChange{URL: new("https://b.example/")}, day0); w.URL != "https://b.example/" || !w.FailingSince.IsZero() {
		t.Errorf("%+v", w)
	}
}

func TestAFailingEndpointIsLeftAloneForLonger(t *testing.T) {
	for failing, want := range map[time.Duration]time.Duration{
		0: 0, 10 * time.Second: time.Second, 5 * time.Minute: 30 * time.Second, time.Hour: time.Minute, 100 * time.Hour: time.Minute, -time.Hour: 0,
	} {
		w := &core.Webhook{FailingSince: day0}
		if got := w.Rest(day0.Add(failing)); got != want {
			t.Errorf("after %v: %v, want %v", failing, got, want)
		}
	}
	if got := (&core.Webhook{}).Rest(day0); got != 0 {
		t.Errorf("a working endpoint rests %v", got)
	}
}

func TestADeliveryIsTriedForThreeDays(t *testing.T) {
	d := core.NewDelivery(core.DeliveryID{1}, &core.Webhook{ID: core.WebhookID{2}, OrgID: core.OrgID{3}}, &core.Event{ID: core.EventID{4}, Type: "a.b"}, []byte("{}"), day0)
	if d.Status != core.DeliveryPending || !d.NextAt.Equal(day0) || d.WebhookID != (core.WebhookID{2}) || d.EventID != (core.EventID{4}) {
		t.Fatalf("%+v", d)
	}
	var last time.Duration
	now := day0
	for try := 1; d.Status == core.DeliveryPending; try++ {
		now = d.NextAt
		d.Attempted(core.Attempt{At: now, Status: 500}, 0.5, now)
		if d.Attempts != try || d.Tries != try {
			t.Fatalf("%d attempts after %d", d.Attempts, try)
		}
		if delay := d.NextAt.Sub(now); d.Status == core.DeliveryPending && delay <= last {
			t.Errorf("try %d: next after %v, before it was %v", try, delay, last)
		} else {
			last = delay
		}
	}
	if took := now.Sub(day0); took < 70*time.Hour || took > 74*time.Hour || d.Tries != core.MaxTries || d.Status != core.DeliveryFailed || !d.NextAt.IsZero() {
		t.Errorf("given up after %v and %d tries: %+v", took, d.Tries, d)
	}
	d.Again(now)
	if d.Status != core.DeliveryPending || !d.NextAt.Equal(now) || d.Tries != 0 || d.Attempts != core.MaxTries {
		t.Errorf("again: %+v", d)
	}
	d.Attempted(core.Attempt{At: now, Status: 200}, 0.5, now)
	if d.Status != core.DeliveryDelivered || !d.NextAt.IsZero() || d.Attempts != core.MaxTries+1 {
		t.Errorf("delivered: %+v", d)
	}
	d.Again(now)
	d.Attempted(core.Attempt{At: now, Status: 410}, 0.5, now)
	if d.Status != core.DeliveryFailed {
		t.Errorf("gone: %+v", d)
	}
}

func TestDelaysHaveJitter(t *testing.T) {
	for try := 1; try < core.MaxTries; try++ {
		low, ok := core.DeliveryDelay(try, 0)
		mid, _ := core.DeliveryDelay(try, 0.5)
		high, _ := core.DeliveryDelay(try, 1)
		if !ok || float64(low) < 0.89*float64(mid) || float64(low) > 0.91*float64(mid) || float64(high) < 1.09*float64(mid) || float64(high) > 1.11*float64(mid) {
			t.Errorf("try %d: %v %v %v", try, low, mid, high)
		}
	}
	for _, try := range []int{0, -1, core.MaxTries} {
		if d, ok := core.DeliveryDelay(try, 0.5); ok {
			t.Errorf("try %d: %v", try, d)
		}
	}
}

func TestAnswersThatCountAsTaken(t *testing.T) {
	for status, want := range map[int]bool{0: false, 100: false, 199: false, 200: true, 204: true, 299: true, 300: false, 302: false, 404: false, 410: false, 500: false} {
		if got := (core.Attempt{Status: status}).OK(); got != want {
			t.Errorf("%d: %t", status, got)
		}
	}
	if err := core.ErrWebhookInactive; !errors.Is(err, core.ErrWebhookInactive) || core.KindOf(err) != core.KindConflict {
		t.Error(err)
	}
}
