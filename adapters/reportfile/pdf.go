package reportfile

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Measures of a page, A4, in millimetres.
const (
	margin     = 15.0
	width      = 210 - 2*margin
	bottom     = 297 - 18.0
	lineHeight = 5.5
	family     = "dejavu"

	maxRows      = 200 // of a table
	maxBars      = 10  // of countries
	maxTextRunes = 300
)

// page is a document that is being written.
type page struct {
	*fpdf.Fpdf
	*alphabet

	doc   ports.ReportDocument
	brand [3]int
	y     float64 // where the next thing goes
}

func writePDF(ctx context.Context, w io.Writer, d ports.ReportDocument) error {
	letters, err := newAlphabet()
	if err != nil {
		return err
	}
	p := &page{Fpdf: fpdf.New("P", "mm", "A4", ""), alphabet: letters, doc: d, brand: color(d.Color)}
	p.begin()
	p.heading()
	p.totals()
	p.chart()
	p.shares()
	p.popular()
	p.links()
	p.notes()
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.Output(w)
}

// begin says what a document has on each page. Nothing in it depends on when or
// where it was made, but for what it is told.
func (p *page) begin() {
	p.SetCatalogSort(true)
	p.SetCreationDate(p.doc.MadeAt)
	p.SetModificationDate(p.doc.MadeAt)
	p.SetProducer("Coffer", true)
	p.SetTitle(p.plain(p.doc.Title), true)
	p.SetAuthor(p.plain(p.doc.OrgName), true)
	p.SetAutoPageBreak(false, 0)
	p.SetMargins(margin, margin, margin)
	p.AddUTF8FontFromBytes(family, "", dejavusans.TTF)
	p.AddUTF8FontFromBytes(family, "B", dejavusansbold.TTF)
	p.SetHeaderFunc(func() {
		p.SetFillColor(p.brand[0], p.brand[1], p.brand[2])
		p.Rect(0, 0, 210, 4, "F")
		p.y = margin
	})
	p.SetFooterFunc(func() {
		p.say("", 8, gray)
		p.Text(margin, 288, p.plain(p.doc.OrgName))
		number := "Page " + strconv.Itoa(p.PageNo())
		p.Text(margin+width-p.GetStringWidth(number), 288, number)
	})
	p.AddPage()
}

// Colours.
var (
	black     = [3]int{33, 37, 41}
	gray      = [3]int{108, 117, 125}
	light     = [3]int{233, 236, 239}
	secondary = [3]int{148, 163, 184} // of bars beside those in the brand's colour
	usual     = [3]int{37, 99, 235}   // of those without a brand
)

// color reads a colour such as #1a2b3c.
func color(text string) [3]int {
	n, err := strconv.ParseUint(text[min(1, len(text)):], 16, 32)
	if len(text) != len("#000000") || err != nil {
		return usual
	}
	return [3]int{int(n >> 16), int(n >> 8 & 0xff), int(n & 0xff)}
}

// say sets the font and its colour.
func (p *page) say(style string, size float64, c [3]int) {
	p.SetFont(family, style, size)
	p.SetTextColor(c[0], c[1], c[2])
}

// fit returns the beginning of a text that fits into a width.
func (p *page) fit(text string, width float64) string {
	runes := []rune(p.plain(text))
	runes = runes[:min(len(runes), maxTextRunes)]
	if p.GetStringWidth(string(runes)) <= width {
		return string(runes)
	}
	for len(runes) > 0 && p.GetStringWidth(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// room makes sure that there is so much left of the page, or begins another.
func (p *page) room(height float64) (fresh bool) {
	if p.y+height <= bottom {
		return false
	}
	p.AddPage()
	return true
}

func (p *page) heading() {
	a := &p.doc.Analytics
	p.say("B", 18, black)
	p.y += 6
	p.Text(margin, p.y, p.fit(p.doc.Title, width))
	p.say("", 11, gray)
	p.y += 7
	p.Text(margin, p.y, p.fit(p.doc.OrgName+" · "+p.doc.Subject, width))
	p.y += 6
	p.Text(margin, p.y, p.fit(days(a.Span)+" ("+a.Zone+")", width))
	p.y += 6
}

// days is what a span covers, in words.
func days(s core.Span) string {
	const form = "2 January 2006"
	first, last := s.From.Format(form), s.To.Add(-time.Microsecond).Format(form)
	if first == last {
		return first
	}
	return first + " – " + last
}

// totals are the key numbers.
func (p *page) totals() {
	const gap, height = 4.0, 20.0
	w := (width - 2*gap) / 3
	t := p.doc.Analytics.Totals
	for i, n := range []struct {
		label string
		n     int64
	}{{"Views", t.Views}, {"Visitors", t.Visitors}, {"Downloads", t.Downloads}} {
		x := margin + float64(i)*(w+gap)
		p.SetFillColor(light[0], light[1], light[2])
		p.Rect(x, p.y, w, height, "F")
		p.SetFillColor(p.brand[0], p.brand[1], p.brand[2])
		p.Rect(x, p.y, 1.2, height, "F")
		p.say("B", 16, black)
		p.Text(x+5, p.y+9, thousands(n.n))
		p.say("", 9, gray)
		p.Text(x+5, p.y+15.5, n.label)
	}
	p.y += height + 4
}

// thousands writes a number with spaces between its thousands, as ISO 31-0 has it.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u00a0" + text[i:]
	}
	return text
}

// section begins a part of the document.
func (p *page) section(title string, height float64) {
	p.room(height + 12)
	p.y += 8
	p.say("B", 12, black)
	p.Text(margin, p.y, title)
	p.y += 4
}

// remark is a line in small print.
func (p *page) remark(text string) {
	p.room(lineHeight)
	p.say("", 9, gray)
	p.y += lineHeight
	p.Text(margin, p.y, p.fit(text, width))
}

func (p *page) notes() {
	a := &p.doc.Analytics
	p.y += 4
	p.remark("A visitor counts once a day (UTC). Made " + p.doc.MadeAt.UTC().Format("2006-01-02 15:04 UTC") + ".")
	if !a.CountedUntil.IsZero() {
		p.remark("Visits are counted until " + a.CountedUntil.UTC().Format("2006-01-02 15:04 UTC") + "; later ones are not in these numbers yet.")
	}
	if a.Assets == nil {
		p.remark("The licence in force includes totals only.")
	}
	if p.lost {
		p.remark(fmt.Sprintf("Characters that this document has no font for are shown as %c; the CSV has them all.", missing))
	}
}
