package core

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// ErrReportRunning reports a report that is being sent already.
var ErrReportRunning = &Error{
	Kind: KindConflict, Code: "report_running", Message: "the report is being sent already; its runs say how far it is",
}

// Limits of reports.
const (
	MaxReports          = 50 // of one org
	MaxReportRecipients = 50
)

// ReportID identifies a report.
type ReportID = ID[Report]

// ReportKind says what a report is about.
type ReportKind string

// The kinds of report.
const (
	ReportOrg   ReportKind = "org"   // all that the org shares
	ReportGroup ReportKind = "group" // one group
	ReportShare ReportKind = "share" // one share link
)

// ReportFormat is a kind of file.
type ReportFormat string

// The formats, in the order in which they are attached.
const (
	ReportPDF ReportFormat = "pdf"
	ReportCSV ReportFormat = "csv"
)

// ReportTarget is what a report is about.
type ReportTarget struct {
	Kind        ReportKind
	GroupID     GroupID
	ShareLinkID ShareLinkID
}

// Report is an order to send analytics of an org by mail, again and again. It
// shows what the account that made it, or changed it last, may see when it is
// sent: nobody gets more by being a recipient of somebody who has left.
type Report struct {
	ID         ReportID
	OrgID      OrgID
	Name       string
	Target     ReportTarget
	Period     Period         // each report covers the last whole one
	Formats    []ReportFormat // one or both
	Recipients []AccountID    // people of the org
	Schedule   string         // a cron expression, see CleanSchedule
	TimeZone   string         // IANA name, of the schedule and of the periods
	Active     bool
	NextAt     time.Time // when it is to be sent next; zero: it is not active
	CreatedBy  AccountID
	OnBehalfOf AccountID // who made or last changed it
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// ReportChange is what an update leaves alone (nil) or sets, all of it clean.
type ReportChange struct {
	Name       *string
	Target     *ReportTarget
	Period     *Period
	Formats    *[]ReportFormat
	Recipients *[]AccountID
	Schedule   *string
	TimeZone   *string
	Active     *bool
}

// Change applies c, which an account asks for. It reports whether the report has
// another schedule by that, so that somebody must say when it is sent next.
func (r *Report) Change(c ReportChange, by AccountID, now time.Time) (rescheduled bool) {
	schedule, zone, active := r.Schedule, r.TimeZone, r.Active
	set(&r.Name, c.Name)
	set(&r.Target, c.Target)
	set(&r.Period, c.Period)
	set(&r.Formats, c.Formats)
	set(&r.Recipients, c.Recipients)
	set(&r.Schedule, c.Schedule)
	set(&r.TimeZone, c.TimeZone)
	set(&r.Active, c.Active)
	r.OnBehalfOf = by
	r.Version++
	r.UpdatedAt = now
	return r.Schedule != schedule || r.TimeZone != zone || r.Active != active
}

// Reschedule says when the report is sent next: nothing changes of it by that.
func (r *Report) Reschedule(next time.Time) {
	if !r.Active {
		next = time.Time{}
	}
	r.NextAt = next
}

// Span is the time that a report covers which is sent at that time: the last
// whole period before.
func (r *Report) Span(at time.Time, zone *time.Location) (from, to time.Time) {
	to = r.Period.Start(at, zone)
	return r.Period.Start(to.Add(-time.Microsecond), zone).UTC(), to.UTC()
}

// CleanReportFormats returns formats, each once, in their order.
func CleanReportFormats(location string, raw []ReportFormat) ([]ReportFormat, error) {
	var out []ReportFormat
	for _, f := range []ReportFormat{ReportPDF, ReportCSV} {
		if slices.Contains(raw, f) {
			out = append(out, f)
		}
	}
	for _, f := range raw {
		if !slices.Contains(out, f) {
			return nil, Invalid(location, "must be pdf, csv or both")
		}
	}
	if len(out) == 0 {
		return nil, Invalid(location, "must be pdf, csv or both")
	}
	return out, nil
}

// CheckReportTarget refuses a target that does not name what its kind is about.
func CheckReportTarget(location string, t ReportTarget) error {
	group, link := !t.GroupID.IsZero(), !t.ShareLinkID.IsZero()
	switch {
	case t.Kind == ReportOrg && !group && !link,
		t.Kind == ReportGroup && group && !link,
		t.Kind == ReportShare && link && !group:
		return nil
	}
	return Invalid(location, "must be of the kind org, or group with group_id, or share with share_id")
}

// CheckReportRecipients refuses nobody and too many.
func CheckReportRecipients(location string, n int) error {
	if n == 0 || n > MaxReportRecipients {
		return Invalid(location, "must have from 1 to "+strconv.Itoa(MaxReportRecipients)+" addresses")
	}
	return nil
}

// Times of the runs of reports.
const (
	ReportRunTime  = 2 * time.Minute // that an attempt may take
	reportRunLease = ReportRunTime + 10*time.Second
)

// reportRetries is how long after each failed attempt the next one follows.
var reportRetries = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}

// ReportRunID identifies a run of a report; ids sort in order of time.
type ReportRunID = ID[ReportRun]

// RunStatus says what has become of a run, or of its mail to one recipient.
type RunStatus string

// The life of a run: pending → sent | failed | skipped.
const (
	RunPending RunStatus = "pending"
	RunSent    RunStatus = "sent" // to at least one recipient
	RunFailed  RunStatus = "failed"
	RunSkipped RunStatus = "skipped" // there was a reason not to send it
)

// The codes of runs that were skipped or have failed. They are part of the API.
const (
	RunOrgDeleted   = "org_deleted"
	RunInactive     = "report_inactive"     // it was switched off meanwhile
	RunUnlicensed   = "feature_unavailable" // the licence does not include it any more
	RunMakerGone    = "maker_gone"          // on whose behalf it was sent has left, or manages reports no more
	RunTargetGone   = "target_gone"         // is not there any more, or not for that account
	RunNoRecipients = "no_recipients"       // all have left
	RunNoMailServer = "no_mail_server"
	RunMailFailed   = "mail_failed" // the mail server has taken no message
	RunBroken       = "internal"    // the log of the server says more

	RecipientGone    = "recipient_gone" // is no active member any more
	RecipientRefused = "mail_refused"   // the mail server does not take mail for the address
)

// ReportRun is one time that a report is sent. There is at most one for each time
// of a schedule.
type ReportRun struct {
	ID          ReportRunID
	OrgID       OrgID
	ReportID    ReportID
	PlannedAt   time.Time // the time of the schedule, or when it was asked for
	RequestedBy AccountID // who wants it now; zero: the schedule
	From, To    time.Time // what it covers
	Status      RunStatus
	Attempts    int
	NextAt      time.Time // while pending: when somebody may begin the next attempt
	StartedAt   time.Time // the first attempt; zero: there was none
	FinishedAt  time.Time
	Code        string // why it was skipped or has failed, or the last attempt has; see above
	Error       string // the same for people
	Recipients  []RunRecipient
	Files       []RunFile
	Version     int64
	CreatedAt   time.Time
}

// RunRecipient is what has become of the mail to one recipient.
type RunRecipient struct {
	AccountID AccountID
	Email     string // as it was then; empty: nobody is there any more
	Status    RunStatus
	SentAt    time.Time
	Code      string
	Error     string
}

// RunFile is a file that a run has made.
type RunFile struct {
	Name     string
	Format   ReportFormat
	Bytes    int64
	Attached bool // else the mail says where to get it
}

// NewReportRun returns a run of a report that is planned for that time. by is who
// asks for it, zero for the schedule.
func NewReportRun(id ReportRunID, r *Report, planned time.Time, by AccountID, zone *time.Location, now time.Time) *ReportRun {
	run := &ReportRun{
		ID: id, OrgID: r.OrgID, ReportID: r.ID, PlannedAt: planned, RequestedBy: by, Status: RunPending, NextAt: now, Version: 1, CreatedAt: now,
	}
	run.From, run.To = r.Span(planned, zone)
	return run
}

// Begin begins an attempt, unless another one may still be under way, or nothing
// is left to do.
func (r *ReportRun) Begin(now time.Time) bool {
	if r.Status != RunPending || now.Before(r.NextAt) {
		return false
	}
	if r.StartedAt.IsZero() {
		r.StartedAt = now
	}
	r.Attempts++
	r.NextAt = now.Add(reportRunLease)
	r.Version++
	return true
}

// Skip ends the run: there is a reason not to send it.
func (r *ReportRun) Skip(code, reason string, now time.Time) { r.end(RunSkipped, code, reason, now) }

// Settle ends the run if something has become of the mail to each recipient.
func (r *ReportRun) Settle(now time.Time) {
	sent := 0
	for _, to := range r.Recipients {
		switch to.Status {
		case RunPending:
			r.Version++
			return
		case RunSent:
			sent++
		case RunFailed, RunSkipped:
		}
	}
	if sent > 0 {
		r.end(RunSent, "", "", now)
		return
	}
	r.end(RunFailed, RunMailFailed, "no recipient was reached; recipients says why", now)
}

// Fail notes that an attempt has failed. Another one follows, unless there were
// enough: then whoever was not reached is not, for good.
func (r *ReportRun) Fail(code, reason string, now time.Time) {
	if r.Attempts <= len(reportRetries) {
		r.Code, r.Error = code, cutText(reason)
		r.NextAt = now.Add(reportRetries[max(r.Attempts, 1)-1])
		r.Version++
		return
	}
	status := RunFailed
	for i := range r.Recipients {
		switch to := &r.Recipients[i]; to.Status {
		case RunPending:
			to.Status, to.Code, to.Error = RunFailed, code, cutText(reason)
		case RunSent:
			status = RunSent
		case RunFailed, RunSkipped:
		}
	}
	r.end(status, code, reason, now)
}

func (r *ReportRun) end(status RunStatus, code, reason string, now time.Time) {
	r.Status, r.Code, r.Error = status, code, cutText(reason)
	r.FinishedAt, r.NextAt = now, time.Time{}
	r.Version++
}

// Deliver notes what has become of the mail to a recipient.
func (t *RunRecipient) Deliver(now time.Time) { t.Status, t.SentAt = RunSent, now }

// Refuse notes that a recipient cannot be reached.
func (t *RunRecipient) Refuse(status RunStatus, code, reason string) {
	t.Status, t.Code, t.Error = status, code, cutText(reason)
}

// cutText returns the beginning of a text as it is kept in a history.
func cutText(s string) string {
	const most = 500 // bytes
	if len(s) <= most {
		return s
	}
	s = s[:most]
	for !utf8.ValidString(s) && s != "" {
		s = s[:len(s)-1]
	}
	return s
}
