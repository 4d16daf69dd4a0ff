package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// progress is a run that an attempt is being made at.
type progress struct {
	*core.ReportRun

	seen   int64 // the version that is stored
	report *core.Report
	org    *core.Org
	maker  core.Actor
	people map[core.AccountID]ports.Member
}

// Send makes one attempt to send a report: by one at a time, and to nobody twice
// who was told to have it. It goes on where an attempt before has ended.
func (s *Service) Send(ctx context.Context, job Send) error {
	p, err := s.begin(ctx, job)
	if err != nil || p == nil {
		return err
	}
	failed := s.attempt(ctx, p)
	var refusal *refused
	switch {
	case failed == nil:
		p.Settle(s.Clock.Now())
	case errors.As(failed, &refusal):
		p.Skip(refusal.code, refusal.Error(), s.Clock.Now())
		failed = nil
	case errors.Is(failed, core.ErrStale):
		return nil // somebody else goes on with it, or it is gone
	case errors.Is(failed, errMail):
		p.Fail(core.RunMailFailed, failed.Error(), s.Clock.Now())
		failed = nil // the history says so
	default:
		p.Fail(core.RunBroken, "an error of the server; its log says more", s.Clock.Now())
	}
	// Also when the time of the attempt is over.
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.save(ctx, p); !errors.Is(err, core.ErrStale) {
		return errors.Join(failed, err)
	}
	return failed
}

// begin claims a run, or returns nil if there is nothing to do.
func (s *Service) begin(ctx context.Context, job Send) (p *progress, err error) {
	err = s.Store.Update(ctx, func(tx ports.Tx) error {
		run, err := tx.ReportRuns.Get(ctx, job.OrgID, job.RunID)
		if err != nil {
			return err
		}
		seen := run.Version
		if !run.Begin(s.Clock.Now()) {
			return nil
		}
		p = &progress{ReportRun: run, seen: run.Version}
		return tx.ReportRuns.Save(ctx, run, seen)
	})
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrStale) {
		return nil, nil //nolint:nilnil // documented
	}
	return p, err
}

// save stores how far a run is.
func (s *Service) save(ctx context.Context, p *progress) error {
	if p.Version == p.seen {
		p.Version++
	}
	err := s.Store.Update(ctx, func(tx ports.Tx) error { return tx.ReportRuns.Save(ctx, p.ReportRun, p.seen) })
	if err == nil {
		p.seen = p.Version
	}
	return err
}

// refused is a reason not to send a report.
type refused struct{ code, reason string }

func (r *refused) Error() string { return r.reason }

// errMail is behind what the mail server does not take now.
var errMail = errors.New("the mail server did not take it")

// attempt does what is left to do of a run.
func (s *Service) attempt(ctx context.Context, p *progress) error {
	if err := s.Store.View(ctx, func(tx ports.Tx) error { return s.look(ctx, tx, p) }); err != nil {
		return err
	}
	if err := s.address(p); err != nil {
		return err
	}
	// The last moment of what is covered is in the period that is.
	d, err := s.document(ctx, p.maker, p.OrgID, p.report.Target, SpanInput{Period: p.report.Period, From: p.To.Add(-time.Microsecond)})
	if err != nil {
		return asRefusal(err)
	}
	d.Title = p.report.Name
	files, err := s.attach(ctx, p, d)
	if err != nil {
		return err
	}
	if err := s.save(ctx, p); err != nil {
		return err
	}
	return s.deliver(ctx, p, d, files)
}

// look finds out whether the report may still be sent.
func (s *Service) look(ctx context.Context, tx ports.Tx, p *progress) (err error) {
	if !s.opts.Mails {
		return &refused{core.RunNoMailServer, "no mail server is configured"}
	}
	if p.report, err = tx.Reports.Get(ctx, p.OrgID, p.ReportID); err != nil {
		return err
	}
	if p.org, err = tx.Orgs.Get(ctx, p.OrgID); err != nil {
		return err
	}
	switch {
	case p.org.Deleted():
		return &refused{core.RunOrgDeleted, "the organisation has been deleted"}
	case !p.report.Active && p.RequestedBy.IsZero():
		return &refused{core.RunInactive, "the report was switched off"}
	}
	if err := s.licensed(ctx, tx, p.OrgID, core.FeatureScheduledReports); err != nil {
		return asRefusal(err)
	}
	ids := append([]core.AccountID{p.report.OnBehalfOf}, p.report.Recipients...)
	if p.people, err = membersOf(ctx, tx, p.OrgID, ids); err != nil {
		return err
	}
	maker, ok := p.people[p.report.OnBehalfOf]
	if !ok || !maker.Account.Role.May(core.ManageWebhooks) {
		return &refused{core.RunMakerGone, "whoever made or last changed the report manages reports no more; change it to answer for it yourself"}
	}
	p.maker = core.OnBehalfOf(maker.Account.UserID)
	return nil
}

// asRefusal makes a reason of an error that the domain names.
func asRefusal(err error) error {
	e, ok := errors.AsType[*core.Error](err)
	if !ok {
		return err
	}
	switch e.Kind {
	case core.KindForbidden:
		if e.Code == core.RunUnlicensed {
			return &refused{core.RunUnlicensed, e.Message}
		}
		return &refused{core.RunTargetGone, e.Message}
	case core.KindNotFound, core.KindGone, core.KindConflict, core.KindInvalid:
		return &refused{core.RunTargetGone, "what the report is about is not there any more, or not for whoever made it: " + e.Message}
	default: // may pass
		return err
	}
}

// address lists the recipients in the first attempt, and sorts out who has left.
func (s *Service) address(p *progress) error {
	if p.Recipients == nil {
		for _, id := range p.report.Recipients {
			p.Recipients = append(p.Recipients, core.RunRecipient{AccountID: id, Email: p.people[id].Email, Status: core.RunPending})
		}
	}
	reached := false
	for i := range p.Recipients {
		to := &p.Recipients[i]
		if _, ok := p.people[to.AccountID]; !ok && to.Status == core.RunPending {
			to.Refuse(core.RunSkipped, core.RecipientGone, "is no active member of the organisation")
		}
		reached = reached || to.Status == core.RunPending || to.Status == core.RunSent
	}
	if !reached {
		return &refused{core.RunNoRecipients, "no recipient is an active member of the organisation"}
	}
	return nil
}

// maxAttached is what all files of a message may have together, in bytes: many
// mail servers take no more than 10 MB, and files grow by a third on the way.
const maxAttached = 7 << 20

// attach makes the files, and those of them that come with the mail.
func (s *Service) attach(ctx context.Context, p *progress, d document) ([]ports.Attachment, error) {
	var files []ports.Attachment
	p.Files = nil
	total := 0
	for _, f := range p.report.Formats {
		file := s.file(d, f)
		var b bytes.Buffer
		if err := file.Write(ctx, &b); err != nil {
			return nil, fmt.Errorf("make %s: %w", file.Name, err)
		}
		fits := total+b.Len() <= maxAttached
		p.Files = append(p.Files, core.RunFile{Name: file.Name, Format: f, Bytes: int64(b.Len()), Attached: fits})
		if fits {
			total += b.Len()
			files = append(files, ports.Attachment{Name: file.Name, Type: file.Type, Content: b.Bytes()})
		}
	}
	return files, nil
}

// deliver hands the report over for each who has it not, and notes each time that
// it was: a server that goes on later does not begin anew.
func (s *Service) deliver(ctx context.Context, p *progress, d document, files []ports.Attachment) error {
	for i := range p.Recipients {
		to := &p.Recipients[i]
		if to.Status != core.RunPending {
			continue
		}
		to.Email = p.people[to.AccountID].Email
		err := s.Mailer.Send(ctx, s.message(p, d, to, files))
		switch {
		case err == nil:
			to.Deliver(s.Clock.Now())
		case errors.Is(err, core.ErrMailRefused):
			to.Refuse(core.RunFailed, core.RecipientRefused, err.Error())
		default:
			return fmt.Errorf("%w: %w", errMail, err)
		}
		if err := s.save(context.WithoutCancel(ctx), p); err != nil {
			return err
		}
	}
	return nil
}
