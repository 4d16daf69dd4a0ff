package reportfile

import "fmt"

// column is one of a table: numbers stand at its right edge.
type column struct {
	title  string
	width  float64
	number bool
}

// popular lists the files that were downloaded and looked at most.
func (p *page) popular() {
	assets := p.doc.Analytics.Assets
	if assets == nil {
		return
	}
	rows := make([][]string, 0, len(assets))
	for _, x := range assets {
		name := x.Name
		if name == "" {
			name = "(removed)"
		}
		rows = append(rows, []string{name, thousands(x.Views), thousands(x.Downloads)})
	}
	p.table("Popular files", []column{{"File", width - 50, false}, {"Views", 25, true}, {"Downloads", 25, true}}, rows)
}

// links lists what visitors came by.
func (p *page) links() {
	links := p.doc.Analytics.Links
	if links == nil {
		return
	}
	rows := make([][]string, 0, len(links))
	for _, x := range links {
		name := x.Name
		if name == "" {
			name = x.LinkID.String()
		}
		rows = append(rows, []string{name, thousands(x.Views), thousands(x.Visitors), thousands(x.Downloads), day(x.LastAccessedAt)})
	}
	p.table("Links", []column{
		{"Link", width - 94, false}, {"Views", 22, true}, {"Visitors", 22, true}, {"Downloads", 25, true}, {"Last visit", 25, true},
	}, rows)
}

// table writes rows, each in one line, with the titles again on each page.
func (p *page) table(title string, columns []column, rows [][]string) {
	p.section(title, 4*lineHeight)
	if len(rows) == 0 {
		p.remark("No visits")
		return
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.title
	}
	p.row(columns, titles, "B")
	for _, r := range rows[:min(len(rows), maxRows)] {
		if p.room(lineHeight) {
			p.row(columns, titles, "B")
		}
		p.row(columns, r, "")
	}
	if more := len(rows) - maxRows; more > 0 {
		p.remark(fmt.Sprintf("and %d more; the CSV has them all", more))
	}
}

func (p *page) row(columns []column, cells []string, style string) {
	p.say(style, 8.5, black)
	x := margin
	for i, c := range columns {
		const padding = 1.5
		text := p.fit(cells[i], c.width-2*padding)
		at := x + padding
		if c.number {
			at = x + c.width - padding - p.GetStringWidth(text)
		}
		p.Text(at, p.y+4, text)
		x += c.width
	}
	p.y += lineHeight
	p.SetDrawColor(light[0], light[1], light[2])
	p.SetLineWidth(0.2)
	p.Line(margin, p.y, margin+width, p.y)
}
