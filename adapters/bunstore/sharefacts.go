package bunstore

import (
	"context"
	"errors"

	"github.com/seed-755a8038/coffer/core"
)

// forShare begins with the link, which stands for a credential: the standing is
// that of the account that made it. A target that has been moved to another
// drive is not there: of that drive nothing is known here.
const forShare = `SELECT l.id, l.org_id, l.drive_id, l.node_id, l.kind, l.name, l.created_by, l.token_sealed, l.accounts, l.password_hash,
		l.password_version, l.allow_download, l.allow_view_metadata, l.expires_at, l.max_views, l.max_downloads, l.ip_allow, l.watermark,
		l.max_files, l.max_file_bytes, l.content_types, l.notify, l.views, l.downloads, l.uploads, l.last_accessed_at, l.revoked_at,
		l.revoked_by, l.version, l.created_at, l.updated_at,
		u.disabled_at IS NOT NULL, false, ` + standingColumns + `, coalesce(u.email, ''),
		o.name, o.branding, o.settings,
		n.id, n.parent_id, coalesce(n.kind, ''), coalesce(n.name, ''), n.created_by, n.trashed_at, n.purged_at, coalesce(n.height, 0),
		coalesce(n.version, 0), n.created_at, n.updated_at, coalesce(n.status, ''), coalesce(n.content_type, ''), coalesce(n.size_bytes, 0),
		v.sha256, coalesce(n.current_version, 0), coalesce(n.newest_version, 0), coalesce(n.metadata, '{}'),
		coalesce(v.blob_key, ''), coalesce(v.content_type, ''), coalesce(v.size_bytes, 0), ` + trashedFolders + `,
		(SELECT va.id FROM users vu JOIN accounts va ON va.org_id = l.org_id AND va.user_id = vu.id AND va.status = 'active'
			WHERE vu.id = $2 AND vu.disabled_at IS NULL AND ($4 OR EXISTS
				(SELECT 1 FROM sessions vs WHERE vs.id = $3 AND vs.user_id = vu.id AND vs.revoked_at IS NULL)))
	FROM share_links l
	JOIN orgs o ON o.id = l.org_id AND o.deleted_at IS NULL
	JOIN drives d ON d.id = l.drive_id AND d.deleted_at IS NULL
	JOIN accounts ac ON ac.id = l.created_by AND ac.org_id = l.org_id
	LEFT JOIN users u ON u.id = ac.user_id
	LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id
	LEFT JOIN nodes n ON n.id = l.node_id AND n.drive_id = l.drive_id AND n.purged_at IS NULL
	LEFT JOIN asset_versions v ON v.asset_id = n.id AND v.number = n.current_version
	WHERE l.token_hash = $1`

// ForShare implements ports.Visits. A drive with folders in its trash takes a
// second round trip.
func (s *Store) ForShare(ctx context.Context, hash [32]byte, visitor core.Actor) (core.ShareFacts, core.AccountID, error) {
	var f core.ShareFacts
	var account, owner core.AccountID
	l, n := shareLinkRow{TokenHash: hash[:]}, nodeRow{}
	var settings document[orgSettings]
	var brand document[branding]
	into := []any{
		&l.ID, &l.OrgID, &l.DriveID, &l.NodeID, &l.Kind, &l.Name, &l.CreatedBy, &l.TokenSealed, &l.Accounts, &l.PasswordHash,
		&l.PasswordVersion, &l.AllowDownload, &l.AllowViewMetadata, &l.ExpiresAt, &l.MaxViews, &l.MaxDownloads, &l.IPAllow, &l.Watermark,
		&l.MaxFiles, &l.MaxFileBytes, &l.ContentTypes, &l.Notify, &l.Views, &l.Downloads, &l.Uploads, &l.LastAccessedAt, &l.RevokedAt,
		&l.RevokedBy, &l.Version, &l.CreatedAt, &l.UpdatedAt,
	}
	into = append(into, driveFacts(&f.Creator, &owner)...)
	into = append(
		into, &f.Creator.Email, &f.OrgName, &brand, &settings, &n.ID, &n.ParentID, &n.Kind, &n.Name, &n.CreatedBy, &n.TrashedAt, &n.PurgedAt, &n.Height,
		&n.Version, &n.CreatedAt, &n.UpdatedAt, &n.Status, &n.ContentType, &n.SizeBytes, &n.SHA256, &n.Current, &n.Newest, &n.Metadata,
		&f.Version.BlobKey, &f.Version.ContentType, &f.Version.SizeBytes, &f.InTrash, &account,
	)
	var user core.UserID // a script is nobody in particular
	if visitor.Kind == core.ActorAccount {
		user = visitor.UserID
	}
	args := []any{hash[:], user, visitor.SessionID, visitor.External && visitor.SessionID.IsZero()}
	if err := s.row(ctx, forShare, args, into...); err != nil {
		return core.ShareFacts{}, account, translate("share facts", err)
	}
	f.Link, f.Policy, f.Branding = l.shareLink(), settings.v.settings().Sharing, core.Branding(brand.v)
	f.Creator.Ownership = ownership(owner, f.Creator.AccountID)
	if n.ID.IsZero() {
		return f, account, nil
	}
	n.OrgID, n.DriveID = l.OrgID, l.DriveID
	f.Node, f.File = n.node(), n.file()
	if n.Current > 0 {
		f.Version.AssetID, f.Version.OrgID, f.Version.Number = n.ID, n.OrgID, n.Current
	}
	return s.settleShare(ctx, f, account)
}

// settleShare finds out whether the target is in the trash, of which InTrash so
// far says whether it can be below another node there.
func (s *Store) settleShare(ctx context.Context, f core.ShareFacts, account core.AccountID) (core.ShareFacts, core.AccountID, error) {
	if !f.InTrash {
		f.InTrash = f.Node.Trashed()
		return f, account, nil
	}
	var err error
	f.InTrash, err = s.inTrash(ctx, f.Node.ID)
	if errors.Is(err, core.ErrNotFound) { // a folder above is being purged
		f.Node, f.File, f.Version = core.Node{}, core.File{}, core.Version{} //nolint:exhaustruct_v5 // gone
		return f, account, nil
	}
	return f, account, err
}
