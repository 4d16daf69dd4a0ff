package share

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// event is something that a link's creator may want to know.
type event string

const (
	eventFirstView event = "first_view"
	eventDownload  event = "download"
	eventUpload    event = "upload"
	eventLimit     event = "limit_reached"
	eventExpiring  event = "expiring_soon"
)

// wanted reports whether the link's creator wishes to be told.
func (e event) wanted(n core.ShareNotify) bool {
	switch e {
	case eventFirstView:
		return n.FirstView
	case eventDownload:
		return n.EachDownload
	case eventUpload:
		return n.EachUpload
	case eventLimit:
		return n.LimitReached
	case eventExpiring:
		return n.ExpiringSoon
	}
	return false
}

// Notify is the job that mails a link's creator. It looks at what they wish
// once more.
type Notify struct {
	OrgID  core.OrgID       `json:"org_id"`
	LinkID core.ShareLinkID `json:"link_id"`
	Event  event            `json:"event"`
	NodeID core.NodeID      `json:"node_id,omitzero"` // the file it is about; zero: the target
	Name   string           `json:"name,omitempty"`   // of the file
	Access core.AccessID    `json:"access,omitzero"`
	At     time.Time        `json:"at"`
}

// Kind implements ports.Job.
func (Notify) Kind() string { return "share.notify" }

// tell enqueues the mails that a use of a link causes: nothing at all, for most
// links.
func (s *Service) tell(ctx context.Context, at *arrival, a *core.ShareAccess, before int64) error {
	l := &at.facts.Link
	var jobs []ports.Job
	add := func(e event) {
		if e.wanted(l.Notify) {
			jobs = append(jobs, Notify{OrgID: l.OrgID, LinkID: l.ID, Event: e, NodeID: a.NodeID, Access: a.ID, At: at.now})
		}
	}
	if a.Kind == core.AccessView && before == 0 {
		add(eventFirstView)
	}
	if a.Kind == core.AccessDownload {
		add(eventDownload)
	}
	if l.Last(a.Kind, before) {
		add(eventLimit)
	}
	return s.enqueue(ctx, jobs...)
}

// enqueue is not ended by a visitor who hangs up: what they did is counted.
func (s *Service) enqueue(ctx context.Context, jobs ...ports.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	return s.store.Update(ctx, func(tx ports.Tx) error { return tx.Jobs.Enqueue(ctx, jobs...) })
}

// Notify mails the creator of a link, once for each thing that happens.
func (s *Service) Notify(ctx context.Context, job Notify) error {
	err := s.mail(ctx, job)
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrIdempotencyConflict) {
		return nil // the link or the person is gone, or the mail is on its way
	}
	return err
}

// told is how long is remembered that a mail was sent: longer than a job may
// wait.
const told = 30 * 24 * time.Hour

func (s *Service) mail(ctx context.Context, job Notify) error {
	now := s.clock.Now()
	return s.store.Update(ctx, func(tx ports.Tx) error {
		l, err := tx.ShareLinks.Get(ctx, job.OrgID, job.LinkID)
		if err != nil {
			return err
		}
		creator, err := tx.Accounts.Get(ctx, job.OrgID, l.CreatedBy)
		if err != nil || creator.Status != core.AccountActive || !job.Event.wanted(l.Notify) {
			return err
		}
		u, err := tx.Users.Get(ctx, creator.UserID)
		if err != nil {
			return err
		}
		text, err := compose(ctx, tx, l, job)
		if err != nil {
			return err
		}
		text.To = u.Email
		if err := tx.Idempotency.Add(ctx, &core.Idempotency{
			Scope: "share-mail", Key: job.once(l), Fingerprint: []byte{}, Answer: []byte{}, CreatedAt: now, ExpiresAt: now.Add(told),
		}); err != nil {
			return err
		}
		return app.EnqueueMail(ctx, tx, s.secrets, text)
	})
}

// once names the thing that happened.
func (j Notify) once(l *core.ShareLink) string {
	what := []string{string(j.Event), l.ID.String()}
	switch j.Event {
	case eventFirstView:
	case eventDownload, eventLimit:
		what = append(what, j.Access.String())
	case eventUpload:
		what = append(what, j.NodeID.String())
	case eventExpiring:
		what = append(what, l.ExpiresAt.UTC().Format(time.RFC3339Nano))
	}
	return strings.Join(what, " ")
}

// compose writes the mail, but for whom it is to.
func compose(ctx context.Context, tx ports.Tx, l *core.ShareLink, job Notify) (ports.Mail, error) {
	target, err := targetOf(ctx, tx, l)
	if err != nil {
		return ports.Mail{}, err
	}
	file := job.Name
	if file == "" && !job.NodeID.IsZero() {
		if file, err = fileOf(ctx, tx, l, job.NodeID); err != nil {
			return ports.Mail{}, err
		}
	}
	link := "Your link to " + target
	if l.Name != "" {
		link = "Your link " + quoted(l.Name) + " to " + target
	}
	var m ports.Mail
	switch job.Event {
	case eventFirstView:
		m.Subject, m.Text = "Your link was opened", link+" was opened for the first time"
	case eventDownload:
		m.Subject, m.Text = "Your link was used for a download", link+" was used to download "+file
	case eventUpload:
		m.Subject, m.Text = "A file has arrived", link+" has brought a file: "+file
	case eventLimit:
		m.Subject, m.Text = "Your link is used up", link+" has been used as often as it may be"
	case eventExpiring:
		m.Subject, m.Text = "Your link expires soon", fmt.Sprintf("%s expires at %s", link, when(l.ExpiresAt))
		return m, nil
	}
	m.Text += fmt.Sprintf(", at %s.\n\nThe access log of the link says more.\n", when(job.At))
	return m, nil
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func quoted(name string) string { return "“" + name + "”" }

// targetOf is how a mail calls what a link leads to.
func targetOf(ctx context.Context, tx ports.Tx, l *core.ShareLink) (string, error) {
	if !l.OfGroup() {
		return nameOf(ctx, tx, l.DriveID, l.NodeID)
	}
	g, err := tx.Groups.Get(ctx, l.OrgID, l.GroupID)
	if errors.Is(err, core.ErrNotFound) {
		return gone, nil
	}
	if err != nil {
		return "", err
	}
	return quoted(g.Name), nil
}

// fileOf is how a mail calls a file that a link has led to, in whatever drive
// that is.
func fileOf(ctx context.Context, tx ports.Tx, l *core.ShareLink, id core.NodeID) (string, error) {
	drive := l.DriveID
	if l.OfGroup() {
		a, err := tx.Assets.Get(ctx, l.OrgID, id)
		if errors.Is(err, core.ErrNotFound) {
			return gone, nil
		}
		if err != nil {
			return "", err
		}
		drive = a.DriveID
	}
	return nameOf(ctx, tx, drive, id)
}

const gone = "something that is gone"

// nameOf is how a mail calls a node.
func nameOf(ctx context.Context, tx ports.Tx, drive core.DriveID, id core.NodeID) (string, error) {
	e, err := tx.Nodes.Get(ctx, drive, id)
	switch {
	case errors.Is(err, core.ErrNotFound):
		return gone, nil
	case err != nil:
		return "", err
	case e.Node.IsRoot():
		return "a whole drive", nil
	}
	return quoted(e.Node.Name), nil
}

// Housekeep is the job that tells of links that expire soon and forgets old
// rows of the access log.
type Housekeep struct{}

// Kind implements ports.Job.
func (Housekeep) Kind() string { return "share.housekeep" }

const housekeepBatch = 500

// Housekeep does one thing after the other; what fails does not keep the rest.
func (s *Service) Housekeep(ctx context.Context, _ Housekeep) error {
	return errors.Join(s.warn(ctx), s.prune(ctx), ctx.Err())
}

// warn mails the creators of links that expire within a day, each once.
func (s *Service) warn(ctx context.Context) error {
	now := s.clock.Now()
	var failed []error
	seen := make(map[core.ShareLinkID]bool)
	for from, limit, fresh := now, housekeepBatch, true; fresh && ctx.Err() == nil; {
		var page []*core.ShareLink
		err := s.store.View(ctx, func(tx ports.Tx) (err error) {
			page, err = tx.ShareLinks.Expiring(ctx, from, now.Add(core.ShareWarning), limit)
			return err
		})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		fresh = false
		for _, l := range page {
			if seen[l.ID] {
				continue
			}
			seen[l.ID], fresh = true, true
			if l.WarnsAt(now) {
				failed = append(failed, s.Notify(ctx, Notify{OrgID: l.OrgID, LinkID: l.ID, Event: eventExpiring, At: now}))
			}
		}
		if len(page) < limit {
			break
		}
		// Those that expire at one moment may be on two pages.
		if next := page[len(page)-1].ExpiresAt.Add(-time.Microsecond); next.After(from) {
			from = next
		} else {
			limit += housekeepBatch
		}
	}
	return errors.Join(failed...)
}

func (s *Service) prune(ctx context.Context) error {
	until := s.clock.Now().Add(-s.opts.LogRetention)
	for ctx.Err() == nil {
		var n int
		err := s.store.Update(ctx, func(tx ports.Tx) (err error) {
			n, err = tx.ShareLinks.PruneAccesses(ctx, until, housekeepBatch)
			return err
		})
		if err != nil || n < housekeepBatch {
			return err
		}
	}
	return nil
}
