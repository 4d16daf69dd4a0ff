package httpapi

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// DriveBody is a drive.
type DriveBody struct {
	ID             core.DriveID    `json:"id" format:"uuid" doc:"Identifies the drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	OrgID          core.OrgID      `json:"org_id" format:"uuid" doc:"The organisation" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	OwnerAccountID *core.AccountID `json:"owner_account_id" format:"uuid" doc:"The one account it belongs to; null: it is shared" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Name           string          `json:"name" doc:"What people call it" example:"Personal"`
	DefaultRole    *core.DriveRole `json:"default_role" enum:"viewer,editor,admin" doc:"What members of the organisation may do here; null: nothing" example:"viewer"`
	QuotaBytes     *int64          `json:"quota_bytes" doc:"What its files may take; null: only the licence limits it" example:"1000000000"`
	UsedBytes      int64           `json:"used_bytes" doc:"What its files take, versions and trash included" example:"5000000"`
	CreatedAt      time.Time       `json:"created_at" doc:"When it was made"`
	UpdatedAt      time.Time       `json:"updated_at" doc:"When it was last changed"`
}

func showDrive(d *core.Drive) DriveBody {
	body := DriveBody{
		ID: d.ID, OrgID: d.OrgID, Name: d.Name, QuotaBytes: limit(d.QuotaBytes), UsedBytes: d.UsedBytes,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
	if d.IsPersonal() {
		body.OwnerAccountID = &d.OwnerAccountID
	}
	if d.DefaultRole != core.DriveNone {
		body.DefaultRole = &d.DefaultRole
	}
	return body
}
