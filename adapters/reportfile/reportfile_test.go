package reportfile_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/reportfile"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var _ ports.ReportFiles = reportfile.Files{}

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// document has something of everything.
func document() ports.ReportDocument {
	a := core.Analytics{
		Span: core.Span{Period: core.PerWeek, From: monday, To: monday.AddDate(0, 0, 7), Step: core.PerDay}, Zone: "Europe/Berlin",
		Totals: core.Traffic{Views: 12345, Visitors: 678, Downloads: 90},
		Assets: []core.AssetTraffic{
			{AssetID: core.AssetID{1}, Name: "Übergröße № 5.pdf", Traffic: core.Traffic{Views: 70, Downloads: 33}},
			{AssetID: core.AssetID{2}, Name: "Отчёт – Ελλάδα.zip", Traffic: core.Traffic{Views: 50}},
			{AssetID: core.AssetID{3}, Name: "=HYPERLINK(\"http://evil\")", Traffic: core.Traffic{Views: 4}},
			{AssetID: core.AssetID{4}},
		},
		Countries: []core.CountryTraffic{{Country: "DE", Traffic: core.Traffic{Views: 7000}}, {Country: core.CountryUnknown, Traffic: core.Traffic{Views: 345}}},
		Devices:   []core.DeviceTraffic{{Device: core.DeviceMobile, Traffic: core.Traffic{Views: 8000}}, {Device: core.DeviceDesktop, Traffic: core.Traffic{Views: 4345}}},
		Links: []core.LinkTraffic{
			{LinkID: core.ShareLinkID{1}, Name: "Press", Traffic: core.Traffic{Views: 9, Visitors: 8, Downloads: 7}, LastAccessedAt: monday.Add(time.Hour)},
			{LinkID: core.ShareLinkID{2}},
		},
	}
	for i := range 7 {
		n := int64(i)
		a.Series = append(a.Series, core.TrafficPoint{Start: monday.AddDate(0, 0, i), Traffic: core.Traffic{Views: 100 * n, Visitors: n, Downloads: 10 * n}})
	}
	return ports.ReportDocument{Title: "Weekly – é", OrgName: "Ana & Söhne", Subject: "Group Spring", Color: "#aa3355", Analytics: a, MadeAt: monday.AddDate(0, 0, 7)}
}

func write(t *testing.T, f core.ReportFormat, d ports.ReportDocument) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (reportfile.Files{}).Write(t.Context(), &b, f, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// poppler runs one of Poppler's programs on a document.
func poppler(t *testing.T, program string, doc []byte) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("install poppler-utils: " + err.Error())
		}
		t.Skip("install poppler-utils: " + err.Error())
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{file}
	if program == "pdftotext" {
		args = []string{"-layout", file, "-"}
	}
	var complaint bytes.Buffer
	c := exec.CommandContext(t.Context(), path, args...)
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil || complaint.Len() > 0 {
		t.Fatalf("%s: %v: %s", program, err, &complaint)
	}
	return string(out)
}

func TestAReaderOfPDFsFindsAllThatTheReportSays(t *testing.T) {
	doc := write(t, core.ReportPDF, document())
	text := poppler(t, "pdftotext", doc)
	for _, want := range []string{
		"Weekly – é", "Ana & Söhne · Group Spring", "2 March 2026 – 8 March 2026 (Europe/Berlin)", "12 345", "678", "90", "Views", "Downloads",
		"2 Mar", "8 Mar", "DE", "7 000", "unknown", "mobile", "Übergröße № 5.pdf", "Отчёт – Ελλάδα.zip", "=HYPERLINK", "(removed)",
		"Press", "2026-03-02", "Page 1", "Made 2026-03-09 00:00 UTC",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "no font") {
		t.Error("nothing is missing")
	}
	info := poppler(t, "pdfinfo", doc)
	for _, want := range []string{"Weekly – é", "Ana & Söhne", "Coffer", "A4", "Pages:           1"} {
		if !strings.Contains(info, want) {
			t.Errorf("%q is not in\n%s", want, info)
		}
	}
	if len(doc) > 200_000 {
		t.Errorf("it has %d bytes", len(doc))
	}
}

func TestTheSameDocumentIsTheSameFile(t *testing.T) {
	for _, f := range []core.ReportFormat{core.ReportPDF, core.ReportCSV} {
		first := write(t, f, document())
		for range 3 {
			if !bytes.Equal(write(t, f, document()), first) {
				t.Errorf("%s: it differs", f)
			}
		}
	}
}

func TestCharactersWithoutAFontAreBoxesAndAreSaid(t *testing.T) {
	d := document()
	d.Title = "年次報告 \U00010000\U0001F600\x00\u202e\u200d A\n\tB \xff"
	d.OrgName, d.Subject, d.Color = "\U0001F600", "", "pink!!!"
	text := poppler(t, "pdftotext", write(t, core.ReportPDF, d))
	for _, want := range []string{"□□□□ □□ A B □", "Characters that this document has no font for are shown as □"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestNothingToShowIsShown(t *testing.T) {
	d := document()
	d.Analytics = core.Analytics{Span: d.Analytics.Span, Zone: "UTC", CountedUntil: monday}
	text := poppler(t, "pdftotext", write(t, core.ReportPDF, d))
	for _, want := range []string{"includes totals only", "counted until 2026-03-02"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	d.Analytics.Assets, d.Analytics.Countries, d.Analytics.Devices, d.Analytics.Links = []core.AssetTraffic{}, []core.CountryTraffic{}, []core.DeviceTraffic{}, []core.LinkTraffic{}
	for range 31 {
		d.Analytics.Series = append(d.Analytics.Series, core.TrafficPoint{Start: monday})
	}
	if text := poppler(t, "pdftotext", write(t, core.ReportPDF, d)); strings.Count(text, "No visits") != 4 {
		t.Errorf("where there is nothing it does not say so:\n%s", text)
	}
}

func TestLongTablesGoOverPagesAndEnd(t *testing.T) {
	d := document()
	for i := range 5_000 {
		name := fmt.Sprintf("%04d %s", i, strings.Repeat("very long name ", 300))
		d.Analytics.Assets = append(d.Analytics.Assets, core.AssetTraffic{AssetID: core.AssetID{9}, Name: name, Traffic: core.Traffic{Views: 1 << 62}})
		d.Analytics.Links = append(d.Analytics.Links, core.LinkTraffic{Name: name})
		d.Analytics.Countries = append(d.Analytics.Countries, core.CountryTraffic{Country: "XX", Traffic: core.Traffic{Views: 1}})
		d.Analytics.Series = append(d.Analytics.Series, core.TrafficPoint{Start: monday, Traffic: core.Traffic{Views: 1 << 62}})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	doc := write(t, core.ReportPDF, d)
	runtime.ReadMemStats(&after)
	text := poppler(t, "pdftotext", doc)
	for _, want := range []string{"and 4804 more; the CSV has them all", "Page 9", "…", "others"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(text, "Last visit"); n < 4 {
		t.Errorf("the titles of a table are on %d pages", n)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 200<<20 {
		t.Errorf("it took %d MB", used>>20)
	}
}

func TestCSVHasEverythingAndNoFormula(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(write(t, core.ReportCSV, document()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var sections []string
	for _, r := range rows[1:] {
		if n := len(sections); n == 0 || sections[n-1] != r[0] {
			sections = append(sections, r[0])
		}
		for _, cell := range r {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("%q is a formula", cell)
			}
		}
	}
	if got := strings.Join(sections, " "); got != "total series asset country device link" {
		t.Errorf("it has %s", got)
	}
	if len(rows) != 1+1+7+4+2+2+2 {
		t.Errorf("it has %d rows", len(rows))
	}
	if got := strings.Join(rows[1], "|"); got != "total|week|Group Spring|2026-03-02T00:00:00Z|12345|678|90|" {
		t.Errorf("totals: %s", got)
	}
	if got := rows[11]; got[2] != `'=HYPERLINK("http://evil")` {
		t.Errorf("%q", got)
	}
}

func TestNoOtherFormatIsWritten(t *testing.T) {
	if err := (reportfile.Files{}).Write(t.Context(), &bytes.Buffer{}, "xls", document()); err == nil {
		t.Error("it is")
	}
}
