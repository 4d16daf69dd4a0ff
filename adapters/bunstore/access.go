package bunstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// The hot reads of ports.Access: one prepared statement each, the same text on
// both databases. $1 is the user, $2 the session.

const callerState = `u.disabled_at IS NOT NULL, s.revoked_at IS NOT NULL`

const caller = ` FROM users u JOIN sessions s ON s.id = $2 AND s.user_id = u.id `

// about returns the text of a statement about an actor: as it is, nobody is
// found without their session. An actor whose token is another issuer's has
// none, so for these, and no others, the session may be absent.
func about(a core.Actor, text string) string {
	if !a.External || !a.SessionID.IsZero() {
		return text
	}
	return strings.Replace(text, `JOIN sessions s ON`, `LEFT JOIN sessions s ON`, 1)
}

// external is any actor who needs no session.
var external = core.Actor{External: true} //nolint:exhaustruct_v5 // nobody

const standingColumns = `ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''), coalesce(m.role, ''), d.default_role,
	d.org_id, d.id, d.owner_account_id`

const standingJoins = `
	LEFT JOIN accounts ac ON ac.org_id = d.org_id AND ac.user_id = u.id
	LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id `

// ForUser implements ports.Access.
func (s *Store) ForUser(ctx context.Context, a core.Actor) (core.Credential, error) {
	const text = `SELECT ` + callerState + caller + `WHERE u.id = $1`
	var c core.Credential
	err := s.row(ctx, about(a, text), []any{a.UserID, a.SessionID}, &c.UserDisabled, &c.SessionRevoked)
	return c, unknownCaller("user facts", err)
}

// ForIdentity implements ports.Access.
func (s *Store) ForIdentity(ctx context.Context, issuer, subject string) (core.Actor, error) {
	const text = `SELECT u.id, u.personal_org_id FROM identities i JOIN users u ON u.id = i.user_id WHERE i.issuer = $1 AND i.subject = $2`
	a := core.Actor{Kind: core.ActorAccount, External: true} //nolint:exhaustruct_v5 // from where, the caller knows
	err := s.row(ctx, text, []any{issuer, subject}, &a.UserID, &a.ActiveOrg)
	return a, translate("identity", err)
}

// ForOrg implements ports.Access.
func (s *Store) ForOrg(ctx context.Context, a core.Actor, org core.OrgID) (core.OrgFacts, error) {
	const text = `SELECT ` + callerState + `, o.id, coalesce(o.is_personal, false), ac.id, coalesce(ac.status, ''),
		coalesce(ac.role, ''), u.email` + caller + `
		LEFT JOIN orgs o ON o.id = $3 AND o.deleted_at IS NULL
		LEFT JOIN accounts ac ON ac.org_id = o.id AND ac.user_id = u.id
		WHERE u.id = $1`
	var f core.OrgFacts
	err := s.row(ctx, about(a, text), []any{a.UserID, a.SessionID, org},
		&f.UserDisabled, &f.SessionRevoked, &f.OrgID, &f.IsPersonal, &f.AccountID, &f.Status, &f.Role, &f.Email)
	if err != nil {
		return f, unknownCaller("org facts", err)
	}
	return f, missing(f.Credential, f.OrgID.IsZero())
}

// ForDrive implements ports.Access.
func (s *Store) ForDrive(ctx context.Context, a core.Actor, drive core.DriveID) (core.DriveFacts, error) {
	const text = `SELECT ` + callerState + `, ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''), coalesce(m.role, ''),
		coalesce(d.default_role, ''), d.org_id, d.id, d.owner_account_id` + caller + `
		LEFT JOIN drives d ON d.id = $3 AND EXISTS (SELECT 1 FROM orgs o WHERE o.id = d.org_id AND o.deleted_at IS NULL)` + standingJoins + `WHERE u.id = $1`
	var f core.DriveFacts
	var owner core.AccountID
	err := s.row(ctx, about(a, text), []any{a.UserID, a.SessionID, drive}, driveFacts(&f, &owner)...)
	if err != nil {
		return f, unknownCaller("drive facts", err)
	}
	f.Ownership = ownership(owner, f.AccountID)
	return f, missing(f.Credential, f.DriveID.IsZero())
}

// ForAsset implements ports.Access.
func (s *Store) ForAsset(ctx context.Context, a core.Actor, id core.AssetID) (core.AssetFacts, error) {
	const text = `SELECT ` + callerState + `, ` + standingColumns + `, n.id, n.parent_id, n.name, n.created_by, n.trashed_at,
		n.version, n.created_at, n.updated_at, n.status, n.content_type, n.size_bytes, v.sha256, n.current_version,
		n.newest_version, n.metadata, coalesce(v.blob_key, ''), coalesce(v.content_type, ''), coalesce(v.size_bytes, 0), u.email` + caller + `
		JOIN nodes n ON n.id = $3 AND n.kind = 'asset'
		JOIN drives d ON d.id = n.drive_id
		JOIN orgs o ON o.id = n.org_id AND o.deleted_at IS NULL` + standingJoins + `
		LEFT JOIN asset_versions v ON v.asset_id = n.id AND v.number = n.current_version
		WHERE u.id = $1`
	var f core.AssetFacts
	var owner core.AccountID
	var row nodeRow
	into := append(driveFacts(&f.DriveFacts, &owner), &row.ID, &row.ParentID, &row.Name, &row.CreatedBy, &row.TrashedAt,
		&row.Version, &row.CreatedAt, &row.UpdatedAt, &row.Status, &row.ContentType, &row.SizeBytes, &row.SHA256, &row.Current,
		&row.Newest, &row.Metadata, &f.Version.BlobKey, &f.Version.ContentType, &f.Version.SizeBytes, &f.Email)
	err := s.row(ctx, about(a, text), []any{a.UserID, a.SessionID, id}, into...)
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
	return f, nil
}

// ForDownload implements ports.Access.
func (s *Store) ForDownload(ctx context.Context, a core.Actor, id core.AssetID) (core.AssetFacts, error) {
	const text = `SELECT ` + callerState + `, ` + standingColumns + `, n.name, n.trashed_at, n.status, n.current_version,
		coalesce(v.blob_key, ''), coalesce(v.content_type, ''), coalesce(v.size_bytes, 0)` + caller + `
		JOIN nodes n ON n.id = $3 AND n.kind = 'asset'
		JOIN drives d ON d.id = n.drive_id
		JOIN orgs o ON o.id = n.org_id AND o.deleted_at IS NULL` + standingJoins + `
		LEFT JOIN asset_versions v ON v.asset_id = n.id AND v.number = n.current_version
		WHERE u.id = $1`
	var f core.AssetFacts
	var owner core.AccountID
	var trashed stamp
	into := append(driveFacts(&f.DriveFacts, &owner), &f.Asset.Name, &trashed, &f.Asset.Status, &f.Asset.Current,
		&f.Version.BlobKey, &f.Version.ContentType, &f.Version.SizeBytes)
	arg := s.dialect.idArg
	err := s.row(ctx, about(a, text), []any{arg(a.UserID), arg(a.SessionID), arg(id)}, into...)
	if errors.Is(err, sql.ErrNoRows) {
		return s.nothing(ctx, a)
	}
	if err != nil {
		return f, translate("download facts", err)
	}
	f.Ownership = ownership(owner, f.AccountID)
	f.Asset.ID, f.Asset.OrgID, f.Asset.DriveID, f.Asset.Kind, f.Asset.TrashedAt = id, f.OrgID, f.DriveID, core.KindAsset, trashed.Time
	f.Version.AssetID, f.Version.OrgID, f.Version.Number = id, f.OrgID, f.Asset.Current
	return f, nil
}

// nothing finds out whether it is the caller or the thing that is not there.
func (s *Store) nothing(ctx context.Context, a core.Actor) (f core.AssetFacts, err error) {
	if f.Credential, err = s.ForUser(ctx, a); err != nil {
		return f, err
	}
	return f, missing(f.Credential, true)
}

// ForUpload implements ports.Access.
func (s *Store) ForUpload(ctx context.Context, a core.Actor, q ports.UploadQuery) (core.UploadFacts, error) {
	const text = `SELECT ` + callerState + `, ` + standingColumns + `, d.quota_bytes, d.used_bytes, q.used_bytes, q.assets_count,
		l.name, l.max_upload_size_mb, l.max_total_storage_mb, l.max_assets` + caller + `
		JOIN orgs o ON o.id = $3 AND o.deleted_at IS NULL
		JOIN org_usage q ON q.org_id = o.id
		JOIN drives d ON d.id = coalesce($4, o.default_drive_id) AND d.org_id = o.id` + standingJoins + `
		JOIN licenses l ON l.name = ` + licenseInForce + `
		WHERE u.id = $1`
	var f core.UploadFacts
	var owner core.AccountID
	var quota, maxUpload, maxStorage, maxAssets limit
	into := append(driveFacts(&f.DriveFacts, &owner), &quota, &f.DriveUsed, &f.Usage.UsedBytes, &f.Usage.AssetsCount,
		&f.License.Name, &maxUpload, &maxStorage, &maxAssets)
	err := s.row(ctx, about(a, text), []any{a.UserID, a.SessionID, q.OrgID, q.DriveID, stamp{q.Now}}, into...)
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
// the session is gone.
func unknownCaller(op string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return core.ErrUnauthenticated
	}
	return translate(op, err)
}
