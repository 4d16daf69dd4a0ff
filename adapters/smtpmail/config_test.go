package smtpmail_test

import (
	"testing"

	"github.com/seed-755a8038/coffer/adapters/smtpmail"
)

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	good := smtpmail.Config{Host: "mail.example.com", From: "Coffer <noreply@example.com>"}
	newMailer(t, good)
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "127.1.2.3"} {
		cfg := good
		cfg.Host, cfg.TLS = host, smtpmail.NoTLS
		newMailer(t, cfg)
	}
	for name, change := range map[string]func(*smtpmail.Config){
		"no host":               func(c *smtpmail.Config) { c.Host = "" },
		"no sender":             func(c *smtpmail.Config) { c.From = "" },
		"a sender of two lines": func(c *smtpmail.Config) { c.From = "noreply@example.com\r\nBcc: eve@evil.example" },
		"two senders":           func(c *smtpmail.Config) { c.From = "a@example.com, b@example.com" },
		"an unknown mode":       func(c *smtpmail.Config) { c.TLS = "opportunistic" },
		"open over the network": func(c *smtpmail.Config) { c.TLS = smtpmail.NoTLS },
		"open to a private net": func(c *smtpmail.Config) { c.Host, c.TLS = "10.0.0.1", smtpmail.NoTLS },
		"port":                  func(c *smtpmail.Config) { c.Port = 65536 },
		"negative port":         func(c *smtpmail.Config) { c.Port = -1 },
		"negative timeout":      func(c *smtpmail.Config) { c.Timeout = -1 },
		"password for nobody":   func(c *smtpmail.Config) { c.Password = "x" },
	} {
		cfg := good
		change(&cfg)
		if _, err := smtpmail.New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
