package app

import (
	"context"
	"encoding/json"

	"github.com/seed-755a8038/coffer/ports"
)

// SendMail is the job that sends one message. The message carries secrets, so
// it waits sealed.
type SendMail struct {
	Sealed []byte `json:"sealed"`
}

// Kind implements ports.Job.
func (SendMail) Kind() string { return "mail.send" }

// EnqueueMail makes the message leave if, and only if, the unit of work commits.
func EnqueueMail(ctx context.Context, tx ports.Tx, secrets ports.Secrets, m ports.Mail) error {
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sealed, err := secrets.Seal(doc)
	if err != nil {
		return err
	}
	return tx.Jobs.Enqueue(ctx, SendMail{Sealed: sealed})
}

// Post hands waiting mail to a mailer.
type Post struct {
	Secrets ports.Secrets
	Mailer  ports.Mailer
}

// Send sends one message.
func (p Post) Send(ctx context.Context, job SendMail) error {
	doc, err := p.Secrets.Open(job.Sealed)
	if err != nil {
		return err
	}
	var m ports.Mail
	if err := json.Unmarshal(doc, &m); err != nil {
		return err
	}
	return p.Mailer.Send(ctx, m)
}
