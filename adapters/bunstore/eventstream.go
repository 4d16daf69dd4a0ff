package bunstore

import (
	"context"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

type eventStreams struct{ repository }

func (r eventStreams) Head(ctx context.Context, org core.OrgID) (seq int64, unnumbered bool, err error) {
	err = r.NewRaw(`SELECT coalesce((SELECT seq FROM event_streams WHERE org_id = ?0), 0),
		EXISTS (SELECT 1 FROM events WHERE org_id = ?0 AND seq IS NULL)`, org).Scan(ctx, &seq, &unnumbered)
	return seq, unnumbered, translate("latest event", err)
}

func (r eventStreams) Number(ctx context.Context, org core.OrgID, limit int) (int, error) {
	// The row stays locked until the end of the transaction: whoever comes next
	// sees what is numbered here, and all that was committed before.
	var seq int64
	err := r.NewRaw(`INSERT INTO event_streams (org_id, seq) VALUES (?, 0) ON CONFLICT (org_id) DO UPDATE SET seq = event_streams.seq
		RETURNING seq`, org).Scan(ctx, &seq)
	if err != nil {
		return 0, translate("lock events", err)
	}
	res, err := r.NewRaw(`UPDATE events SET seq = ?1 + n.place FROM (
			SELECT id, row_number() OVER (ORDER BY id) AS place FROM events WHERE org_id = ?0 AND seq IS NULL ORDER BY id LIMIT ?2
		) AS n WHERE events.id = n.id`, org, seq, limit).Exec(ctx)
	n, err := affected("number events", res, err)
	if err != nil || n == 0 {
		return 0, err
	}
	_, err = r.NewRaw(`UPDATE event_streams SET seq = ? WHERE org_id = ?`, seq+int64(n), org).Exec(ctx)
	return n, translate("number events", err)
}

func (r eventStreams) Place(ctx context.Context, org core.OrgID, id core.EventID) (seq int64, err error) {
	err = r.NewRaw(`SELECT seq FROM events WHERE org_id = ? AND id = ? AND seq IS NOT NULL`, org, id).Scan(ctx, &seq)
	return seq, translate("find event", err)
}

func (r eventStreams) After(ctx context.Context, org core.OrgID, seq int64, limit int) ([]*core.Event, int64, error) {
	var rows []eventRow
	err := r.NewSelect().Model(&rows).Where("ev.org_id = ? AND ev.seq > ?", org, seq).OrderExpr("ev.seq").Limit(int64(limit)).Scan(ctx)
	if len(rows) > 0 {
		seq = rows[len(rows)-1].Seq.Int64
	}
	return eventsOf(rows), seq, translate("follow events", err)
}

var _ ports.EventStreams = eventStreams{}
