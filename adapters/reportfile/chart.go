package reportfile

import (
	"math"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// maxColumns is how many points of time are shown as columns; more become lines.
const maxColumns = 45

// plot is where a chart is on its page.
type plot struct {
	x, y, w, h float64 // of the axes: left, top, and size
	top        int64   // the number at the top
	points     []core.TrafficPoint
}

// chart shows views and downloads over time.
func (p *page) chart() {
	a := &p.doc.Analytics
	if len(a.Series) == 0 {
		return
	}
	const height, left, below = 55.0, 14.0, 8.0
	p.section("Views and downloads", height+below+8)
	most := int64(0)
	for _, s := range a.Series {
		most = max(most, s.Views, s.Downloads)
	}
	step := tick(most)
	c := plot{x: margin + left, y: p.y + 6, w: width - left, h: height, top: max(step, (most+step-1)/step*step), points: a.Series}
	p.legend(c)
	p.scale(c, step)
	if len(c.points) <= maxColumns {
		p.columns(c)
	} else {
		p.line(c, p.brand, func(t core.Traffic) int64 { return t.Views })
		p.line(c, secondary, func(t core.Traffic) int64 { return t.Downloads })
	}
	p.labels(c, a.Span)
	p.y = c.y + height + below
}

// tick is how far apart the numbers of a scale are: 1, 2 or 5 times a power of
// ten, four or five of them up to most.
func tick(most int64) int64 {
	for power := int64(1); power < math.MaxInt64/100; power *= 10 {
		for _, n := range []int64{1, 2, 5} {
			if most/(n*power) < 5 {
				return n * power
			}
		}
	}
	return math.MaxInt64 / 5
}

func (p *page) legend(c plot) {
	x := c.x
	for i, label := range []string{"Views", "Downloads"} {
		rgb := [][3]int{p.brand, secondary}[i]
		p.SetFillColor(rgb[0], rgb[1], rgb[2])
		p.Rect(x, p.y, 3, 3, "F")
		p.say("", 8, gray)
		p.Text(x+4.5, p.y+2.7, label)
		x += 24
	}
}

// at is the height of a number.
func (c plot) at(n int64) float64 { return c.y + c.h*(1-float64(n)/float64(c.top)) }

func (p *page) scale(c plot, step int64) {
	p.SetDrawColor(light[0], light[1], light[2])
	p.SetLineWidth(0.2)
	p.say("", 7, gray)
	for n := int64(0); n <= c.top; n += step {
		y := c.at(n)
		p.Line(c.x, y, c.x+c.w, y)
		label := thousands(n)
		p.Text(c.x-2-p.GetStringWidth(label), y+1, label)
	}
}

func (p *page) columns(c plot) {
	slot := c.w / float64(len(c.points))
	w := slot * 0.38
	for i, s := range c.points {
		x := c.x + float64(i)*slot + slot*0.12
		for j, n := range []int64{s.Views, s.Downloads} {
			rgb := [][3]int{p.brand, secondary}[j]
			p.SetFillColor(rgb[0], rgb[1], rgb[2])
			if n > 0 {
				p.Rect(x+float64(j)*w, c.at(n), w, c.y+c.h-c.at(n), "F")
			}
		}
	}
}

func (p *page) line(c plot, rgb [3]int, of func(core.Traffic) int64) {
	p.SetDrawColor(rgb[0], rgb[1], rgb[2])
	p.SetLineWidth(0.5)
	slot := c.w / float64(len(c.points))
	for i, s := range c.points[1:] {
		x := c.x + (float64(i)+0.5)*slot
		p.Line(x, c.at(of(c.points[i].Traffic)), x+slot, c.at(of(s.Traffic)))
	}
}

// labels says when the points are, as many as there is room for.
func (p *page) labels(c plot, s core.Span) {
	var form string
	switch s.Step {
	case core.PerHour:
		form = "15:04"
	case core.PerMonth:
		form = "Jan 2006"
	default:
		form = "2 Jan"
	}
	const room = 16.0 // for one
	slot := c.w / float64(len(c.points))
	every := max(1, int(math.Ceil(room/slot)))
	p.say("", 7, gray)
	for i := 0; i < len(c.points); i += every {
		label := c.points[i].Start.Format(form)
		p.Text(c.x+(float64(i)+0.5)*slot-p.GetStringWidth(label)/2, c.y+c.h+4, label)
	}
}

// share is one bar of a list.
type share struct {
	label string
	n     int64
}

// shares shows countries and devices, beside each other.
func (p *page) shares() {
	a := &p.doc.Analytics
	if a.Countries == nil && a.Devices == nil {
		return
	}
	var countries, devices []share
	for _, c := range a.Countries {
		countries = append(countries, share{c.Country, c.Views})
	}
	if len(countries) > maxBars {
		rest := share{"others", 0}
		for _, c := range countries[maxBars-1:] {
			rest.n += c.n
		}
		countries = append(countries[:maxBars-1], rest)
	}
	for _, d := range a.Devices {
		devices = append(devices, share{string(d.Device), d.Views})
	}
	rows := max(len(countries), len(devices), 1)
	p.section("Countries and devices, by views", float64(rows)*lineHeight)
	const gap = 10.0
	p.bars(margin, (width-gap)/2, countries)
	p.bars(margin+(width+gap)/2, (width-gap)/2, devices)
	p.y += float64(rows) * lineHeight
}

func (p *page) bars(x, w float64, list []share) {
	const names, numbers = 20.0, 18.0
	most := int64(1)
	for _, s := range list {
		most = max(most, s.n)
	}
	if len(list) == 0 {
		p.say("", 9, gray)
		p.Text(x, p.y+4, "No visits")
	}
	for i, s := range list {
		y := p.y + float64(i)*lineHeight
		p.say("", 8, black)
		p.Text(x, y+4, p.fit(s.label, names-1))
		p.SetFillColor(p.brand[0], p.brand[1], p.brand[2])
		length := (w - names - numbers) * float64(s.n) / float64(most)
		p.Rect(x+names, y+1, max(length, 0.2), lineHeight-2, "F")
		p.say("", 8, gray)
		p.Text(x+names+length+1.5, y+4, thousands(s.n))
	}
}

// span of a day, in a table.
const dayForm = "2006-01-02"

func day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format(dayForm)
}
