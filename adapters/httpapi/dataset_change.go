package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
)

type updateDatasetInput struct {
	DatasetInput
	MatchInput
	Body struct {
		Slug        *string                    `json:"slug,omitempty" minLength:"1" maxLength:"200" doc:"Its name for programs: 3 to 63 lower-case letters, digits and hyphens" example:"harbour-2026"`
		Name        *string                    `json:"name,omitempty" minLength:"1" maxLength:"200" doc:"What to call it" example:"Harbour, 2026"`
		Description *string                    `json:"description,omitempty" maxLength:"10000" doc:"What it is about; plain text" example:"Pictures of each morning."`
		Status      *core.DatasetStatus        `json:"status,omitempty" enum:"published,archived" doc:"For whom it is there" example:"archived"`
		Visibility  *core.Visibility           `json:"visibility,omitempty" enum:"org,restricted" doc:"Who may view it without a grant" example:"restricted"`
		ItemSchemas *map[string]map[string]any `json:"item_schemas,omitempty" doc:"JSON Schemas 2020-12 of its items by their types, in place of all there are"`
	}
}

func (h datasetRoutes) update(ctx context.Context, in *updateDatasetInput) (*datasetOutput, error) {
	version, err := h.expected(ctx, in.DatasetID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	b := in.Body
	c := core.DatasetChange{Slug: b.Slug, Name: b.Name, Description: b.Description, Status: b.Status, Visibility: b.Visibility}
	if b.ItemSchemas != nil {
		schemas := make(core.ItemSchemas, len(*b.ItemSchemas))
		for kind, schema := range *b.ItemSchemas {
			if schemas[kind], err = marshal(schema); err != nil {
				return nil, err
			}
		}
		c.Schemas = &schemas
	}
	d, err := h.datasets.Update(ctx, actorOf(ctx), in.DatasetID, c, version)
	if err != nil {
		return nil, err
	}
	return &datasetOutput{http.StatusOK, etag(d.Version), showDataset(d)}, nil
}

func (h datasetRoutes) expected(ctx context.Context, id core.DatasetID, ifMatch string) (int64, error) {
	return expected(ifMatch, func() (int64, error) {
		d, err := h.datasets.Get(ctx, actorOf(ctx), id)
		if err != nil {
			return 0, err
		}
		return d.Version, nil
	})
}

type deleteDatasetInput struct {
	DatasetInput
	MatchInput
}

func (h datasetRoutes) remove(ctx context.Context, in *deleteDatasetInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.DatasetID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.datasets.Delete(ctx, actorOf(ctx), in.DatasetID, version)
}

// DatasetGrantBody gives somebody rights on a dataset.
type DatasetGrantBody struct {
	Role      *core.OrgRole   `json:"role,omitempty" enum:"member,viewer" doc:"Whom it is for: everybody of that role in the organisation; null or left out: the account" example:"member"`
	AccountID *core.AccountID `json:"account_id,omitempty" format:"uuid" doc:"Whom it is for; null or left out: the role" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Rights    []string        `json:"rights" minItems:"1" maxItems:"3" enum:"view,annotate,publish" doc:"What they may do; view goes with each of the others" example:"[\"view\",\"annotate\"]"`
}

func showDatasetGrant(g core.DatasetGrant) DatasetGrantBody {
	return DatasetGrantBody{orNull(g.Role), orNull(g.AccountID), g.Rights.Names()}
}

var datasetRights = map[string]core.DatasetRights{"view": core.DatasetView, "annotate": core.DatasetAnnotate, "publish": core.DatasetPublish}

func (b DatasetGrantBody) grant() core.DatasetGrant {
	var g core.DatasetGrant
	if b.Role != nil {
		g.Role = *b.Role
	}
	if b.AccountID != nil {
		g.AccountID = *b.AccountID
	}
	for _, name := range b.Rights {
		g.Rights |= datasetRights[name]
	}
	return g
}

type datasetGrantsOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version of the dataset" example:"\"3\""`
	Body   struct {
		Grants []DatasetGrantBody `json:"grants" doc:"Those for roles, then those for accounts"`
	}
}

func showDatasetGrants(g dataset.Grants, ifNoneMatch string, err error) (*datasetGrantsOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &datasetGrantsOutput{ETag: etag(g.Version)}
	out.Status = fresh(ifNoneMatch, out.ETag)
	out.Body.Grants = each(g.Grants, showDatasetGrant)
	return out, nil
}

func (h datasetRoutes) grants(ctx context.Context, in *getDatasetInput) (*datasetGrantsOutput, error) {
	g, err := h.datasets.Grants(ctx, actorOf(ctx), in.DatasetID)
	return showDatasetGrants(g, in.IfNoneMatch, err)
}

type setDatasetGrantsInput struct {
	DatasetInput
	MatchInput
	Body struct {
		Grants []DatasetGrantBody `json:"grants" maxItems:"500" doc:"All grants that the dataset shall have"`
	}
}

func (h datasetRoutes) setGrants(ctx context.Context, in *setDatasetGrantsInput) (*datasetGrantsOutput, error) {
	version, err := h.expected(ctx, in.DatasetID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	g, err := h.datasets.SetGrants(ctx, actorOf(ctx), in.DatasetID, each(in.Body.Grants, DatasetGrantBody.grant), version)
	return showDatasetGrants(g, "", err)
}

type datasetAccessBody struct {
	ID            core.DatasetAccessID   `json:"id" format:"uuid" doc:"Identifies the row" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e51"`
	Kind          core.DatasetAccessKind `json:"kind" enum:"list,view,file,export,diff,annotate" doc:"What was looked at" example:"view"`
	VersionNumber *int64                 `json:"version_number" doc:"Of which version; null: of none" example:"3"`
	ItemID        *core.DatasetItemID    `json:"item_id" format:"uuid" doc:"The item; null: no single one" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e42"`
	AssetID       *core.AssetID          `json:"asset_id" format:"uuid" doc:"The file; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	AccountID     core.AccountID         `json:"account_id" format:"uuid" doc:"Who looked" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Address       string                 `json:"address" doc:"From where, as far as the server keeps addresses" example:"192.0.2.0/24"`
	UserAgent     string                 `json:"user_agent" doc:"With which program" example:"Mozilla/5.0"`
	At            time.Time              `json:"at" doc:"When"`
}

func showDatasetAccess(a *core.DatasetAccess) datasetAccessBody {
	return datasetAccessBody{
		a.ID, a.Kind, orNull(a.Number), orNull(a.ItemID), orNull(a.AssetID), a.AccountID, a.Address, a.UserAgent, a.At,
	}
}

type datasetAccessesInput struct {
	DatasetInput
	AccountID core.AccountID         `query:"account_id" format:"uuid" doc:"Only what this account looked at" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e13"`
	Kind      core.DatasetAccessKind `query:"kind" enum:"list,view,file,export,diff,annotate" doc:"Only this kind" example:"file"`
	From      time.Time              `query:"from" doc:"Only then or later" example:"2026-01-01T00:00:00Z"`
	To        time.Time              `query:"to" doc:"Only earlier" example:"2027-01-01T00:00:00Z"`
	PageInput
}

type datasetAccessesOutput struct{ Body page[datasetAccessBody] }

func (h datasetRoutes) accesses(ctx context.Context, in *datasetAccessesInput) (*datasetAccessesOutput, error) {
	before, err := h.logs.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.datasets.Accesses(ctx, actorOf(ctx), dataset.AccessQuery{
		DatasetID: in.DatasetID, AccountID: in.AccountID, Kind: in.Kind, From: in.From, To: in.To, Before: before, Limit: in.more(),
	})
	if err != nil {
		return nil, err
	}
	out, err := pageOf(ctx, in.PageInput, h.logs, rows, showDatasetAccess, func(a *core.DatasetAccess) core.DatasetAccessID { return a.ID })
	return &datasetAccessesOutput{out}, err
}
