package coffer

import (
	"context"
	"log/slog"
	"os"

	"github.com/seed-755a8038/coffer/adapters/logmail"
	"github.com/seed-755a8038/coffer/adapters/smtpmail"
	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/ports"
)

// newMailer picks who takes mail: the configured server; in development the
// console; else nobody.
func newMailer(cfg Config, log *slog.Logger) (ports.Mailer, error) {
	switch {
	case cfg.SendsMail():
		return smtpmail.New(smtpmail.Config{
			Host: cfg.Mail.Host, Port: cfg.Mail.Port, Username: cfg.Mail.Username, Password: cfg.Mail.Password,
			From: cfg.Mail.From, TLS: smtpmail.TLSMode(cfg.Mail.TLS),
		})
	case cfg.IsProduction():
		return unsent{log}, nil
	}
	return logmail.New(log, os.Stderr), nil
}

// unsent is the mailer of a server that has no mail server: it says so.
type unsent struct{ log *slog.Logger }

// Send implements ports.Mailer.
func (u unsent) Send(ctx context.Context, m ports.Mail) error {
	u.log.WarnContext(ctx, "mail is not sent: no mail server is configured (COFFER_MAIL_SMTP_HOST)", "to", m.To, "subject", m.Subject)
	return nil
}

func newPost(secrets ports.Secrets, mailer ports.Mailer) app.Post {
	return app.Post{Secrets: secrets, Mailer: mailer}
}
