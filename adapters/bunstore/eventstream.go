package bunstore

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

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
	// They are locked in the order in which whoever tells webhooks locks them.
	res, err := r.NewRaw(`WITH n AS (SELECT id FROM events WHERE org_id = ?0 AND seq IS NULL ORDER BY id LIMIT ?2 `+r.aloneText()+`)
		UPDATE events SET seq = ?1 + p.place FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM n) AS p WHERE events.id = p.id`,
		org, seq, limit).Exec(ctx)
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

func (r eventStreams) At(ctx context.Context, org core.OrgID, seq int64) (id core.EventID, err error) {
	err = r.NewRaw(`SELECT id FROM events WHERE org_id = ? AND seq = ?`, org, seq).Scan(ctx, &id)
	return id, translate("find event", err)
}

func (r eventStreams) After(ctx context.Context, q ports.StreamQuery) ([]*core.Event, int64, error) {
	if q.After >= q.Last {
		return nil, q.After, nil
	}
	if _, err := r.At(ctx, q.OrgID, q.After+1); err != nil { // numbers have no gaps
		return nil, q.After, err
	}
	var rows []eventRow
	sel := r.NewSelect().Model(&rows).Where("ev.org_id = ? AND ev.seq > ? AND ev.seq <= ?", q.OrgID, q.After, q.Last).
		OrderExpr("ev.seq").Limit(int64(q.Limit))
	if len(q.Types) > 0 {
		sel = sel.WhereGroup(" AND ", func(sel *bun.SelectQuery) *bun.SelectQuery { return ofTypes(sel, q.Types) })
	}
	if err := sel.Scan(ctx); err != nil {
		return nil, q.After, translate("follow events", err)
	}
	if len(rows) == q.Limit {
		q.Last = rows[len(rows)-1].Seq.Int64
	}
	return eventsOf(rows), q.Last, nil
}

// ofTypes selects events that one of a filter's entries names.
func ofTypes(sel *bun.SelectQuery, types []string) *bun.SelectQuery {
	for _, kind := range types {
		if noun, all := strings.CutSuffix(kind, "*"); all {
			sel = sel.WhereOr("ev.type LIKE ?", noun+"%")
		} else {
			sel = sel.WhereOr("ev.type = ?", kind)
		}
	}
	return sel
}

var _ ports.EventStreams = eventStreams{}
