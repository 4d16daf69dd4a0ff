package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var (
	mailAddressRate = core.Rate{Name: "mail-address", Burst: 30, Period: time.Hour}
	mailEmailRate   = core.Rate{Name: "mail-email", Burst: 5, Period: time.Hour}
)

// MailReset is the job that mails a link to set a new password to an address,
// if it has a user. The address waits sealed: it is nobody's business.
type MailReset struct {
	Sealed []byte `json:"sealed"`
}

// Kind implements ports.Job.
func (MailReset) Kind() string { return "identity.mail_reset" }

// Forgot mails a link to set a new password, if the address has a user. Whether
// it has is looked up by a job, later, so that neither the answer nor its time
// tells.
func (s *Service) Forgot(ctx context.Context, email string, from core.Client) error {
	now := s.clock.Now()
	if err := s.take(ctx, mailAddressRate, from.Network, now); err != nil {
		return err
	}
	email, err := core.CleanEmail("body.email", email, s.text.NFC)
	if err != nil {
		return err
	}
	a, err := s.limiter.Take(ctx, mailEmailRate, email, now)
	if err != nil || !a.OK {
		return err // too much mail to one address: silently none
	}
	sealed, err := s.secrets.Seal([]byte(email))
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx ports.Tx) error { return tx.Jobs.Enqueue(ctx, MailReset{Sealed: sealed}) })
}

// MailReset mails the link.
func (s *Service) MailReset(ctx context.Context, job MailReset) error {
	opened, err := s.secrets.Open(job.Sealed)
	if err != nil {
		return err
	}
	email, now, token := string(opened), s.clock.Now(), s.secrets.Token()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		u, err := tx.Users.ByEmail(ctx, email)
		if err == nil {
			u, err = tx.Users.Lock(ctx, u.ID) // who goes at this moment gets no ticket
		}
		if errors.Is(err, core.ErrNotFound) || err == nil && u.Disabled() {
			return nil
		}
		if err != nil {
			return err
		}
		err = tx.Tickets.Add(ctx, &core.Ticket{
			Hash: hashToken(token), Kind: core.ResetPassword, UserID: u.ID, Email: email, CreatedAt: now, ExpiresAt: now.Add(core.ResetPasswordTTL),
		})
		if err != nil {
			return err
		}
		return app.EnqueueMail(ctx, tx, s.secrets, ports.Mail{
			To: email, Subject: "Set a new password",
			Text: fmt.Sprintf("Somebody, probably you, asked for a new password.\n\nTo set one, open:\n%s\n\nThe link is good for one hour, once. If it was not you, ignore this mail: nothing has changed.\n",
				s.link("reset-password", token)),
		})
	})
}
