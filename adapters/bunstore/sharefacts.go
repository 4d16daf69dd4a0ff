package bunstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// sharedLink are a link, the standing of the account that made it, which the link
// stands for as a credential, and its target.
const sharedLink = `SELECT l.id, l.org_id, l.drive_id, l.node_id, l.group_id, l.kind, l.name, l.created_by, l.token_sealed, l.accounts, l.password_hash,
		l.password_version, l.allow_download, l.allow_view_metadata, l.expires_at, l.max_views, l.max_downloads, l.ip_allow, l.watermark,
		l.max_files, l.max_file_bytes, l.content_types, l.notify, l.views, l.downloads, l.uploads, l.last_accessed_at, l.revoked_at,
		l.revoked_by, l.version, l.created_at, l.updated_at,
		u.disabled_at IS NOT NULL, false, ac.id, coalesce(ac.status, ''), coalesce(ac.role, ''), coalesce(m.role, ''), coalesce(d.default_role, ''),
		l.org_id, d.id, d.owner_account_id, coalesce(u.email, ''),
		o.name, o.branding, o.settings,
		n.id, n.parent_id, coalesce(n.kind, ''), coalesce(n.name, ''), n.created_by, n.trashed_at, n.purged_at, coalesce(n.height, 0),
		coalesce(n.version, 0), n.created_at, n.updated_at, coalesce(n.status, ''), coalesce(n.content_type, ''), coalesce(n.size_bytes, 0),
		v.sha256, coalesce(n.current_version, 0), coalesce(n.newest_version, 0), coalesce(n.metadata, '{}'),
		coalesce(v.blob_key, ''), coalesce(v.content_type, ''), coalesce(v.size_bytes, 0), `

const (
	// visitorAccount is the account in the link's org of who is signed in, and
	// nobodyAccount that of who is not, which most visitors are.
	visitorAccount = `(SELECT va.id FROM users vu JOIN accounts va ON va.org_id = l.org_id AND va.user_id = vu.id AND va.status = 'active'
			WHERE vu.id = $2 AND vu.disabled_at IS NULL AND ($3 OR EXISTS
				(SELECT 1 FROM sessions vs WHERE vs.id = $4 AND vs.user_id = vu.id AND vs.revoked_at IS NULL)))`
	nobodyAccount = `CAST(NULL AS uuid)`

	linkMaker = `
	FROM share_links l
	JOIN orgs o ON o.id = l.org_id AND o.deleted_at IS NULL
	JOIN accounts ac ON ac.id = l.created_by AND ac.org_id = l.org_id
	LEFT JOIN users u ON u.id = ac.user_id`
	linkDrive = `
	LEFT JOIN drive_members m ON m.drive_id = d.id AND m.account_id = ac.id
	LEFT JOIN asset_versions v ON v.asset_id = n.id AND v.number = n.current_version`

	// forGroupShare finds a link of a group. Node n is the file that is asked for, in
	// whatever drive d that is.
	forGroupShare = sharedLink + visitorAccount + `,
		CASE WHEN n.id IS NOT NULL AND d.id IS NOT NULL THEN ` + shownInGroup + ` AND ` + inSharedGroup + ` ELSE false END,
		sg.id, sg.deleted_at IS NOT NULL, coalesce(sg.owner_id = ac.id, false), coalesce(sg.is_public, false), coalesce(sg.share_password_hash, ''),
		coalesce(sg.share_password_version, 0), ` + sharedLevels + `,
		g.id, g.parent_id, coalesce(g.name, ''), coalesce(g.description, ''), g.cover_asset_id, coalesce(g.metadata, '{}'), coalesce(g.organisation, '{}'),
		coalesce(g.version, 0), g.created_at, g.updated_at, ` + sharedPath + linkMaker + `
	LEFT JOIN nodes n ON n.id = $6 AND n.org_id = l.org_id AND n.purged_at IS NULL
	LEFT JOIN drives d ON d.id = n.drive_id AND d.deleted_at IS NULL` + linkDrive + `
	LEFT JOIN groups sg ON sg.id = l.group_id AND sg.org_id = l.org_id
	LEFT JOIN groups g ON g.id = coalesce($5, l.group_id) AND g.org_id = l.org_id AND g.deleted_at IS NULL
	WHERE l.token_hash = $1 AND l.group_id IS NOT NULL`
)

// driveShare finds a link of a drive. A target that has been moved to another
// drive is not there: of that drive nothing is known here. Of a link of a group
// there is nothing but the link.
func driveShare(visitor string) string {
	return sharedLink + visitor + `, ` + trashedFolders + linkMaker + `
	LEFT JOIN drives d ON d.id = l.drive_id AND d.deleted_at IS NULL
	LEFT JOIN nodes n ON n.id = l.node_id AND n.org_id = l.org_id AND n.drive_id = l.drive_id AND n.purged_at IS NULL` + linkDrive + `
	WHERE l.token_hash = $1 AND (l.group_id IS NOT NULL OR d.id IS NOT NULL)`
}

var forDriveShare, forDriveShareOfNobody = driveShare(visitorAccount), driveShare(nobodyAccount)

// Rows of a few fields as one text: no name of a group has a control character.
const (
	fieldEnd = "\x1f"
	rowEnd   = "\x1e"

	// sharedLevels are the levels of a link's group for the account that made the
	// link, from the top down: id, right of the account, right of its role.
	sharedLevels = `(WITH RECURSIVE up (id, parent_id, step) AS (
			SELECT p.id, p.parent_id, 0 FROM groups AS p WHERE p.id = l.group_id
			UNION ALL SELECT p.id, p.parent_id, up.step + 1 FROM up JOIN groups AS p ON p.id = up.parent_id WHERE up.step < 100)
		SELECT coalesce(string_agg(CAST(up.id AS text) || '` + fieldEnd + `' || coalesce(CAST(pa.rights AS text), '') || '` + fieldEnd + `' ||
			coalesce(CAST(pr.rights AS text), ''), '` + rowEnd + `' ORDER BY up.step DESC), '')
		FROM up LEFT JOIN group_permissions pa ON pa.group_id = up.id AND pa.account_id = ac.id
		LEFT JOIN group_permissions pr ON pr.group_id = up.id AND pr.role = ac.role AND pr.account_id IS NULL)`

	// sharedPath is the way down to the group that is asked for: id, name. It
	// begins at the link's group, or that is not above it.
	sharedPath = `(WITH RECURSIVE up (id, parent_id, name, step) AS (
			SELECT p.id, p.parent_id, p.name, 0 FROM groups AS p WHERE p.id = coalesce($5, l.group_id) AND p.deleted_at IS NULL
			UNION ALL SELECT p.id, p.parent_id, p.name, up.step + 1 FROM up JOIN groups AS p ON p.id = up.parent_id AND p.deleted_at IS NULL
			WHERE up.id <> l.group_id AND up.step < 100)
		SELECT coalesce(string_agg(CAST(up.id AS text) || '` + fieldEnd + `' || up.name, '` + rowEnd + `' ORDER BY up.step DESC), '') FROM up)`

	// inSharedGroup is true of a node n in the group of link l, or one nested in it.
	inSharedGroup = `EXISTS (WITH RECURSIVE up (id, parent_id, step) AS (
			SELECT p.id, p.parent_id, 0 FROM group_assets AS a JOIN groups AS p ON p.id = a.group_id AND p.deleted_at IS NULL WHERE a.asset_id = n.id
			UNION SELECT p.id, p.parent_id, up.step + 1 FROM up JOIN groups AS p ON p.id = up.parent_id AND p.deleted_at IS NULL WHERE up.step < 100)
		SELECT 1 FROM up WHERE up.id = l.group_id)`
)

// shareRow is what driveShare or forGroupShare finds.
type shareRow struct {
	core.ShareFacts

	link         shareLinkRow
	node         nodeRow
	group        groupRow
	owner        core.AccountID // of the drive
	account      core.AccountID // of the visitor
	settings     document[orgSettings]
	brand        document[branding]
	inGroup      bool // of the node
	levels, path string
}

func (r *shareRow) into() []any {
	l, n, f := &r.link, &r.node, &r.ShareFacts
	into := []any{
		&l.ID, &l.OrgID, &l.DriveID, &l.NodeID, &l.GroupID, &l.Kind, &l.Name, &l.CreatedBy, &l.TokenSealed, &l.Accounts, &l.PasswordHash,
		&l.PasswordVersion, &l.AllowDownload, &l.AllowViewMetadata, &l.ExpiresAt, &l.MaxViews, &l.MaxDownloads, &l.IPAllow, &l.Watermark,
		&l.MaxFiles, &l.MaxFileBytes, &l.ContentTypes, &l.Notify, &l.Views, &l.Downloads, &l.Uploads, &l.LastAccessedAt, &l.RevokedAt,
		&l.RevokedBy, &l.Version, &l.CreatedAt, &l.UpdatedAt,
	}
	into = append(into, driveFacts(&f.Creator, &r.owner)...)
	return append(
		into, &f.Creator.Email, &f.OrgName, &r.brand, &r.settings, &n.ID, &n.ParentID, &n.Kind, &n.Name, &n.CreatedBy, &n.TrashedAt, &n.PurgedAt, &n.Height,
		&n.Version, &n.CreatedAt, &n.UpdatedAt, &n.Status, &n.ContentType, &n.SizeBytes, &n.SHA256, &n.Current, &n.Newest, &n.Metadata,
		&f.Version.BlobKey, &f.Version.ContentType, &f.Version.SizeBytes, &r.account,
	)
}

func (r *shareRow) intoGroup() []any {
	g, group := &r.group, &r.ShareFacts.Group
	return []any{
		&r.inGroup, &group.Creator.GroupID, &group.Creator.Deleted, &group.Creator.Creator, &group.Creator.IsPublic, &group.PasswordHash,
		&group.PasswordVersion, &r.levels,
		&g.ID, &g.ParentID, &g.Name, &g.Description, &g.CoverAssetID, &g.Metadata, &g.Order, &g.Version, &g.CreatedAt, &g.UpdatedAt, &r.path,
	}
}

// ForShare implements ports.Visits. A link into a drive with folders in its trash
// takes a second round trip, and a link of a group does.
func (s *Store) ForShare(ctx context.Context, q ports.ShareQuery) (core.ShareFacts, core.AccountID, error) {
	var user core.UserID // a script is nobody in particular
	if q.Visitor.Kind == core.ActorAccount {
		user = q.Visitor.UserID
	}
	args := []any{q.Hash[:], user, q.Visitor.External && q.Visitor.SessionID.IsZero(), q.Visitor.SessionID}
	text, who := forDriveShare, args
	if user.IsZero() {
		text, who = forDriveShareOfNobody, args[:1]
	}
	r := shareRow{link: shareLinkRow{TokenHash: q.Hash[:]}}
	if err := s.row(ctx, text, who, append(r.into(), &r.InTrash)...); err != nil {
		return core.ShareFacts{}, core.AccountID{}, translate("share facts", err)
	}
	if r.link.GroupID.IsZero() {
		return s.ofDrive(ctx, &r)
	}
	r = shareRow{link: shareLinkRow{TokenHash: q.Hash[:]}}
	if err := s.row(ctx, forGroupShare, append(args, q.Group, q.Asset), append(r.into(), r.intoGroup()...)...); err != nil {
		return core.ShareFacts{}, core.AccountID{}, translate("share facts", err)
	}
	return r.ofGroup()
}

// shared sets what links of drives and groups have in common.
func (r *shareRow) shared() {
	r.Link, r.Policy, r.Branding = r.link.shareLink(), r.settings.v.settings().Sharing, core.Branding(r.brand.v)
}

// ofDrive are the facts of a link of a drive.
func (s *Store) ofDrive(ctx context.Context, r *shareRow) (core.ShareFacts, core.AccountID, error) {
	r.shared()
	f := &r.ShareFacts
	f.Creator.Ownership = ownership(r.owner, f.Creator.AccountID)
	if r.node.ID.IsZero() {
		return *f, r.account, nil
	}
	r.setNode()
	return s.settleShare(ctx, *f, r.account)
}

func (r *shareRow) setNode() {
	n, f := &r.node, &r.ShareFacts
	n.OrgID = f.Link.OrgID
	n.DriveID = f.Creator.DriveID
	f.Node, f.File = n.node(), n.file()
	if n.Current > 0 {
		f.Version.AssetID, f.Version.OrgID, f.Version.Number = n.ID, n.OrgID, n.Current
	}
}

// ofGroup are the facts of a link of a group.
func (r *shareRow) ofGroup() (core.ShareFacts, core.AccountID, error) {
	r.shared()
	f, g := &r.ShareFacts, &r.ShareFacts.Group
	if r.inGroup {
		r.setNode()
	} else {
		f.Version = core.Version{} //nolint:exhaustruct_v5 // not there
	}
	c := &f.Creator
	g.Creator.OrgFacts = core.OrgFacts{ //nolint:exhaustruct_v5 // personal or not does not matter
		Credential: c.Credential, OrgID: f.Link.OrgID, AccountID: c.AccountID, Status: c.Status, Role: c.OrgRole, Email: c.Email,
	}
	f.Creator = core.DriveFacts{}                  //nolint:exhaustruct_v5 // it is in no drive
	for fields, err := range rowsOf(r.levels, 3) { //nolint:mnd // see sharedLevels
		if err != nil {
			return *f, r.account, err
		}
		var level core.GroupLevel
		if err := errors.Join(level.ID.UnmarshalText([]byte(fields[0])), rightsFrom(fields[1], &level.Account), rightsFrom(fields[2], &level.Role)); err != nil {
			return *f, r.account, fmt.Errorf("levels of group %s: %w", f.Link.GroupID, err)
		}
		g.Creator.Levels = append(g.Creator.Levels, level)
	}
	return *f, r.account, r.setGroup()
}

// setGroup sets the group that was asked for, if it is the link's or below it.
func (r *shareRow) setGroup() error {
	g, link := &r.ShareFacts.Group, &r.ShareFacts.Link
	var path []core.GroupStep
	for fields, err := range rowsOf(r.path, 2) { //nolint:mnd // see sharedPath
		var step core.GroupStep
		if err == nil {
			step.Name, err = fields[1], step.ID.UnmarshalText([]byte(fields[0]))
		}
		if err != nil {
			return fmt.Errorf("way to a group below %s: %w", link.GroupID, err)
		}
		path = append(path, step)
	}
	if len(path) == 0 || path[0].ID != link.GroupID || r.group.ID.IsZero() {
		return nil
	}
	r.group.OrgID = link.OrgID
	g.Group, g.Path = *r.group.group(), path
	return nil
}

// rowsOf yields the rows of a text, of so many fields each.
func rowsOf(text string, fields int) func(yield func([]string, error) bool) {
	return func(yield func([]string, error) bool) {
		if text == "" {
			return
		}
		for row := range strings.SplitSeq(text, rowEnd) {
			found := strings.Split(row, fieldEnd)
			if len(found) != fields {
				yield(nil, fmt.Errorf("%d fields in %q", len(found), row))
				return
			}
			if !yield(found, nil) {
				return
			}
		}
	}
}

// rightsFrom reads rights; of nothing, none are set.
func rightsFrom(text string, into **core.GroupRights) error {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	*into = new(core.GroupRights(n))
	return err
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
