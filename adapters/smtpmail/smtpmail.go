// Package smtpmail hands mail to an SMTP server.
package smtpmail

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// quitTimeout bounds the farewell to a server that has taken the message.
const quitTimeout = 2 * time.Second

// Mailer implements ports.Mailer. It is safe for concurrent use; every message
// has a connection of its own.
type Mailer struct {
	cfg    Config
	from   *netmail.Address
	domain string // the sender's, for message ids
}

// New returns a mailer for the server of cfg. It connects to nobody yet, so a
// mail server that is down does not stop anything else from starting.
func New(cfg Config) (*Mailer, error) {
	cfg, from, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	return &Mailer{cfg: cfg, from: from, domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:]}, nil
}

// Send implements ports.Mailer. A message the server has taken is sent, even if
// the connection breaks afterwards: it must not come twice.
func (m *Mailer) Send(ctx context.Context, message ports.Mail) error {
	msg, err := m.compose(message)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	l := &line{cfg: m.cfg}
	defer l.close()
	defer context.AfterFunc(ctx, l.close)()
	client, err := m.client(l)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("connect to the mail server: %w", orEnded(ctx, err))
	}
	if err := client.SendWithSMTPClient(conn, msg); err != nil {
		if refused(err) {
			return fmt.Errorf("%w (%w)", core.ErrMailRefused, err)
		}
		return fmt.Errorf("send mail: %w", orEnded(ctx, err))
	}
	hangUp := time.AfterFunc(quitTimeout, l.close)
	defer hangUp.Stop()
	_ = client.CloseWithSMTPClient(conn) // the message is delivered, whatever comes of a QUIT
	return nil
}

// compose returns the message as it goes over the wire. An address that is none
// is refused as for ever as one the server does not know.
func (m *Mailer) compose(message ports.Mail) (*mail.Msg, error) {
	to, err := netmail.ParseAddress(message.To)
	if err != nil || to.Address != message.To || strings.ContainsFunc(message.To, isControl) {
		return nil, fmt.Errorf("%w (%q is not an address)", core.ErrMailRefused, message.To)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.SetAddrHeaderFromMailAddress(mail.HeaderFrom, m.from)
	msg.SetAddrHeaderFromMailAddress(mail.HeaderTo, to)
	msg.Subject(oneLine(message.Subject))
	msg.SetDate()
	id := message.ID
	if id == "" {
		id = strings.ToLower(rand.Text())
	}
	msg.SetMessageIDWithValue(id + "@" + m.domain)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	msg.SetBodyString(mail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, message.HTML)
	}
	for _, a := range message.Attachments {
		err := msg.AttachReader(a.Name, bytes.NewReader(a.Content), mail.WithFileContentType(mail.ContentType(a.Type)))
		if err != nil {
			return nil, fmt.Errorf("attach %s: %w", a.Name, err)
		}
	}
	return msg, nil
}

// client returns a client for one message, which speaks over l.
func (m *Mailer) client(l *line) (*mail.Client, error) {
	options := []mail.Option{
		// The line ends in time; a deadline of the client's own would only hide why.
		mail.WithPort(m.cfg.Port), mail.WithTimeout(2 * m.cfg.Timeout), mail.WithDialContextFunc(l.dial),
		mail.WithTLSConfig(m.cfg.tls()),
		// The connection is new, and used once.
		mail.WithoutNoop(), mail.WithoutRset(),
	}
	switch m.cfg.TLS {
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case ImplicitTLS:
		options = append(options, mail.WithSSL())
	case NoTLS:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.cfg.HelloName != "" {
		options = append(options, mail.WithHELO(m.cfg.HelloName))
	}
	if m.cfg.Username != "" {
		options = append(options, mail.WithUsername(m.cfg.Username), mail.WithPassword(m.cfg.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(m.cfg.Host, options...)
}

// tls returns what a server has to prove.
func (c Config) tls() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12}
}

// oneLine returns s without the characters that could end a header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// isControl reports whether r is a control character, or ends a line in Unicode.
func isControl(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}
