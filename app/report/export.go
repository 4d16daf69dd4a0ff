package report

import (
	"context"
	"io"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// File is a file of analytics that has yet to be written.
type File struct {
	Name  string
	Type  string // a media type
	Write func(ctx context.Context, w io.Writer) error
}

// Export returns analytics as a file, to those who may see them, in licences that
// include it. It returns errors with the code feature_unavailable.
func (s *Service) Export(ctx context.Context, a core.Actor, t core.ReportTarget, span SpanInput, f core.ReportFormat) (File, error) {
	d, err := s.document(ctx, a, core.OrgID{}, t, span)
	if err != nil {
		return File{}, err
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error { return s.licensed(ctx, tx, d.org, core.FeatureAnalyticsExport) })
	if err != nil {
		return File{}, err
	}
	d.Title = "Analytics"
	return s.file(d, f), nil
}

// document is what is known of the target of a report.
type document struct {
	ports.ReportDocument

	org core.OrgID
}

// document counts for an actor. org is the one that a whole org is.
func (s *Service) document(ctx context.Context, a core.Actor, org core.OrgID, t core.ReportTarget, span SpanInput) (d document, err error) {
	switch t.Kind {
	case core.ReportGroup:
		d.Analytics, err = s.Analytics.OfGroup(ctx, a, t.GroupID, span)
	case core.ReportShare:
		d.Analytics, err = s.Analytics.OfLink(ctx, a, t.ShareLinkID, span)
	case core.ReportOrg:
		d.org = org
		d.Analytics, err = s.Analytics.OfOrg(ctx, a, org, span)
	}
	if err != nil {
		return d, err
	}
	d.MadeAt = s.Clock.Now()
	if t.Kind == core.ReportGroup {
		f, err := s.Groups.ForGroup(ctx, a, t.GroupID)
		if err != nil {
			return d, err
		}
		d.org = f.OrgID
	}
	err = s.Store.View(ctx, func(tx ports.Tx) error { return s.name(ctx, tx, t, &d) })
	return d, err
}

// name says what a document is about, and for whom it is made.
func (s *Service) name(ctx context.Context, tx ports.Tx, t core.ReportTarget, d *document) error {
	switch t.Kind {
	case core.ReportGroup:
		g, err := tx.Groups.Get(ctx, d.org, t.GroupID)
		if err != nil {
			return err
		}
		d.Subject = "group " + g.Name
	case core.ReportShare:
		l, err := tx.ShareLinks.Find(ctx, t.ShareLinkID)
		if err != nil {
			return err
		}
		d.org, d.Subject = l.OrgID, "link "+l.Name
		if l.Name == "" {
			d.Subject = "link " + l.ID.String()
		}
	case core.ReportOrg:
		d.Subject = "all links in shared drives"
	}
	o, err := tx.Orgs.Get(ctx, d.org)
	if err != nil {
		return err
	}
	d.OrgName = o.Name
	if s.licensed(ctx, tx, d.org, core.FeatureBranding) == nil {
		d.Color = o.Branding.PrimaryColor
	}
	return nil
}

// file returns a file that shows a document.
func (s *Service) file(d document, f core.ReportFormat) File {
	const form = "2006-01-02"
	span := d.Analytics.Span
	name := "analytics-" + span.From.Format(form) + "-" + span.To.Add(-time.Microsecond).Format(form) + "." + string(f)
	kind := "application/pdf"
	if f == core.ReportCSV {
		kind = "text/csv; charset=utf-8; header=present"
	}
	return File{Name: name, Type: kind, Write: func(ctx context.Context, w io.Writer) error {
		return s.Files.Write(ctx, w, f, d.ReportDocument)
	}}
}
