package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// mailTo sends mail to a buyer, unless they have gone.
func (s *Service) mailTo(ctx context.Context, tx ports.Tx, id core.UserID, m ports.Mail) error {
	u, err := tx.Users.Get(ctx, id)
	if err != nil || u.Deleted() {
		return err
	}
	m.To = u.Email
	return app.EnqueueMail(ctx, tx, s.Secrets, m)
}

// receipt mails the buyer what was bought, and for how much.
func (s *Service) receipt(ctx context.Context, tx ports.Tx, t *core.Transaction, sub *core.Subscription) error {
	lines, err := s.sheet(ctx, tx, t)
	if err != nil {
		return err
	}
	subject, first := "Your receipt: "+t.ProductName, "Thank you for your purchase."
	if t.Renewal {
		first = "Your membership goes on."
	}
	if sub != nil {
		lines = append(lines, "Until: "+day(sub.PeriodEnd))
	}
	return s.mailTo(ctx, tx, t.BuyerID, ports.Mail{
		Subject: subject,
		Text:    first + "\n\n" + strings.Join(lines, "\n") + "\n\nWhat you have bought is in your library: sign in at " + s.opts.AppURL + "\n",
	})
}

// sheet describes a transaction line by line.
func (s *Service) sheet(ctx context.Context, tx ports.Tx, t *core.Transaction) ([]string, error) {
	o, err := tx.Orgs.Get(ctx, t.OrgID)
	if err != nil {
		return nil, err
	}
	amount := s.Currencies.Format(t.Price)
	if t.Price.Free() {
		amount = "free"
	}
	return []string{
		"Product: " + t.ProductName, "Seller: " + o.Name, "Amount: " + amount, "Date: " + day(t.CreatedAt), "Transaction: " + t.ID.String(),
	}, nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// refundNotice mails the buyer that amount of what they paid comes back.
func (s *Service) refundNotice(ctx context.Context, tx ports.Tx, t *core.Transaction, amount int64) error {
	lines, err := s.sheet(ctx, tx, t)
	if err != nil {
		return err
	}
	back := s.Currencies.Format(core.Money{Amount: amount, Currency: t.Price.Currency})
	text := "You get back " + back + " of what you have paid."
	if t.Status == core.TransactionRefunded {
		text += " What you have bought by this payment is no longer in your library."
	}
	return s.mailTo(ctx, tx, t.BuyerID, ports.Mail{
		Subject: "Your refund: " + t.ProductName, Text: text + "\n\n" + strings.Join(lines, "\n") + "\n",
	})
}

// lapseNotice mails the user of a membership that it has not been paid.
func (s *Service) lapseNotice(ctx context.Context, tx ports.Tx, sub *core.Subscription) error {
	return s.mailTo(ctx, tx, sub.UserID, ports.Mail{
		Subject: "Your membership has to be paid: " + sub.ProductName,
		Text: fmt.Sprintf("The period that you have paid for ended at %s, and the next one, for %s, is not paid yet.\n\n"+
			"You have access until %s. To end the membership, cancel it: you pay nothing more.\n",
			day(sub.PeriodEnd), s.Currencies.Format(sub.Price), day(sub.AccessUntil(s.opts.Grace))),
	})
}
