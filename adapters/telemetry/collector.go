package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-755a8038/coffer/ports"
)

// queueTimeout bounds the query that counts jobs, so that a database that
// hangs does not hide every other metric.
const queueTimeout = 2 * time.Second

// WatchPool adds the figures of a pool of database connections, asked for at
// each scrape. It returns an error if a pool of that name is watched already.
func (m *Metrics) WatchPool(name string, stats func() sql.DBStats) error {
	labels := prometheus.Labels{"pool": name}
	desc := func(metric, help string) *prometheus.Desc {
		return prometheus.NewDesc("coffer_db_pool_"+metric, help, nil, labels)
	}
	c := &poolCollector{
		stats:   stats,
		limit:   desc("max_connections", "The most connections the pool opens."),
		inUse:   desc("in_use_connections", "Connections that run something."),
		idle:    desc("idle_connections", "Connections that wait for work."),
		waits:   desc("waits_total", "Requests that had to wait for a connection."),
		waited:  desc("wait_seconds_total", "Time spent waiting for a connection."),
		expired: desc("closed_connections_total", "Connections closed for being idle or old."),
	}
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("watch the pool %s: %w", name, err)
	}
	return nil
}

type poolCollector struct {
	stats                                      func() sql.DBStats
	limit, inUse, idle, waits, waited, expired *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (p *poolCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.limit, p.inUse, p.idle, p.waits, p.waited, p.expired} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p *poolCollector) Collect(ch chan<- prometheus.Metric) {
	s := p.stats()
	gauge := func(d *prometheus.Desc, v int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	counter := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	gauge(p.limit, s.MaxOpenConnections)
	gauge(p.inUse, s.InUse)
	gauge(p.idle, s.Idle)
	counter(p.waits, float64(s.WaitCount))
	counter(p.waited, s.WaitDuration.Seconds())
	counter(p.expired, float64(s.MaxIdleClosed+s.MaxIdleTimeClosed+s.MaxLifetimeClosed))
}

// QueueStats is the part of ports.Queue that WatchQueue asks.
type QueueStats interface {
	Stats(ctx context.Context) (ports.QueueStats, error)
}

// WatchReplica adds how far a replica is behind, at each scrape, and whether it is
// read. It returns an error if one is watched already.
func (m *Metrics) WatchReplica(lag func() (time.Duration, bool)) error {
	gauge := func(name, help string, value func() float64) error {
		return m.registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "coffer_replica_" + name, Help: help}, value))
	}
	err := errors.Join(
		gauge("lag_seconds", "How old what the replica shows may be; 0 while nothing is known of it.", func() float64 {
			behind, _ := lag()
			return behind.Seconds()
		}),
		gauge("used", "Whether the replica is read.", func() float64 {
			if _, used := lag(); used {
				return 1
			}
			return 0
		}),
	)
	if err != nil {
		return fmt.Errorf("watch the replica: %w", err)
	}
	return nil
}

// WatchQueue adds the numbers of jobs, counted at each scrape. It returns an
// error if a queue is watched already.
func (m *Metrics) WatchQueue(q QueueStats) error {
	c := &queueCollector{
		queue: q,
		jobs:  prometheus.NewDesc("coffer_queue_jobs", "Background jobs by state.", []string{"state"}, nil),
		up:    prometheus.NewDesc("coffer_queue_up", "Whether the jobs could be counted.", nil, nil),
	}
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("watch the queue: %w", err)
	}
	return nil
}

type queueCollector struct {
	queue    QueueStats
	jobs, up *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (q *queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- q.jobs
	ch <- q.up
}

// Collect implements prometheus.Collector.
func (q *queueCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), queueTimeout)
	defer cancel()
	s, err := q.queue.Stats(ctx)
	if err != nil {
		ch <- prometheus.MustNewConstMetric(q.up, prometheus.GaugeValue, 0)
		return
	}
	ch <- prometheus.MustNewConstMetric(q.up, prometheus.GaugeValue, 1)
	for state, n := range map[string]int64{"ready": s.Ready, "running": s.Running, "retry": s.Retry, "dead": s.Dead} {
		ch <- prometheus.MustNewConstMetric(q.jobs, prometheus.GaugeValue, float64(n), state)
	}
}
