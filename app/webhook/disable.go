package webhook

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// disable switches a webhook off whose endpoint does not work, and says so.
func (s *Service) disable(ctx context.Context, tx ports.Tx, w *core.Webhook, why core.DisabledReason, now time.Time) error {
	w.Disable(why, now)
	if err := tx.Webhooks.Save(ctx, w); err != nil {
		return err
	}
	if err := giveUp(ctx, tx, w, switchedOff); err != nil {
		return err
	}
	f, a := core.OrgFacts{OrgID: w.OrgID}, core.Actor{Kind: core.ActorSystem}
	changes := map[string]core.Change{"active": {From: true, To: false}, "reason": {To: string(why)}}
	if err := s.record(ctx, tx, f, a, "webhook.disabled", w, changes); err != nil {
		return err
	}
	return s.notify(ctx, tx, w)
}

// notify mails everybody who manages the org's webhooks.
func (s *Service) notify(ctx context.Context, tx ports.Tx, w *core.Webhook) error {
	const page = 200
	o, err := tx.Orgs.Get(ctx, w.OrgID)
	if err != nil || o.Deleted() {
		return err
	}
	q := ports.AccountQuery{OrgID: w.OrgID, Statuses: []core.AccountStatus{core.AccountActive}, Limit: page}
	for {
		members, err := tx.Accounts.List(ctx, q)
		if err != nil {
			return err
		}
		for i := range members {
			m := &members[i]
			q.After = m.Account.ID
			if !m.Account.Role.May(core.ManageWebhooks) {
				continue
			}
			if err := app.EnqueueMail(ctx, tx, s.Secrets, notice(o, w, m.Email)); err != nil {
				return err
			}
		}
		if len(members) < page {
			return nil
		}
	}
}

// notice says that a webhook was switched off. Of its address it names the host
// only: what follows may be a secret.
func notice(o *core.Org, w *core.Webhook, to string) ports.Mail {
	host := "its endpoint"
	if u, err := url.Parse(w.URL); err == nil {
		host = u.Host
	}
	why := "has not taken any event for five days"
	if w.Disabled == core.DisabledGone {
		why = "has answered that it is gone (410)"
	}
	return ports.Mail{
		To: to, Subject: "A webhook of " + o.Name + " was switched off",
		Text: fmt.Sprintf("%s %s, so the webhook %s of %s was switched off. Nothing more is sent to it.\n\n"+
			"Its deliveries say what was answered. Once the endpoint works, switch the webhook on again.\n", host, why, w.ID, o.Name),
	}
}
