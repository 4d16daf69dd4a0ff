package report_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/system"
	"github.com/seed-755a8038/coffer/app/report"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// counts stand for analytics.
type counts struct {
	err  error
	mu   sync.Mutex
	who  []core.Actor
	from []time.Time
}

func (c *counts) of(a core.Actor, s report.SpanInput) (core.Analytics, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.who, c.from = append(c.who, a), append(c.from, s.From)
	if c.err != nil {
		return core.Analytics{}, c.err
	}
	span, err := core.NewSpan(s.Period, s.From, s.To, monday, time.UTC)
	return core.Analytics{Span: span, Zone: "UTC", Totals: core.Traffic{Views: 7}}, err
}

func (c *counts) OfGroup(_ context.Context, a core.Actor, _ core.GroupID, s report.SpanInput) (core.Analytics, error) {
	return c.of(a, s)
}

func (c *counts) OfLink(_ context.Context, a core.Actor, _ core.ShareLinkID, s report.SpanInput) (core.Analytics, error) {
	return c.of(a, s)
}

func (c *counts) OfOrg(_ context.Context, a core.Actor, _ core.OrgID, s report.SpanInput) (core.Analytics, error) {
	return c.of(a, s)
}

// printer stands for the makers of files.
type printer struct{ size int }

func (p *printer) Write(_ context.Context, w io.Writer, f core.ReportFormat, d ports.ReportDocument) error {
	_, err := fmt.Fprintf(w, "%s %s %d%s", f, d.Subject, d.Analytics.Totals.Views, strings.Repeat(" ", p.size))
	return err
}

// postman takes mail.
type postman struct {
	mu     sync.Mutex
	got    []ports.Mail
	answer func(m ports.Mail) error
}

func (p *postman) Send(_ context.Context, m ports.Mail) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answer != nil {
		if err := p.answer(m); err != nil {
			return err
		}
	}
	p.got = append(p.got, m)
	return nil
}

func (p *postman) to() (to []string) {
	for _, m := range p.got {
		to = append(to, m.To)
	}
	return to
}

var monday = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

type world struct {
	*fixture.World
	post    *postman
	counts  *counts
	printer *printer
	reports *report.Service
	ana     fixture.Person
}

func (w world) service(o report.Options) *report.Service {
	o.Retention = 24 * time.Hour
	return report.NewService(report.Deps{
		Store: w.Store, Access: w.Store, Groups: w.Store, Analytics: w.counts, Files: w.printer, Mailer: w.post, Secrets: w.Secrets,
		Clock: w.Clock, IDs: w.IDs, Text: w.Text, Zones: system.Zones{}, Schedules: system.Schedules{},
	}, o)
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{World: fixture.New(t, true), post: &postman{}, counts: &counts{}, printer: &printer{}}
	w.reports = w.service(report.Options{Unlimited: true, Mails: true, PublicURL: "https://coffer.example"})
	w.ana = w.SignUp("ana")
	return w
}

func (w world) input() report.CreateInput {
	return report.CreateInput{OrgID: w.ana.Org.ID, ChangeInput: report.ChangeInput{
		Name: new("Weekly"), Target: &core.ReportTarget{Kind: core.ReportOrg}, Period: new(core.PerWeek),
		Formats: &[]core.ReportFormat{core.ReportCSV, core.ReportPDF}, Recipients: &[]string{w.ana.User.Email, strings.ToUpper(w.ana.User.Email)},
		Schedule: new("0 8 * * MON"),
	}}
}

func (w world) create() report.Shown {
	w.Helper()
	r, err := w.reports.Create(w.Context(), w.ana.Actor, w.input())
	w.Must(err)
	return r
}

// work runs the jobs that wait.
func (w world) work() {
	w.Helper()
	for _, job := range w.Queue.Take() {
		if send, ok := job.(report.Send); ok {
			w.Must(w.reports.Send(w.Context(), send))
		}
	}
}

func (w world) plan() {
	w.Helper()
	w.Must(w.reports.Plan(w.Context(), report.Plan{}))
	w.work()
}

func (w world) runs(r report.Shown) []*core.ReportRun {
	w.Helper()
	runs, err := w.reports.Runs(w.Context(), w.ana.Actor, report.RunQuery{OrgID: r.OrgID, ReportID: r.ID, Limit: 99})
	w.Must(err)
	return runs
}

// due moves the clock to where a report is due.
func (w world) due(r report.Shown) {
	w.Helper()
	w.Clock.Shift(r.NextAt.Sub(w.Clock.Now()))
}

func TestAReportIsMailedWhenItsTimeHasCome(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	if r.NextAt.Weekday() != time.Monday || r.NextAt.Hour() != 8 || r.TimeZone != "UTC" || len(r.Recipients) != 1 {
		t.Fatalf("%+v", r.Report)
	}
	if w.plan(); len(w.post.got) != 0 {
		t.Fatal("it is sent before its time")
	}
	w.due(r)
	w.plan()
	w.plan()
	if len(w.post.got) != 1 {
		t.Fatalf("%d mails", len(w.post.got))
	}
	m := w.post.got[0]
	if m.To != w.ana.User.Email || !strings.HasPrefix(m.Subject, "Weekly: ") || !strings.Contains(m.Text, "Views: 7") || m.ID == "" {
		t.Errorf("%+v", m)
	}
	if len(m.Attachments) != 2 || !bytes.HasPrefix(m.Attachments[0].Content, []byte("pdf ")) || m.Attachments[0].Type != "application/pdf" || !strings.HasSuffix(m.Attachments[1].Name, ".csv") {
		t.Errorf("%+v", m.Attachments)
	}
	runs := w.runs(r)
	if len(runs) != 1 || runs[0].Status != core.RunSent || runs[0].Attempts != 1 || !runs[0].PlannedAt.Equal(r.NextAt) || len(runs[0].Files) != 2 || !runs[0].Recipients[0].SentAt.Equal(w.Clock.Now()) {
		t.Fatalf("%+v", runs)
	}
	if run := runs[0]; !run.To.Equal(core.PerWeek.Start(r.NextAt, time.UTC)) || !w.counts.from[len(w.counts.from)-1].Equal(run.To.Add(-time.Microsecond)) {
		t.Errorf("it covers %v to %v", run.From, run.To)
	}
	if who := w.counts.who[len(w.counts.who)-1]; who != core.OnBehalfOf(w.ana.User.ID) {
		t.Errorf("it is made for %+v", who)
	}
	again, err := w.reports.Get(t.Context(), w.ana.Actor, r.OrgID, r.ID)
	w.Must(err)
	if again.NextAt.Sub(r.NextAt) != 7*24*time.Hour || again.Version != r.Version {
		t.Errorf("next at %v, version %d", again.NextAt, again.Version)
	}
}

func TestOfMissedTimesTheLastOneCounts(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	w.Clock.Shift(30 * 24 * time.Hour)
	w.plan()
	runs := w.runs(r)
	if len(runs) != 1 || len(w.post.got) != 1 || w.Clock.Now().Sub(runs[0].PlannedAt) > 7*24*time.Hour {
		t.Errorf("%+v", runs)
	}
}

func TestSchedulersAndSendersThatRaceSendOnce(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	w.due(r)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := w.reports.Plan(t.Context(), report.Plan{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, job := range w.Queue.Take() {
		send, ok := job.(report.Send)
		for range 4 {
			if ok {
				wg.Go(func() {
					if err := w.reports.Send(t.Context(), send); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	wg.Wait()
	if len(w.post.got) != 1 || len(w.runs(r)) != 1 {
		t.Errorf("%d mails, %d runs", len(w.post.got), len(w.runs(r)))
	}
}

func (w world) join(email string, role core.OrgRole) fixture.Person {
	w.Helper()
	p := w.SignUp(email)
	w.Write(func(tx ports.Tx) error {
		a := core.NewInvitation(core.AccountID(w.IDs.NewID()), w.ana.Org.ID, p.User.Email, role, w.ana.Account.ID, w.Clock.Now())
		if err := a.Accept(p.User, w.Clock.Now()); err != nil {
			return err
		}
		p.Account = a
		return tx.Accounts.Add(w.Context(), a)
	})
	return p
}

func TestWhatFailsIsTriedAgainAndNobodyGetsItTwice(t *testing.T) {
	w := newWorld(t)
	ben := w.join("ben", core.OrgMember)
	in := w.input()
	in.Recipients = &[]string{w.ana.User.Email, ben.User.Email}
	r, err := w.reports.Create(t.Context(), w.ana.Actor, in)
	w.Must(err)
	down := true
	w.post.answer = func(m ports.Mail) error {
		if down && m.To == ben.User.Email {
			return errors.New("451 later")
		}
		return nil
	}
	w.due(r)
	w.plan()
	run := w.runs(r)[0]
	if run.Status != core.RunPending || run.Code != core.RunMailFailed || !strings.Contains(run.Error, "451 later") || run.Attempts != 1 {
		t.Fatalf("%+v", run)
	}
	if w.plan(); w.runs(r)[0].Attempts != 1 {
		t.Error("it is tried again at once")
	}
	down = false
	w.Clock.Shift(time.Minute)
	w.plan()
	if run := w.runs(r)[0]; run.Status != core.RunSent || run.Attempts != 2 || run.Code != "" {
		t.Errorf("%+v", run)
	}
	if got := w.post.to(); !slices.Equal(got, []string{w.ana.User.Email, ben.User.Email}) {
		t.Errorf("%q", got)
	}
}

func TestAnAddressThatIsRefusedIsGivenUp(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	w.post.answer = func(ports.Mail) error { return fmt.Errorf("%w (550)", core.ErrMailRefused) }
	w.due(r)
	w.plan()
	run := w.runs(r)[0]
	if run.Status != core.RunFailed || run.Code != core.RunMailFailed || run.Recipients[0].Code != core.RecipientRefused {
		t.Errorf("%+v", run)
	}
}

func TestWhoeverDiesInTheMiddleIsFollowed(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	w.due(r)
	w.Must(w.reports.Plan(t.Context(), report.Plan{}))
	run := w.runs(r)[0]
	w.Write(func(tx ports.Tx) error { // has begun, and is never heard of again
		seen := run.Version
		run.Begin(w.Clock.Now())
		return tx.ReportRuns.Save(t.Context(), run, seen)
	})
	if w.work(); len(w.post.got) != 0 {
		t.Fatal("two send at once")
	}
	w.Clock.Shift(core.ReportRunTime + time.Minute)
	w.plan()
	if run := w.runs(r)[0]; run.Status != core.RunSent || run.Attempts != 2 || len(w.post.got) != 1 {
		t.Errorf("%+v, %d mails", run, len(w.post.got))
	}
}

func TestReasonsNotToSendAreSaid(t *testing.T) {
	for code, change := range map[string]func(w world, r report.Shown) *report.Service{
		core.RunInactive: func(w world, r report.Shown) *report.Service {
			w.Must(w.reports.Plan(w.Context(), report.Plan{}))
			_, err := w.reports.Update(w.Context(), w.ana.Actor, r.OrgID, r.ID, report.ChangeInput{Active: new(false)}, 0)
			w.Must(err)
			return w.reports
		},
		core.RunTargetGone: func(w world, _ report.Shown) *report.Service {
			w.counts.err = core.ErrNotFound
			return w.reports
		},
		core.RunUnlicensed:   func(w world, _ report.Shown) *report.Service { return w.service(report.Options{Mails: true}) },
		core.RunNoMailServer: func(w world, _ report.Shown) *report.Service { return w.service(report.Options{Unlimited: true}) },
		core.RunMakerGone: func(w world, r report.Shown) *report.Service {
			cleo := w.join("cleo", core.OrgMember)
			w.Write(func(tx ports.Tx) error {
				stored, err := tx.Reports.Lock(w.Context(), r.OrgID, r.ID)
				if err != nil {
					return err
				}
				stored.Change(core.ReportChange{}, cleo.Account.ID, w.Clock.Now())
				return tx.Reports.Save(w.Context(), stored)
			})
			return w.reports
		},
		core.RunNoRecipients: func(w world, r report.Shown) *report.Service {
			w.Write(func(tx ports.Tx) error {
				stored, err := tx.Reports.Lock(w.Context(), r.OrgID, r.ID)
				if err != nil {
					return err
				}
				stored.Change(core.ReportChange{Recipients: &[]core.AccountID{{9}}}, w.ana.Account.ID, w.Clock.Now())
				return tx.Reports.Save(w.Context(), stored)
			})
			return w.reports
		},
	} {
		t.Run(code, func(t *testing.T) {
			w := newWorld(t)
			r := w.create()
			w.due(r)
			w.reports = change(w, r)
			w.plan()
			run := w.runs(r)[0]
			if run.Status != core.RunSkipped || run.Code != code || run.Error == "" || len(w.post.got) != 0 {
				t.Errorf("%+v, %d mails", run, len(w.post.got))
			}
		})
	}
}

func TestErrorsOfTheServerStayInItsLog(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	w.due(r)
	w.counts.err = errors.New("secret of the database")
	w.Must(w.reports.Plan(t.Context(), report.Plan{}))
	for _, job := range w.Queue.Take() {
		if send, ok := job.(report.Send); ok && w.reports.Send(t.Context(), send) == nil {
			t.Error("nobody is told")
		}
	}
	if run := w.runs(r)[0]; run.Status != core.RunPending || run.Code != core.RunBroken || strings.Contains(run.Error, "secret") {
		t.Errorf("%+v", run)
	}
}

func TestWhatIsTooLargeForMailIsNamed(t *testing.T) {
	w := newWorld(t)
	w.printer.size = 4 << 20
	r := w.create()
	w.due(r)
	w.plan()
	run := w.runs(r)[0]
	if len(w.post.got) != 1 || len(w.post.got[0].Attachments) != 1 || !run.Files[0].Attached || run.Files[1].Attached || !strings.Contains(w.post.got[0].Text, "too large") {
		t.Errorf("%+v", run.Files)
	}
}

func TestAReportIsSentNowOnceAtATime(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	run, err := w.reports.RunNow(t.Context(), w.ana.Actor, r.OrgID, r.ID, nil)
	w.Must(err)
	if run.RequestedBy != w.ana.Account.ID {
		t.Errorf("%+v", run)
	}
	if _, err := w.reports.RunNow(t.Context(), w.ana.Actor, r.OrgID, r.ID, nil); !errors.Is(err, core.ErrReportRunning) {
		t.Errorf("a second time: %v", err)
	}
	w.work()
	if len(w.post.got) != 1 || w.runs(r)[0].Status != core.RunSent {
		t.Errorf("%+v", w.runs(r)[0])
	}
	w.Clock.Shift(25 * time.Hour)
	w.Must(w.reports.Prune(t.Context(), report.Prune{}))
	if n := len(w.runs(r)); n != 0 {
		t.Errorf("%d runs are kept", n)
	}
}

func TestBadReportsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.join("ben", core.OrgMember)
	for name, edit := range map[string]func(*report.CreateInput){
		"a stranger gets it":    func(in *report.CreateInput) { in.Recipients = &[]string{"stranger@example.com"} },
		"no address":            func(in *report.CreateInput) { in.Recipients = &[]string{"ana"} },
		"nobody gets it":        func(in *report.CreateInput) { in.Recipients = &[]string{} },
		"each minute":           func(in *report.CreateInput) { in.Schedule = new("* * * * *") },
		"never":                 func(in *report.CreateInput) { in.Schedule = new("0 0 30 2 *") },
		"an unknown time zone":  func(in *report.CreateInput) { in.TimeZone = new("Mars/Base") },
		"no name":               func(in *report.CreateInput) { in.Name = new(" ") },
		"another format":        func(in *report.CreateInput) { in.Formats = &[]core.ReportFormat{"xls"} },
		"a group without an id": func(in *report.CreateInput) { in.Target = &core.ReportTarget{Kind: core.ReportGroup} },
	} {
		in := w.input()
		edit(&in)
		if _, err := w.reports.Create(t.Context(), w.ana.Actor, in); core.KindOf(err) != core.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.service(report.Options{Mails: true}).Create(t.Context(), w.ana.Actor, w.input()); core.KindOf(err) != core.KindForbidden {
		t.Errorf("without the licence: %v", err)
	}
}

func TestOnlyThoseWhoManageReportsSeeThem(t *testing.T) {
	w := newWorld(t)
	r := w.create()
	ben, stranger := w.join("ben", core.OrgMember), w.SignUp("zoe")
	for want, a := range map[*core.Error]core.Actor{core.ErrForbidden: ben.Actor, core.ErrNotFound: stranger.Actor} {
		_, err1 := w.reports.Get(t.Context(), a, r.OrgID, r.ID)
		_, err2 := w.reports.Runs(t.Context(), a, report.RunQuery{OrgID: r.OrgID, ReportID: r.ID, Limit: 1})
		_, err3 := w.reports.RunNow(t.Context(), a, r.OrgID, r.ID, nil)
		_, err4 := w.reports.Update(t.Context(), a, r.OrgID, r.ID, report.ChangeInput{}, 0)
		_, err5 := w.reports.List(t.Context(), a, report.Query{OrgID: r.OrgID, Limit: 1})
		for i, err := range []error{err1, err2, err3, err4, err5, w.reports.Delete(t.Context(), a, r.OrgID, r.ID, 0)} {
			if !errors.Is(err, want) {
				t.Errorf("%d: %v, want %v", i, err, want)
			}
		}
	}
	w.Must(w.reports.Delete(t.Context(), w.ana.Actor, r.OrgID, r.ID, r.Version))
}
