package bunstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// replica is a copy of the database that follows it at some distance. How far,
// a beat says: a row that is written to the database and looked for in the
// copy. That holds for whatever copies, whatever the clocks of the machines
// say, and also where the copy follows another database by now: it then never
// shows the beat.
type replica struct {
	db     *bun.DB
	maxLag time.Duration
	node   string // whose beats these are: of this run of the server

	mu       sync.Mutex
	beat     int64
	sent     map[int64]time.Time // when the beats not seen yet were sent
	fresh    time.Time           // the copy shows all that was committed by then
	standing context.Context     // ends when the copy does not answer, and all that is read from it
	fall     context.CancelFunc
}

// WithReplica makes Survey read from the replica at url, with at most maxConns
// connections, while it is at most maxLag behind. Nothing is read from it
// before WatchReplica runs.
func (s *Store) WithReplica(url string, maxConns int, maxLag time.Duration) (*Store, error) {
	db, err := openPool(url, maxConns)
	if err != nil {
		return nil, err
	}
	var node [16]byte
	_, _ = rand.Read(node[:]) // never fails
	r := &replica{db: db, maxLag: maxLag, node: hex.EncodeToString(node[:]), sent: make(map[int64]time.Time)}
	r.standing, r.fall = context.WithCancel(context.Background())
	s.replica = r
	return s, nil
}

// Replica returns the pool of the replica, for metrics; nil if there is none.
func (s *Store) Replica() *sql.DB {
	if s.replica == nil {
		return nil
	}
	return s.replica.db.DB
}

// Survey implements ports.Store. What the replica does not answer, for whatever
// reason, the database does.
func (s *Store) Survey(ctx context.Context, fn func(ports.Tx) error) error {
	if s.replica != nil {
		if bound, end, ok := s.replica.use(ctx); ok {
			err := s.run(bound, s.replica.db, s.dialect.snapshot, fn)
			end()
			if err == nil || ctx.Err() != nil {
				return err
			}
		}
	}
	return s.View(ctx, fn)
}

// use returns the context for reading from the replica, if it may be read.
func (r *replica) use(ctx context.Context) (bound context.Context, end func(), ok bool) {
	r.mu.Lock()
	fresh, standing := r.fresh, r.standing
	r.mu.Unlock()
	if realNow().Sub(fresh) > r.maxLag {
		return nil, nil, false
	}
	bound, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(standing, cancel)
	return bound, func() { stop(); cancel() }, true
}

// ReplicaLag returns how old what the replica shows may be, and whether that is
// recent enough to be read. Without a replica it is not.
func (s *Store) ReplicaLag() (lag time.Duration, ok bool) {
	if s.replica == nil {
		return 0, false
	}
	s.replica.mu.Lock()
	defer s.replica.mu.Unlock()
	if s.replica.fresh.IsZero() {
		return 0, false
	}
	lag = realNow().Sub(s.replica.fresh)
	return lag, lag <= s.replica.maxLag
}

// How often WatchReplica looks, whatever the lag that is allowed.
const (
	shortestBeat = 20 * time.Millisecond
	longestBeat  = time.Second
	beatsInLag   = 5
	keepBeats    = 24 * time.Hour // of servers that have ended
)

// WatchReplica looks again and again how far the replica is behind, until ctx
// ends, and tells changed when it begins or ceases to be read, and why. Without
// a replica it returns at once.
func (s *Store) WatchReplica(ctx context.Context, changed func(used bool, err error)) {
	r := s.replica
	if r == nil {
		return
	}
	tick := time.NewTicker(min(max(r.maxLag/beatsInLag, shortestBeat), longestBeat))
	defer tick.Stop()
	used, told := false, false
	for ctx.Err() == nil {
		err := r.watch(ctx, s.write)
		if _, now := s.ReplicaLag(); ctx.Err() == nil && (now != used || !told && err != nil) {
			used, told = now, true
			changed(used, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// watch sends a beat and looks which one the replica shows.
func (r *replica) watch(ctx context.Context, write *bun.DB) error {
	ctx, cancel := context.WithTimeout(ctx, max(r.maxLag, longestBeat))
	defer cancel()
	sent := realNow()
	r.mu.Lock()
	r.beat++
	beat := r.beat
	r.sent[beat] = sent
	r.mu.Unlock()
	_, err := write.NewRaw(`INSERT INTO replica_beats AS b (node, beat, beat_at) VALUES (?, ?, ?)
		ON CONFLICT (node) DO UPDATE SET beat = excluded.beat, beat_at = excluded.beat_at`, r.node, beat, stamp{sent}).Exec(ctx)
	if err == nil && beat == 1 {
		_, err = write.NewRaw(`DELETE FROM replica_beats WHERE beat_at < ?`, stamp{sent.Add(-keepBeats)}).Exec(ctx)
	}
	if err != nil { // the database is away, and with it all that is asked of it first
		return translate("replica", err)
	}
	var shown int64
	err = r.db.NewRaw(`SELECT beat FROM replica_beats WHERE node = ?`, r.node).Scan(ctx, &shown)
	if errors.Is(err, sql.ErrNoRows) {
		r.show(0)
		return nil
	}
	if err != nil {
		r.stumble()
		return translate("replica", err)
	}
	r.show(shown)
	return nil
}

// show notes which beat the replica shows.
func (r *replica) show(beat int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.sent[beat]; ok {
		r.fresh = at
	}
	for b, at := range r.sent {
		if b < beat || r.beat-b > 1 && realNow().Sub(at) > r.maxLag { // seen, or no proof of anything any more
			delete(r.sent, b)
		}
	}
}

// stumble ends what is being read: a replica that is away need not say so.
func (r *replica) stumble() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh = time.Time{}
	r.fall()
	r.standing, r.fall = context.WithCancel(context.Background())
}

// ProbeReplica returns how long it takes until the replica shows what is
// written, or core.ErrUnavailable if that takes longer than it may.
func (s *Store) ProbeReplica(ctx context.Context) (time.Duration, error) {
	r := s.replica
	begin := realNow()
	for {
		if err := r.watch(ctx, s.write); err != nil {
			return 0, err
		}
		r.mu.Lock()
		fresh := r.fresh
		r.mu.Unlock()
		took := realNow().Sub(begin)
		if !fresh.IsZero() {
			return took, nil
		}
		if took > r.maxLag {
			return 0, core.ErrUnavailable
		}
		select {
		case <-time.After(shortestBeat):
		case <-ctx.Done():
			return 0, translate("replica", ctx.Err())
		}
	}
}

// realNow is what lag is measured by: how long something takes depends on no
// clock that may be shifted.
func realNow() time.Time { return time.Now() } //nolint:forbidigo // see above
