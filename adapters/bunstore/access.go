package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// The hot reads of ports.Access: one prepared statement each, in a form for each
// kind of credential; see credential.go.

const standingColumns = `ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''), coalesce(m.role, ''), d.default_role,
	d.org_id, d.id, d.owner_account_id`

// ForUser implements ports.Access.
func (s *Store) ForUser(ctx context.Context, a core.Actor) (core.Credential, error) {
	if a.ByKey() {
		return core.Credential{}, core.ErrKeyNotAllowed
	}
	return s.credential(ctx, a)
}

var forCaller = inEachForm(func(f form) string { return `SELECT ` + f.state + f.key + f.from + f.where })

func (s *Store) credential(ctx context.Context, a core.Actor) (core.Credential, error) {
	var c core.Credential
	err := s.ask(ctx, a, forCaller, []any{a.UserID, a.SessionID}, &c, &c.UserDisabled, &c.SessionRevoked)
	return c, unknownCaller("user facts", a, err)
}

// ForIdentity implements ports.Access.
func (s *Store) ForIdentity(ctx context.Context, issuer, subject string) (core.Actor, error) {
	const text = `SELECT u.id, u.personal_org_id FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2`
	a := core.Actor{Kind: core.ActorAccount, External: true} //nolint:exhaustruct_v5 // from where, the caller knows
	err := s.row(ctx, text, []any{issuer, subject}, &a.UserID, &a.ActiveOrg)
	return a, translate("identity", err)
}

var forOrg = inEachForm(func(f form) string {
	return `SELECT ` + f.state + `, o.id, coalesce(o.is_personal, false), ac.id, coalesce(ac.status, ''),
		coalesce(ac.role, ''), u.email` + f.key + f.from + `
		LEFT JOIN orgs o ON o.id = $3 AND o.deleted_at IS NULL
		LEFT JOIN accounts ac ON ac.org_id = o.id AND ac.user_id = u.id
		` + f.where
})

// ForOrg implements ports.Access.
func (s *Store) ForOrg(ctx context.Context, a core.Actor, org core.OrgID) (core.OrgFacts, error) {
	if a.ByKey() {
		return core.OrgFacts{}, core.ErrKeyNotAllowed
	}
	var f core.OrgFacts
	err := s.ask(ctx, a, forOrg, []any{a.UserID, a.SessionID, org}, &f.Credential,
		&f.UserDisabled, &f.SessionRevoked, &f.OrgID, &f.IsPersonal, &f.AccountID, &f.Status, &f.Role, &f.Email)
	if err != nil {
		return f, unknownCaller("org facts", a, err)
	}
	return f, missing(f.Credential, f.OrgID.IsZero())
}

var forDrive = inEachForm(func(f form) string {
	return `SELECT ` + f.state + `, ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''), coalesce(m.role, ''),
		coalesce(d.default_role, ''), d.org_id, d.id, d.owner_account_id, u.email` + f.key + f.from + `
		LEFT JOIN drives d ON d.id = ` + f.named + f.within + ` AND d.deleted_at IS NULL AND EXISTS (SELECT 1 FROM orgs o WHERE o.id = d.org_id AND o.deleted_at IS NULL)` + f.standing + `` + f.where
})

// ForDrive implements ports.Access.
func (s *Store) ForDrive(ctx context.Context, a core.Actor, drive core.DriveID) (core.DriveFacts, error) {
	var f core.DriveFacts
	var owner core.AccountID
	err := s.ask(ctx, a, forDrive, []any{a.UserID, a.SessionID, drive}, &f.Credential, append(driveFacts(&f, &owner), &f.Email)...)
	if err != nil {
		return f, unknownCaller("drive facts", a, err)
	}
	f.Ownership = ownership(owner, f.AccountID)
	return f, missing(f.Credential, f.DriveID.IsZero())
}

var forNode = inEachForm(func(f form) string {
	return `SELECT ` + f.state + `, ` + standingColumns + `, n.id, n.parent_id, n.kind, n.name, n.created_by, n.trashed_at, n.purged_at,
		n.height, n.version, n.created_at, n.updated_at, u.email, ` + purgedFolders + f.key + f.from + `
		JOIN nodes n ON n.id = $3
		JOIN drives d ON d.id = n.drive_id AND d.deleted_at IS NULL` + f.within + `
		JOIN orgs o ON o.id = n.org_id AND o.deleted_at IS NULL` + f.standing + `` + f.where
})

// ForNode implements ports.Access.
func (s *Store) ForNode(ctx context.Context, a core.Actor, id core.NodeID) (core.NodeFacts, error) {
	var f core.NodeFacts
	var owner core.AccountID
	var row nodeRow
	var look bool
	into := append(driveFacts(&f.DriveFacts, &owner), &row.ID, &row.ParentID, &row.Kind, &row.Name, &row.CreatedBy, &row.TrashedAt, &row.PurgedAt,
		&row.Height, &row.Version, &row.CreatedAt, &row.UpdatedAt, &f.Email, &look)
	err := s.ask(ctx, a, forNode, []any{a.UserID, a.SessionID, id}, &f.Credential, into...)
	if errors.Is(err, sql.ErrNoRows) {
		none, err := s.nothing(ctx, a)
		f.DriveFacts = none.DriveFacts
		return f, err
	}
	if err != nil {
		return f, translate("node facts", err)
	}
	f.Ownership = ownership(owner, f.AccountID)
	row.OrgID, row.DriveID = f.OrgID, f.DriveID
	f.Node = row.node()
	if look || !row.PurgedAt.IsZero() {
		_, err = s.inTrash(ctx, id)
	}
	return f, err
}

var forAsset = inEachForm(func(f form) string {
	return `SELECT ` + f.state + `, ` + standingColumns + `, n.id, n.parent_id, n.name, n.created_by, n.trashed_at, n.purged_at,
		n.version, n.created_at, n.updated_at, n.status, n.content_type, n.size_bytes, v.sha256, n.current_version,
		n.newest_version, n.metadata, coalesce(v.blob_key, ''), coalesce(v.content_type, ''), coalesce(v.size_bytes, 0), u.email, ` + trashedFolders + `, ` + previewFacts + f.key + f.from + `
		JOIN nodes n ON n.id = $3 AND n.kind = 'asset'
		JOIN drives d ON d.id = n.drive_id AND d.deleted_at IS NULL` + f.within + `
		JOIN orgs o ON o.id = n.org_id AND o.deleted_at IS NULL` + f.standing + `
		LEFT JOIN asset_versions v ON v.asset_id = n.id AND v.number = n.current_version
		LEFT JOIN derived dv ON dv.asset_id = n.id AND dv.number = n.current_version
		` + f.where
})

// ForAsset implements ports.Access.
func (s *Store) ForAsset(ctx context.Context, a core.Actor, id core.AssetID) (core.AssetFacts, error) {
	var f core.AssetFacts
	var owner core.AccountID
	var row nodeRow
	into := append(driveFacts(&f.DriveFacts, &owner), &row.ID, &row.ParentID, &row.Name, &row.CreatedBy, &row.TrashedAt, &row.PurgedAt,
		&row.Version, &row.CreatedAt, &row.UpdatedAt, &row.Status, &row.ContentType, &row.SizeBytes, &row.SHA256, &row.Current,
		&row.Newest, &row.Metadata, &f.Version.BlobKey, &f.Version.ContentType, &f.Version.SizeBytes, &f.Email, &f.InTrash)
	into = append(into, row.Preview.into()...)
	err := s.ask(ctx, a, forAsset, []any{a.UserID, a.SessionID, id}, &f.Credential, into...)
	if errors.Is(err, sql.ErrNoRows) {
		return s.nothing(ctx, a)
	}
	if err != nil {
		return f, translate("asset facts", err)
	}
	f.Ownership = ownership(owner, f.AccountID)
	row.OrgID, row.DriveID, row.Kind = f.OrgID, f.DriveID, core.KindAsset
	f.Asset = *row.asset()
	f.Version.AssetID, f.Version.OrgID, f.Version.Number = row.ID, f.OrgID, row.Current
	err = s.settleTrash(ctx, &f)
	return f, err
}

// settleTrash finds out whether the asset is in the trash, of which InTrash so
// far says whether it can be below another node there.
func (s *Store) settleTrash(ctx context.Context, f *core.AssetFacts) (err error) {
	if !f.Asset.PurgedAt.IsZero() {
		return core.ErrNotFound
	}
	if f.InTrash {
		f.InTrash, err = s.inTrash(ctx, f.Asset.ID)
		return err
	}
	f.InTrash = f.Asset.Trashed()
	return nil
}

var forDownload = inEachForm(func(f form) string {
	return `SELECT ` + f.state + `, ` + standingColumns + `, n.name, n.trashed_at, n.purged_at, n.status, n.current_version,
		coalesce(v.blob_key, ''), coalesce(v.content_type, ''), coalesce(v.size_bytes, 0), ` + trashedFolders + `, ` + f.entitled + f.key + f.from + `
		JOIN nodes n ON n.id = $3 AND n.kind = 'asset'
		JOIN drives d ON d.id = n.drive_id AND d.deleted_at IS NULL` + f.within + `
		JOIN orgs o ON o.id = n.org_id AND o.deleted_at IS NULL` + f.standing + `
		LEFT JOIN asset_versions v ON v.asset_id = n.id AND v.number = n.current_version
		` + f.where
})

// ForDownload implements ports.Access.
func (s *Store) ForDownload(ctx context.Context, a core.Actor, id core.AssetID) (core.AssetFacts, error) {
	var f core.AssetFacts
	var owner core.AccountID
	var trashed, purged stamp
	var entitled int64
	into := append(driveFacts(&f.DriveFacts, &owner), &f.Asset.Name, &trashed, &purged, &f.Asset.Status, &f.Asset.Current,
		&f.Version.BlobKey, &f.Version.ContentType, &f.Version.SizeBytes, &f.InTrash, &entitled)
	arg := s.dialect.idArg
	err := s.ask(ctx, a, forDownload, []any{arg(a.UserID), arg(a.SessionID), arg(id)}, &f.Credential, into...)
	if errors.Is(err, sql.ErrNoRows) {
		return s.nothing(ctx, a)
	}
	if err != nil {
		return f, translate("download facts", err)
	}
	f.Ownership = ownership(owner, f.AccountID)
	if entitled > 0 {
		f.EntitledUntil = time.UnixMicro(entitled).UTC()
	}
	f.Asset.ID, f.Asset.OrgID, f.Asset.DriveID, f.Asset.Kind = id, f.OrgID, f.DriveID, core.KindAsset
	f.Asset.TrashedAt, f.Asset.PurgedAt = trashed.Time, purged.Time
	f.Version.AssetID, f.Version.OrgID, f.Version.Number = id, f.OrgID, f.Asset.Current
	err = s.settleTrash(ctx, &f)
	return f, err
}

// nothing finds out whether it is the caller or the thing that is not there.
func (s *Store) nothing(ctx context.Context, a core.Actor) (f core.AssetFacts, err error) {
	if f.Credential, err = s.credential(ctx, a); err != nil {
		return f, err
	}
	return f, missing(f.Credential, true)
}

var forUpload = inEachForm(func(f form) string {
	return `SELECT ` + f.state + `, ` + standingColumns + `, d.quota_bytes, d.used_bytes, q.used_bytes, q.assets_count,
		l.name, l.max_upload_size_mb, l.max_total_storage_mb, l.max_assets` + f.key + f.from + `
		JOIN orgs o ON o.id = $3 AND o.deleted_at IS NULL
		JOIN org_usage q ON q.org_id = o.id
		JOIN drives d ON d.id = coalesce($4, ` + f.drive + `) AND d.org_id = o.id AND d.deleted_at IS NULL` + f.within + f.standing + `
		JOIN licenses l ON l.name = ` + licenseInForce + `
		` + f.where
})

// ForUpload implements ports.Access.
func (s *Store) ForUpload(ctx context.Context, a core.Actor, q ports.UploadQuery) (core.UploadFacts, error) {
	var f core.UploadFacts
	var owner core.AccountID
	var quota, maxUpload, maxStorage, maxAssets limit
	into := append(driveFacts(&f.DriveFacts, &owner), &quota, &f.DriveUsed, &f.Usage.UsedBytes, &f.Usage.AssetsCount,
		&f.License.Name, &maxUpload, &maxStorage, &maxAssets)
	err := s.ask(ctx, a, forUpload, []any{a.UserID, a.SessionID, q.OrgID, q.DriveID, stamp{q.Now}}, &f.Credential, into...)
	if errors.Is(err, sql.ErrNoRows) { // no caller, no such org, or no such drive in it
		none, err := s.nothing(ctx, a)
		f.DriveFacts = none.DriveFacts
		return f, err
	}
	if err != nil {
		return f, translate("upload facts", err)
	}
	f.Ownership = ownership(owner, f.AccountID)
	f.QuotaBytes = int64(quota)
	f.License.Limits.MaxUploadSizeMB, f.License.Limits.MaxTotalStorageMB = int64(maxUpload), int64(maxStorage)
	f.License.Limits.MaxAssets = int64(maxAssets)
	parent := q.ParentID
	if parent.IsZero() {
		parent = core.RootOf(f.DriveID)
	}
	err = s.place(ctx, &f, parent)
	return f, err
}

// licenseInForce is the name of the licence of org $3 at time $5.
const licenseInForce = `coalesce((SELECT ol.license FROM org_licenses ol
	WHERE ol.org_id = $3 AND (ol.expires_at IS NULL OR ol.expires_at > $5) ORDER BY ol.id DESC LIMIT 1), '` + core.DefaultLicense + `')`

// place finds out where in its drive's tree a folder is. A folder of another
// drive is no folder at all.
func (s *Store) place(ctx context.Context, f *core.UploadFacts, parent core.NodeID) error {
	const text = `WITH RECURSIVE up (kind, parent_id, trashed_at, depth) AS (
			SELECT kind, parent_id, trashed_at, 0 FROM nodes WHERE id = $1 AND drive_id = $2
			UNION ALL
			SELECT up.kind, n.parent_id, coalesce(up.trashed_at, n.trashed_at), up.depth + 1
			FROM up JOIN nodes n ON n.id = up.parent_id WHERE up.depth <= 100
		) SELECT kind, trashed_at IS NULL, depth FROM up ORDER BY depth DESC LIMIT 1`
	err := s.row(ctx, text, []any{parent, f.DriveID}, &f.ParentKind, &f.ParentLive, &f.Depth)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return translate("find folder", err)
}

// driveFacts are the destinations of callerState and standingColumns.
func driveFacts(f *core.DriveFacts, owner *core.AccountID) []any {
	return append(make([]any, 0, 32), &f.UserDisabled, &f.SessionRevoked, &f.AccountID, &f.Status, &f.OrgRole, &f.Member, &f.Default,
		&f.OrgID, &f.DriveID, owner)
}

func ownership(owner, self core.AccountID) core.Ownership {
	switch {
	case owner.IsZero():
		return core.SharedDrive
	case owner == self:
		return core.OwnDrive
	}
	return core.OthersDrive
}

// missing reports a thing that is not there, unless the caller's credential
// has to be refused first: that is for core to say.
func missing(c core.Credential, absent bool) error {
	if absent && c.Check() == nil {
		return core.ErrNotFound
	}
	return nil
}

// unknownCaller is the error of a query that finds no row only if the user or
// the session is gone, or the key.
func unknownCaller(op string, a core.Actor, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		if a.ByKey() {
			return core.ErrKeyInvalid
		}
		return core.ErrUnauthenticated
	}
	return translate(op, err)
}
