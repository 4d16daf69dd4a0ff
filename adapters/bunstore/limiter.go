package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Limiter is a ports.Limiter in the database: its counts survive a restart and
// hold for all servers on it. It is for what protects a secret.
type Limiter struct{ store *Store }

// Limiter returns the store's limiter.
func (s *Store) Limiter() *Limiter { return &Limiter{s} }

// Take implements ports.Limiter. The condition is core.Rate.Take's.
func (l *Limiter) Take(ctx context.Context, r core.Rate, key string, now time.Time) (core.Allowance, error) {
	const begin = `CASE WHEN b.full_at < $2 OR b.full_at > $2 + CAST($4 AS bigint) THEN $2 ELSE b.full_at END`
	const text = `INSERT INTO rate_buckets AS b (key, full_at) VALUES ($1, CAST($2 AS bigint) + CAST($3 AS bigint))
		ON CONFLICT (key) DO UPDATE SET full_at = ` + begin + ` + $3
		WHERE ` + begin + ` + $3 - $2 <= CAST($4 AS bigint)
		RETURNING full_at`
	stmt, err := l.store.statements.get(ctx, l.store.write.DB, text) //nolint:sqlclosecheck // kept by statements
	if err != nil {
		return core.Allowance{}, translate("rate limit", err)
	}
	name := r.Name + ":" + key
	var full stamp
	err = stmt.QueryRowContext(ctx, name, now.UnixMicro(), r.Interval().Microseconds(), r.Period.Microseconds()).Scan(&full)
	if err == nil {
		_, a := r.Take(full.Add(-r.Interval()), now)
		return a, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return core.Allowance{}, translate("rate limit", err)
	}
	// Refused. What is read now only says how long to wait.
	err = l.store.write.NewRaw(`SELECT full_at FROM rate_buckets WHERE key = ?`, name).Scan(ctx, &full)
	if errors.Is(err, sql.ErrNoRows) {
		full.Time = now.Add(r.Period) // pruned between the two statements
	} else if err != nil {
		return core.Allowance{}, translate("rate limit", err)
	}
	_, a := r.Take(full.Time, now)
	a.OK = false
	a.RetryAfter = max(a.RetryAfter, r.Interval())
	return a, nil
}

// Forget implements ports.Limiter.
func (l *Limiter) Forget(ctx context.Context, r core.Rate, key string) error {
	_, err := l.store.write.NewRaw(`DELETE FROM rate_buckets WHERE key = ?`, r.Name+":"+key).Exec(ctx)
	return translate("rate limit", err)
}

// Prune removes at most limit buckets that are full again and returns how many.
func (l *Limiter) Prune(ctx context.Context, now time.Time, limit int) (int, error) {
	res, err := l.store.write.NewRaw(`DELETE FROM rate_buckets WHERE key IN
		(SELECT key FROM rate_buckets WHERE full_at <= ? LIMIT ?)`, stamp{now}, limit).Exec(ctx)
	return affected("prune rate limits", res, err)
}
