package stripe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/stripe"
)

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	good := stripe.Config{SecretKey: testKey, WebhookSecret: testSecret}
	for name, change := range map[string]func(*stripe.Config){
		"as it is":              func(*stripe.Config) {},
		"a restricted key":      func(c *stripe.Config) { c.SecretKey = "rk_live_1" },
		"no webhook secret":     func(c *stripe.Config) { c.WebhookSecret = "" },
		"an address":            func(c *stripe.Config) { c.APIURL = "https://stripe.example/" },
		"this machine":          func(c *stripe.Config) { c.APIURL = "http://127.0.0.1:12111" },
		"this machine, by name": func(c *stripe.Config) { c.APIURL = "http://localhost:12111" },
		"a client":              func(c *stripe.Config) { c.HTTPClient = &http.Client{} },
	} {
		cfg := good
		change(&cfg)
		if _, err := stripe.New(cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*stripe.Config){
		"no key":                   func(c *stripe.Config) { c.SecretKey = "" },
		"a key for browsers":       func(c *stripe.Config) { c.SecretKey = "pk_live_VeryS3cret" },
		"only the beginning":       func(c *stripe.Config) { c.SecretKey = "sk_" },
		"a key of two lines":       func(c *stripe.Config) { c.SecretKey = "sk_live_VeryS3cret\nX: y" },
		"a key and a space":        func(c *stripe.Config) { c.SecretKey = "sk_live_VeryS3cret " },
		"the keys swapped":         func(c *stripe.Config) { c.SecretKey, c.WebhookSecret = c.WebhookSecret, c.SecretKey },
		"a webhook secret of none": func(c *stripe.Config) { c.WebhookSecret = "VeryS3cret" },
		"over the network":         func(c *stripe.Config) { c.APIURL = "http://10.0.0.1" },
		"a name that sounds local": func(c *stripe.Config) { c.APIURL = "http://localhost.evil.example" },
		"no host":                  func(c *stripe.Config) { c.APIURL = "https://" },
		"another scheme":           func(c *stripe.Config) { c.APIURL = "ftp://stripe.example" },
		"a password in it":         func(c *stripe.Config) { c.APIURL = "https://x:VeryS3cret@stripe.example" },
		"no address":               func(c *stripe.Config) { c.APIURL = "https://%VeryS3cret" },
		"too patient":              func(c *stripe.Config) { c.Timeout = 21 * time.Second },
		"a negative timeout":       func(c *stripe.Config) { c.Timeout = -1 },
		"a negative skew":          func(c *stripe.Config) { c.AllowedSkew = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := stripe.New(cfg)
		if err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
