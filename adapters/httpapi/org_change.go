package httpapi

import (
	"context"

	"github.com/seed-755a8038/coffer/app/org"
	"github.com/seed-755a8038/coffer/core"
)

type createOrgInput struct {
	OnceInput
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" doc:"What people call it" example:"Example Studio"`
		Slug string `json:"slug,omitempty" minLength:"3" maxLength:"63" doc:"Its name in addresses; made of the name if left out" example:"example-studio"`
	}
}

type createdOrgBody struct {
	OrgBody
	Account accountBody `json:"account" doc:"The account of its owner, who is the user"`
	Drive   DriveBody   `json:"drive" doc:"The owner's personal drive"`
	Library DriveBody   `json:"library" doc:"The drive that all members share"`
}

func showCreatedOrg(c *org.Created) createdOrgBody {
	return createdOrgBody{showOrg(c.Org, c.Account.ID, c.Account.Role), showAccount(c.Account), showDrive(c.Personal), showDrive(c.Library)}
}

type createdOrgOutput struct {
	Location string `header:"Location" doc:"Where the organisation is" example:"/api/orgs/0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e12"`
	ETag     string `header:"ETag" doc:"The version of the resource, and the role it is shown to" example:"\"1-owner\""`
	Body     createdOrgBody
}

func (h orgRoutes) create(ctx context.Context, in *createOrgInput) (*createdOrgOutput, error) {
	wish, err := once(ctx, in.OnceInput, showCreatedOrg)
	if err != nil {
		return nil, err
	}
	out, err := h.orgs.Create(ctx, actorOf(ctx), org.CreateInput{Name: in.Body.Name, Slug: in.Body.Slug, Once: wish})
	if err != nil {
		return nil, err
	}
	return &createdOrgOutput{"/api/orgs/" + out.Org.ID.String(), orgTag(out.Org.Version, out.Account.Role), showCreatedOrg(out)}, nil
}

// settingsInput is settings as clients send them: what is left out stays.
type settingsInput struct {
	TimeZone optional[string]       `json:"time_zone,omitzero" maxLength:"64" doc:"The IANA name of a time zone; null: UTC" example:"Europe/Berlin"`
	Sharing  optional[sharingInput] `json:"sharing,omitzero" doc:"Replaces the rules for share links, those that are made and those that there are; null: none"`
}

// sharingInput is the rules for share links: what is left out is not one.
type sharingInput struct {
	MaxDays          optional[int] `json:"max_days,omitzero" minimum:"1" maximum:"36500" doc:"How many days a link may live, from when it is made; null: no limit" example:"30"`
	PasswordRequired bool          `json:"password_required,omitempty" doc:"Whether every link must have a password"`
}

// brandingInput is branding as clients send it: what is left out is not there.
type brandingInput struct {
	LogoAssetID  optional[core.AssetID] `json:"logo_asset_id,omitzero" format:"uuid" doc:"A finished file of the organisation; null: none" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e15"`
	PrimaryColor optional[string]       `json:"primary_color,omitzero" maxLength:"7" doc:"The colour of most things; null: none" example:"#1a2b3c"`
	AccentColor  optional[string]       `json:"accent_color,omitzero" maxLength:"7" doc:"The colour of what stands out; null: none" example:"#ff8800"`
}

func (b brandingInput) branding() core.Branding {
	return core.Branding{LogoAssetID: b.LogoAssetID.value, PrimaryColor: b.PrimaryColor.value, AccentColor: b.AccentColor.value}
}

type updateOrgInput struct {
	OrgInput
	MatchInput
	Body struct {
		Name     optional[string]        `json:"name,omitzero" minLength:"1" maxLength:"200" doc:"What people call it; it cannot be null" example:"Example Studio"`
		Slug     optional[string]        `json:"slug,omitzero" minLength:"3" maxLength:"63" doc:"Its name in addresses; it cannot be null" example:"example-studio"`
		Settings optional[settingsInput] `json:"settings,omitzero" doc:"Changes the settings that it names; null: none is set"`
		Branding optional[brandingInput] `json:"branding,omitzero" doc:"Replaces the branding; null: none"`

		DefaultDriveID optional[core.DriveID] `json:"default_drive_id,omitzero" format:"uuid" doc:"The shared drive where files go that name no drive; it cannot be null" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e14"`
	}
}

// change returns what the body asks for.
func (in *updateOrgInput) change() (c org.UpdateInput, err error) {
	body := &in.Body
	switch {
	case body.Name.null:
		return c, core.Invalid("body.name", "must not be null: every organisation has a name")
	case body.Slug.null:
		return c, core.Invalid("body.slug", "must not be null: every organisation has a slug")
	}
	if body.DefaultDriveID.null {
		return c, core.Invalid("body.default_drive_id", "must not be null: every organisation has a default drive")
	}
	if body.DefaultDriveID.set {
		c.DefaultDriveID = &body.DefaultDriveID.value
	}
	if body.Name.set {
		c.Name = &body.Name.value
	}
	if body.Slug.set {
		c.Slug = &body.Slug.value
	}
	if body.Settings.null || body.Settings.value.TimeZone.set {
		c.TimeZone = &body.Settings.value.TimeZone.value
	}
	if sharing := body.Settings.value.Sharing; body.Settings.null || sharing.set {
		c.Sharing = &core.SharePolicy{MaxDays: sharing.value.MaxDays.value, PasswordRequired: sharing.value.PasswordRequired}
	}
	if body.Branding.set {
		c.Branding = new(body.Branding.value.branding())
	}
	return c, nil
}

func (h orgRoutes) update(ctx context.Context, in *updateOrgInput) (*orgOutput, error) {
	change, err := in.change()
	if err != nil {
		return nil, err
	}
	if change.IfMatch, err = h.expected(ctx, in.OrgID, in.IfMatch); err != nil {
		return nil, err
	}
	o, err := h.orgs.Update(ctx, actorOf(ctx), in.OrgID, change)
	if err != nil {
		return nil, err
	}
	return orgAnswer(&o.Org, o.AccountID, o.Role), nil
}

type deleteOrgInput struct {
	OrgInput
	MatchInput
}

func (h orgRoutes) remove(ctx context.Context, in *deleteOrgInput) (*struct{}, error) {
	version, err := h.expected(ctx, in.OrgID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, h.orgs.Delete(ctx, actorOf(ctx), in.OrgID, version)
}

func (h orgRoutes) restore(ctx context.Context, in *OrgInput) (*struct{}, error) {
	return nil, h.orgs.Restore(ctx, actorOf(ctx), in.OrgID)
}

// expected returns the version that If-Match asks for. Its tag names the role
// too, so the org is asked for both.
func (h orgRoutes) expected(ctx context.Context, id core.OrgID, ifMatch string) (int64, error) {
	if ifMatch == "" {
		return 0, nil
	}
	o, err := h.orgs.Get(ctx, actorOf(ctx), id)
	if err != nil {
		return 0, err
	}
	current := orgTag(o.Org.Version, o.Role)
	return matched(tags(ifMatch), o.Org.Version, func(tag string) bool { return tag == current })
}
