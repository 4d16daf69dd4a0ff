package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/drive"
	"github.com/seed-755a8038/coffer/core"
)

type apiKeyRoutes struct {
	drives  *drive.Service
	cursors codec[core.APIKeyID]
}

const driveKeys = "/api/drives/{drive_id}/api-keys"

func (h apiKeyRoutes) mount(api huma.API) {
	register(api, operation{
		id: "createApiKey", method: http.MethodPost, path: driveKeys, tag: tagDrives, status: http.StatusCreated,
		codes:   []string{"forbidden"},
		summary: "Make an API key",
		about:   "Makes a credential for scripts, for this drive's files and folders alone, and shows it this once. It allows what both its permissions and the present rights of the account that makes it allow. Admins and editors of the drive make keys.",
	}, h.create)
	register(api, operation{
		id: "listApiKeys", method: http.MethodGet, path: driveKeys, tag: tagDrives, codes: []string{"forbidden"},
		summary: "A drive's API keys", about: "Lists keys, newest first, those that have expired or were revoked as well, to everybody who may read the drive. No key itself is shown.",
	}, h.list)
	register(api, operation{
		id: "revokeApiKey", method: http.MethodDelete, path: driveKeys + "/{key_id}", tag: tagDrives, status: http.StatusNoContent,
		codes:   []string{"forbidden"},
		summary: "Revoke an API key", about: "Ends a key for good, from its next request on: one of your own or, for admins of the drive, any. Revoking twice is no error.",
	}, h.revoke)
	register(api, operation{
		id: "getOwnKey", method: http.MethodGet, path: "/api/key", tag: tagDrives, scripts: true,
		summary: "The API key of the request", about: "Tells a script what its key is called, what it may do, until when, and in which drive: all that it has to know to begin.",
	}, h.own)
}

type ownKeyBody struct {
	ID          core.APIKeyID `json:"id" format:"uuid" doc:"Identifies the key" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1a"`
	Name        string        `json:"name" doc:"What people call it" example:"nightly backup"`
	Prefix      string        `json:"prefix" doc:"How the key begins, to tell it from others" example:"pk_5f1c2a7e"`
	Permissions []string      `json:"permissions" enum:"read,write,delete" doc:"What it may do, if whoever made it may" example:"[\"read\",\"write\"]"`
	ExpiresAt   *time.Time    `json:"expires_at" doc:"When it ends by itself; null: never"`
	OrgID       core.OrgID    `json:"org_id" format:"uuid" doc:"The organisation of its drive" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	DriveID     core.DriveID  `json:"drive_id" format:"uuid" doc:"The drive that it works in" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	DriveName   string        `json:"drive_name" doc:"What that drive is called" example:"Backups"`
}

type ownKeyOutput struct{ Body ownKeyBody }

func (h apiKeyRoutes) own(ctx context.Context, _ *struct{}) (*ownKeyOutput, error) {
	own, err := h.drives.OwnKey(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	k := own.APIKey
	return &ownKeyOutput{ownKeyBody{k.ID, k.Name, k.Prefix, k.Permissions.Names(), timeOrNull(k.ExpiresAt), k.OrgID, k.DriveID, own.Drive}}, nil
}

type apiKeyBody struct {
	ID          core.APIKeyID   `json:"id" format:"uuid" doc:"Identifies the key" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1a"`
	Name        string          `json:"name" doc:"What people call it" example:"nightly backup"`
	Prefix      string          `json:"prefix" doc:"How the key begins, to tell it from others" example:"pk_5f1c2a7e"`
	Permissions []string        `json:"permissions" enum:"read,write,delete" doc:"What it may do" example:"[\"read\",\"write\"]"`
	CreatedBy   core.AccountID  `json:"created_by" format:"uuid" doc:"The account that made it, whose rights bound the key's" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	CreatedAt   time.Time       `json:"created_at" doc:"When it was made"`
	ExpiresAt   *time.Time      `json:"expires_at" doc:"When it ends by itself; null: never"`
	RevokedAt   *time.Time      `json:"revoked_at" doc:"When it was revoked; null: it was not"`
	RevokedBy   *core.AccountID `json:"revoked_by" format:"uuid" doc:"Who revoked it; null: nobody, or the server, because the account that made it has left" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	LastUsedAt  *time.Time      `json:"last_used_at" doc:"When it was last good for something, known about a second later; null: never"`
}

func showAPIKey(k *core.APIKey) apiKeyBody {
	return apiKeyBody{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, Permissions: k.Permissions.Names(), CreatedBy: k.CreatedBy, CreatedAt: k.CreatedAt,
		ExpiresAt: timeOrNull(k.ExpiresAt), RevokedAt: timeOrNull(k.RevokedAt), RevokedBy: orNull(k.RevokedBy), LastUsedAt: timeOrNull(k.LastUsedAt),
	}
}

type createAPIKeyInput struct {
	DriveInput
	OnceInput
	Body struct {
		Name        string     `json:"name" minLength:"1" maxLength:"200" doc:"What to call it" example:"nightly backup"`
		Permissions []string   `json:"permissions" minItems:"1" maxItems:"3" enum:"read,write,delete" doc:"What it may do: read lists, looks at and downloads; write uploads and changes; delete trashes and purges" example:"[\"read\",\"write\"]"`
		ExpiresAt   *time.Time `json:"expires_at,omitempty" doc:"When it shall end by itself; null or left out: never"`
	}
}

type issuedKeyBody struct {
	APIKey apiKeyBody `json:"api_key" doc:"The key's description"`
	Key    string     `json:"key" doc:"The key itself, which is never shown again; sent as X-API-Key" example:"pk_5f1c2a7e00112233445566778899aabbccddeeff"`
}

func showIssuedKey(k drive.IssuedKey) issuedKeyBody {
	return issuedKeyBody{showAPIKey(k.APIKey), k.Secret}
}

type issuedKeyOutput struct{ Body issuedKeyBody }

func (h apiKeyRoutes) create(ctx context.Context, in *createAPIKeyInput) (*issuedKeyOutput, error) {
	wish, err := once(ctx, in.OnceInput, showIssuedKey)
	if err != nil {
		return nil, err
	}
	order := drive.CreateKeyInput{DriveID: in.DriveID, Name: in.Body.Name, Permissions: in.Body.Permissions, Once: wish}
	if in.Body.ExpiresAt != nil {
		order.ExpiresAt = *in.Body.ExpiresAt
	}
	issued, err := h.drives.CreateKey(ctx, actorOf(ctx), order)
	if err != nil {
		return nil, err
	}
	return &issuedKeyOutput{showIssuedKey(issued)}, nil
}

type listAPIKeysInput struct {
	DriveInput
	Status core.KeyStatus `query:"status" enum:"active,expired,revoked" doc:"Only keys in this state"`
	PageInput
}

type apiKeysOutput struct{ Body page[apiKeyBody] }

func (h apiKeyRoutes) list(ctx context.Context, in *listAPIKeysInput) (*apiKeysOutput, error) {
	before, err := h.cursors.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.drives.Keys(ctx, actorOf(ctx), drive.KeysInput{DriveID: in.DriveID, Status: in.Status, Before: before, Limit: in.more()})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.cursors, rows, showAPIKey, func(k *core.APIKey) core.APIKeyID { return k.ID })
	return &apiKeysOutput{out}, err
}

type revokeAPIKeyInput struct {
	DriveInput
	KeyID core.APIKeyID `path:"key_id" format:"uuid" doc:"The key" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e1a"`
}

func (h apiKeyRoutes) revoke(ctx context.Context, in *revokeAPIKeyInput) (*struct{}, error) {
	return nil, h.drives.RevokeKey(ctx, actorOf(ctx), in.DriveID, in.KeyID)
}
