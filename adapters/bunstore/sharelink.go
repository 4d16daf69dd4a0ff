package bunstore

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/uptrace/bun"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// list is a list as JSON.
type list[T any] []T

// Value implements driver.Valuer.
func (l list[T]) Value() (driver.Value, error) {
	if l == nil {
		return "[]", nil
	}
	doc, err := json.Marshal([]T(l))
	return string(doc), err
}

// Scan implements sql.Scanner. The empty list is nil.
func (l *list[T]) Scan(v any) error {
	var found []T
	err := scanJSON(v, &found)
	*l = nilIfEmpty(found)
	return err
}

// shareNotify is core.ShareNotify as JSON.
type shareNotify struct {
	FirstView    bool `json:"first_view,omitempty"`
	EachDownload bool `json:"each_download,omitempty"`
	EachUpload   bool `json:"each_upload,omitempty"`
	LimitReached bool `json:"limit_reached,omitempty"`
	ExpiringSoon bool `json:"expiring_soon,omitempty"`
}

type shareLinkRow struct {
	bun.BaseModel `bun:"table:share_links,alias:l"`

	ID                core.ShareLinkID      `bun:"id,pk"`
	OrgID             core.OrgID            `bun:"org_id"`
	DriveID           core.DriveID          `bun:"drive_id"`
	NodeID            core.NodeID           `bun:"node_id"`
	GroupID           core.GroupID          `bun:"group_id"`
	Kind              core.ShareKind        `bun:"kind"`
	Name              string                `bun:"name"`
	CreatedBy         core.AccountID        `bun:"created_by"`
	TokenHash         []byte                `bun:"token_hash"`
	TokenSealed       []byte                `bun:"token_sealed"`
	Accounts          list[core.AccountID]  `bun:"accounts"`
	PasswordHash      string                `bun:"password_hash"`
	PasswordVersion   int64                 `bun:"password_version"`
	AllowDownload     bool                  `bun:"allow_download"`
	AllowViewMetadata bool                  `bun:"allow_view_metadata"`
	ExpiresAt         stamp                 `bun:"expires_at"`
	MaxViews          limit                 `bun:"max_views"`
	MaxDownloads      limit                 `bun:"max_downloads"`
	IPAllow           list[netip.Prefix]    `bun:"ip_allow"`
	Watermark         bool                  `bun:"watermark"`
	MaxFiles          limit                 `bun:"max_files"`
	MaxFileBytes      limit                 `bun:"max_file_bytes"`
	ContentTypes      list[string]          `bun:"content_types"`
	Notify            document[shareNotify] `bun:"notify"`
	Views             int64                 `bun:"views"`
	Downloads         int64                 `bun:"downloads"`
	Uploads           int64                 `bun:"uploads"`
	LastAccessedAt    stamp                 `bun:"last_accessed_at"`
	RevokedAt         stamp                 `bun:"revoked_at"`
	RevokedBy         core.AccountID        `bun:"revoked_by"`
	Version           int64                 `bun:"version"`
	CreatedAt         stamp                 `bun:"created_at"`
	UpdatedAt         stamp                 `bun:"updated_at"`
}

func newShareLinkRow(l *core.ShareLink) *shareLinkRow {
	return &shareLinkRow{
		ID: l.ID, OrgID: l.OrgID, DriveID: l.DriveID, NodeID: l.NodeID, GroupID: l.GroupID, Kind: l.Kind, Name: l.Name, CreatedBy: l.CreatedBy,
		TokenHash: l.TokenHash[:], TokenSealed: append([]byte{}, l.TokenSealed...),
		Accounts: l.Accounts, PasswordHash: l.PasswordHash, PasswordVersion: l.PasswordVersion, AllowDownload: l.AllowDownload,
		AllowViewMetadata: l.AllowViewMetadata, ExpiresAt: stamp{l.ExpiresAt}, MaxViews: limit(l.MaxViews), MaxDownloads: limit(l.MaxDownloads),
		IPAllow: l.IPAllow, Watermark: l.Watermark, MaxFiles: limit(l.Request.MaxFiles), MaxFileBytes: limit(l.Request.MaxBytes),
		ContentTypes: l.Request.ContentTypes, Notify: document[shareNotify]{shareNotify(l.Notify)},
		Views: l.Views, Downloads: l.Downloads, Uploads: l.Uploads, LastAccessedAt: stamp{l.LastAccessedAt},
		RevokedAt: stamp{l.RevokedAt}, RevokedBy: l.RevokedBy, Version: l.Version, CreatedAt: stamp{l.CreatedAt}, UpdatedAt: stamp{l.UpdatedAt},
	}
}

func (r *shareLinkRow) shareLink() core.ShareLink {
	var hash [32]byte
	copy(hash[:], r.TokenHash)
	return core.ShareLink{
		ID: r.ID, OrgID: r.OrgID, DriveID: r.DriveID, NodeID: r.NodeID, GroupID: r.GroupID, Kind: r.Kind, Name: r.Name, CreatedBy: r.CreatedBy,
		TokenHash: hash, TokenSealed: nilIfEmpty(r.TokenSealed),
		ShareRules: core.ShareRules{
			Accounts: r.Accounts, PasswordHash: r.PasswordHash, PasswordVersion: r.PasswordVersion, AllowDownload: r.AllowDownload,
			AllowViewMetadata: r.AllowViewMetadata, ExpiresAt: r.ExpiresAt.Time, MaxViews: int64(r.MaxViews), MaxDownloads: int64(r.MaxDownloads),
			IPAllow: r.IPAllow, Watermark: r.Watermark,
			Request: core.FileRequest{MaxFiles: int64(r.MaxFiles), MaxBytes: int64(r.MaxFileBytes), ContentTypes: r.ContentTypes},
		},
		Notify: core.ShareNotify(r.Notify.v), Views: r.Views, Downloads: r.Downloads, Uploads: r.Uploads, LastAccessedAt: r.LastAccessedAt.Time,
		RevokedAt: r.RevokedAt.Time, RevokedBy: r.RevokedBy, Version: r.Version, CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

type shareLinks struct{ repository }

func (r shareLinks) Add(ctx context.Context, l *core.ShareLink) error {
	_, err := r.NewInsert().Model(newShareLinkRow(l)).Exec(ctx)
	return translate("add share link", err)
}

func (r shareLinks) Get(ctx context.Context, org core.OrgID, id core.ShareLinkID) (*core.ShareLink, error) {
	var row shareLinkRow
	if err := r.NewSelect().Model(&row).Where("l.org_id = ? AND l.id = ?", org, id).Scan(ctx); err != nil {
		return nil, translate("get share link", err)
	}
	l := row.shareLink()
	return &l, nil
}

func (r shareLinks) Find(ctx context.Context, id core.ShareLinkID) (*core.ShareLink, error) {
	var row shareLinkRow
	if err := r.NewSelect().Model(&row).Where("l.id = ?", id).Scan(ctx); err != nil {
		return nil, translate("find share link", err)
	}
	l := row.shareLink()
	return &l, nil
}

func (r shareLinks) RevokeOf(ctx context.Context, org core.OrgID, account core.AccountID, now time.Time) error {
	_, err := r.NewRaw(`UPDATE share_links SET revoked_at = ?, updated_at = ?, version = version + 1
		WHERE org_id = ? AND created_by = ? AND revoked_at IS NULL`, stamp{now}, stamp{now}, org, account).Exec(ctx)
	return translate("revoke share links", err)
}

func (r shareLinks) Save(ctx context.Context, l *core.ShareLink) error {
	res, err := r.NewUpdate().Model(newShareLinkRow(l)).ExcludeColumn("views", "downloads", "uploads", "last_accessed_at", "created_at").
		Where("l.org_id = ? AND l.id = ? AND l.version = ?", l.OrgID, l.ID, l.Version-1).Exec(ctx)
	return saved("save share link", res, err)
}

func (r shareLinks) List(ctx context.Context, q ports.ShareLinkQuery) ([]*core.ShareLink, error) {
	sel := r.NewSelect().Where("l.org_id = ?", q.OrgID).OrderExpr("l.id DESC").Limit(int64(q.Limit))
	if !q.Before.IsZero() {
		sel.Where("l.id < ?", q.Before)
	}
	if !q.NodeID.IsZero() {
		sel.Where("l.node_id = ?", q.NodeID)
	}
	if !q.GroupID.IsZero() {
		sel.Where("l.group_id = ?", q.GroupID)
	}
	if !q.AccountID.IsZero() {
		sel.Join("LEFT JOIN drives AS d ON d.id = l.drive_id AND d.deleted_at IS NULL").
			Join("LEFT JOIN accounts AS ac ON ac.org_id = d.org_id AND ac.id = ?", q.AccountID).
			Join("LEFT JOIN drive_members AS m ON m.drive_id = d.id AND m.account_id = ac.id").
			Where("("+standing+" IN ("+writable+") OR l.group_id IN (?))", bun.List(append([]core.GroupID{{}}, q.Groups...)))
	}
	if q.Live {
		sel.Where("l.revoked_at IS NULL AND (l.expires_at IS NULL OR l.expires_at > ?)", stamp{q.Now})
	}
	return r.links(ctx, sel)
}

func (r shareLinks) Expiring(ctx context.Context, from, to time.Time, limit int) ([]*core.ShareLink, error) {
	return r.links(ctx, r.NewSelect().
		Join("LEFT JOIN drives AS d ON d.id = l.drive_id AND d.deleted_at IS NULL").
		Join("LEFT JOIN groups AS g ON g.id = l.group_id AND g.deleted_at IS NULL").
		Join("JOIN orgs AS o ON o.id = l.org_id AND o.deleted_at IS NULL").
		Where("(d.id IS NOT NULL OR g.id IS NOT NULL)").
		Where("l.expires_at > ? AND l.expires_at <= ? AND l.revoked_at IS NULL", stamp{from}, stamp{to}).
		Where("CAST(l.notify ->> 'expiring_soon' AS boolean)").
		OrderExpr("l.expires_at, l.id").Limit(int64(limit)))
}

func (r shareLinks) links(ctx context.Context, sel *bun.SelectQuery) ([]*core.ShareLink, error) {
	var rows []shareLinkRow
	if err := sel.Model(&rows).Scan(ctx); err != nil {
		return nil, translate("list share links", err)
	}
	out := make([]*core.ShareLink, len(rows))
	for i := range rows {
		l := rows[i].shareLink()
		out[i] = &l
	}
	return out, nil
}

// strip removes at most limit rows of the access log of some links, or of the
// links if that is empty.
func (r shareLinks) strip(ctx context.Context, limit int, of string, id any) (done bool, err error) {
	if done, err := traffic(r).strip(ctx, linkTraffic, limit, of, id); err != nil || !done {
		return false, err
	}
	for _, text := range []string{
		`DELETE FROM share_accesses WHERE id IN (SELECT a.id FROM share_links l JOIN share_accesses a ON a.link_id = l.id WHERE ` + of + ` LIMIT ?)`,
		`DELETE FROM share_links WHERE id IN (SELECT l.id FROM share_links l WHERE ` + of + ` LIMIT ?)`,
	} {
		res, err := r.NewRaw(text, id, limit).Exec(ctx)
		if n, err := affected("strip share links", res, err); err != nil || n == limit {
			return false, err
		}
	}
	return true, nil
}
