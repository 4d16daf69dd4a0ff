package bench

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// BenchmarkStart measures from the start of the process until it is ready, the
// first time, which makes the schema, and later; and the memory it then has.
func BenchmarkStart(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		starts(b, func() settings { return nil })
	})
	p := startPostgres(b)
	b.Run("PostgreSQL", func(b *testing.B) {
		on := onPostgres(b, p)
		n := 0
		starts(b, func() settings {
			n++
			name := fmt.Sprintf("start_%d", n)
			p.run(b, "CREATE DATABASE "+name)
			fresh := maps.Clone(on)
			fresh["COFFER_DATABASE_URL"] = strings.Replace(p.dsn, "/postgres?", "/"+name+"?", 1)
			return fresh
		})
	})
}

func starts(b *testing.B, fresh func() settings) {
	b.Helper()
	if _, err := program(); err != nil {
		b.Fatal(err)
	}
	var first, later []time.Duration
	var memory []float64
	for range rounds {
		dir, on := b.TempDir(), fresh()
		s := startServer(b, dir, on)
		first = append(first, s.ready)
		s.stop()
		s = startServer(b, dir, on)
		later = append(later, s.ready)
		time.Sleep(time.Second) // for what the start has left to come to rest
		memory = append(memory, residentMB(s.pid()))
		s.stop()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(first).Seconds()*1000, "first-ms")
	b.ReportMetric(median(later).Seconds()*1000, "later-ms")
	b.ReportMetric(median(memory), "idle-MB")
}
