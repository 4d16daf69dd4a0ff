package smtpmail

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"time"
)

// TLSMode says how the connection to the server is protected.
type TLSMode string

// The ways to protect the connection.
const (
	StartTLS    TLSMode = "starttls" // RFC 3207; a server that does not offer it gets nothing
	ImplicitTLS TLSMode = "tls"      // RFC 8314: TLS from the first byte
	NoTLS       TLSMode = "none"     // to this machine only
)

// defaultTimeout is time enough for a server that looks mail over before it takes it.
const defaultTimeout = 30 * time.Second

// Config names a mail server, and the sender of all mail.
type Config struct {
	Host      string
	Port      int    // 0: 587, or 465 with ImplicitTLS, or 25 with NoTLS
	Username  string // empty: no authentication
	Password  string
	From      string         // "Coffer <noreply@example.com>", or the address alone
	TLS       TLSMode        // empty: StartTLS
	Timeout   time.Duration  // of one message, from the connection to the last answer; 0: 30 s
	HelloName string         // how this server greets; empty: the machine's name
	RootCAs   *x509.CertPool // who may vouch for the server; nil: whom the machine trusts
}

// checked returns c with defaults for what is absent, and its sender.
func (c Config) checked() (Config, *mail.Address, error) {
	port := 587
	switch c.TLS {
	case "", StartTLS:
		c.TLS = StartTLS
	case ImplicitTLS:
		port = 465
	case NoTLS:
		port = 25
		if !isLoopback(c.Host) {
			return c, nil, fmt.Errorf("mail to %q must be encrypted: TLS may be %q for this machine only", c.Host, NoTLS)
		}
	default:
		return c, nil, fmt.Errorf("TLS of the mail server is %q, it must be %q, %q or %q", c.TLS, StartTLS, ImplicitTLS, NoTLS)
	}
	c.Port, c.Timeout = cmp.Or(c.Port, port), cmp.Or(c.Timeout, defaultTimeout)
	switch {
	case c.Host == "":
		return c, nil, errors.New("the mail server has no host")
	case c.Port < 1 || c.Port > 65535:
		return c, nil, fmt.Errorf("the mail server's port is %d, it must be between 1 and 65535", c.Port)
	case c.Timeout < 0:
		return c, nil, fmt.Errorf("the timeout of mail is %v, it must be positive", c.Timeout)
	case c.Username == "" && c.Password != "":
		return c, nil, errors.New("the mail server has a password without a user name")
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil || strings.ContainsFunc(c.From, isControl) {
		return c, nil, fmt.Errorf("the sender of mail is %q, it must be an address such as noreply@example.com", c.From)
	}
	return c, from, nil
}

// isLoopback reports whether the host is this machine. Of names, only
// "localhost" is: what others mean is up to somebody else.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
