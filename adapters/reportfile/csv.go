package reportfile

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// columns are the same for everything that is counted, so that one table has
// all: section says what a row counts, key and name by what.
var columns = []string{"section", "key", "name", "start", "views", "visitors", "downloads", "last_accessed_at"}

func writeCSV(w io.Writer, d ports.ReportDocument) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	a := &d.Analytics
	_ = out.Write(columns) // Error tells of all that fails
	row := func(section, key, name string, start time.Time, n core.Traffic, last time.Time) {
		_ = out.Write([]string{section, core.PlainCell(key), core.PlainCell(name), timeCell(start), count(n.Views), count(n.Visitors), count(n.Downloads), timeCell(last)})
	}
	none := time.Time{}
	row("total", string(a.Period), d.Subject, a.From, a.Totals, none)
	for _, p := range a.Series {
		row("series", string(a.Step), "", p.Start, p.Traffic, none)
	}
	for _, x := range a.Assets {
		row("asset", x.AssetID.String(), x.Name, none, x.Traffic, none)
	}
	for _, x := range a.Countries {
		row("country", x.Country, "", none, x.Traffic, none)
	}
	for _, x := range a.Devices {
		row("device", string(x.Device), "", none, x.Traffic, none)
	}
	for _, x := range a.Links {
		row("link", x.LinkID.String(), x.Name, none, x.Traffic, x.LastAccessedAt)
	}
	out.Flush()
	return out.Error()
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// timeCell is a time, with its offset, or nothing.
func timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
