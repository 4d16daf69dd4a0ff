package bunstore

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/ports"
)

// countAll reads the counters that are kept of files, not the files.
const countAll = `SELECT o.shared, o.personal, o.deleted, u.known, u.disabled, u.admins, d.drives, q.assets, q.bytes, up.uploads, up.bytes, s.live
	FROM (SELECT count(*) FILTER (WHERE deleted_at IS NULL AND NOT is_personal) AS shared,
			count(*) FILTER (WHERE deleted_at IS NULL AND is_personal) AS personal, count(deleted_at) AS deleted FROM orgs) AS o,
		(SELECT count(*) AS known, count(disabled_at) AS disabled, count(*) FILTER (WHERE platform_admin) AS admins
			FROM users WHERE deleted_at IS NULL) AS u,
		(SELECT count(*) AS drives FROM drives) AS d,
		(SELECT CAST(coalesce(sum(assets_count), 0) AS bigint) AS assets, CAST(coalesce(sum(used_bytes), 0) AS bigint) AS bytes FROM org_usage) AS q,
		(SELECT count(*) AS uploads, CAST(coalesce(sum(size_bytes), 0) AS bigint) AS bytes FROM uploads) AS up,
		(SELECT count(*) AS live FROM sessions WHERE revoked_at IS NULL AND expires_at > $1) AS s`

// Count implements ports.Statistics.
func (s *Store) Count(ctx context.Context, now time.Time) (c ports.Counts, err error) {
	err = s.row(ctx, countAll, []any{stamp{now}}, &c.Orgs, &c.PersonalOrgs, &c.DeletedOrgs, &c.Users, &c.DisabledUsers, &c.Admins,
		&c.Drives, &c.Assets, &c.UsedBytes, &c.Uploads, &c.UploadBytes, &c.Sessions)
	return c, translate("count", err)
}
