package report

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// message is the report for one recipient. It has the same name each time that it
// is sent, so that a mail server can tell that it has it already.
func (s *Service) message(p *progress, d document, to *core.RunRecipient, files []ports.Attachment) ports.Mail {
	const form = "2 January 2006"
	a := &d.Analytics
	days := a.From.Format(form)
	if last := a.To.Add(-time.Microsecond).Format(form); last != days {
		days += " – " + last
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s: %s, %s (%s)\n\n", d.Title, d.OrgName, d.Subject, days, a.Zone)
	fmt.Fprintf(&b, "Views: %d\nVisitors: %d\nDownloads: %d\n", a.Totals.Views, a.Totals.Visitors, a.Totals.Downloads)
	for _, f := range p.Files {
		switch {
		case f.Attached:
			fmt.Fprintf(&b, "\nAttached: %s", f.Name)
		case p.report.Target.Kind == core.ReportOrg:
			fmt.Fprintf(&b, "\n%s is too large for mail.", f.Name)
		default:
			fmt.Fprintf(&b, "\n%s is too large for mail; get it with your account: %s", f.Name, s.exportURL(p.report, f.Format, a.Span))
		}
	}
	fmt.Fprintf(&b, "\n\nYou get this since you are a member of %s, and an owner or admin has put you on the list of this report. "+
		"They take you off it, too.\n", d.OrgName)
	return ports.Mail{
		To: to.Email, Subject: d.Title + ": " + d.OrgName + ", " + days, Text: b.String(),
		ID: p.ID.String() + "-" + to.AccountID.String(), Attachments: files,
	}
}

// exportURL is where whoever may see the analytics gets them as a file.
func (s *Service) exportURL(r *core.Report, f core.ReportFormat, span core.Span) string {
	path := "/api/groups/" + r.Target.GroupID.String()
	if r.Target.Kind == core.ReportShare {
		path = "/api/shares/" + r.Target.ShareLinkID.String()
	}
	q := url.Values{"format": {string(f)}, "period": {string(span.Period)}, "from": {span.From.UTC().Format(time.RFC3339)}}
	return s.opts.PublicURL + path + "/analytics/export?" + q.Encode()
}
