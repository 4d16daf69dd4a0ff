package core

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestOrgRolesAllowWhatTheTableSays(t *testing.T) {
	for action, want := range map[OrgAction]string{
		ViewOrg:         "owner admin member viewer",
		UploadAssets:    "owner admin member",
		DeleteOwnAssets: "owner admin member",
		DeleteAnyAsset:  "owner admin",
		ManageProducts:  "owner admin",
		CreateGroups:    "owner admin member",
		InviteMembers:   "owner admin",
		ManageMembers:   "owner admin",
		EditOrg:         "owner admin",
		ManageWebhooks:  "owner admin",
		DeleteOrg:       "owner",
	} {
		var got string
		for _, role := range []OrgRole{OrgOwner, OrgAdmin, OrgMember, OrgViewer} {
			if role.May(action) {
				got += " " + string(role)
			}
		}
		if got != " "+want {
			t.Errorf("action %d: allowed to%s, want %s", action, got, want)
		}
	}
}

func TestDriveRole(t *testing.T) {
	shared := func(role OrgRole, member, byDefault DriveRole) DriveStanding {
		return DriveStanding{AccountActive, role, SharedDrive, member, byDefault}
	}
	for _, test := range []struct {
		name string
		in   DriveStanding
		want DriveRole
	}{
		{"a stranger has none", DriveStanding{Ownership: SharedDrive, Default: DriveAdmin}, DriveNone},
		{"an invited account has none", DriveStanding{AccountInvited, OrgOwner, SharedDrive, DriveAdmin, DriveAdmin}, DriveNone},
		{"a suspended account has none", DriveStanding{AccountSuspended, OrgOwner, OwnDrive, DriveNone, DriveNone}, DriveNone},
		{"a removed account has none", DriveStanding{AccountRemoved, OrgMember, SharedDrive, DriveEditor, DriveEditor}, DriveNone},
		{"one's own drive is one's own", DriveStanding{AccountActive, OrgViewer, OwnDrive, DriveNone, DriveNone}, DriveAdmin},
		{"another's personal drive is closed to owners", DriveStanding{AccountActive, OrgOwner, OthersDrive, DriveAdmin, DriveAdmin}, DriveNone},
		{"an owner without a row is admin", shared(OrgOwner, DriveNone, DriveNone), DriveAdmin},
		{"an admin without a row is admin", shared(OrgAdmin, DriveNone, DriveViewer), DriveAdmin},
		{"an owner's row decides", shared(OrgOwner, DriveViewer, DriveAdmin), DriveViewer},
		{"a member without a row has the default", shared(OrgMember, DriveNone, DriveEditor), DriveEditor},
		{"a member without row or default has none", shared(OrgMember, DriveNone, DriveNone), DriveNone},
		{"a member's row decides", shared(OrgMember, DriveAdmin, DriveNone), DriveAdmin},
		{"a viewer without a row has at most view", shared(OrgViewer, DriveNone, DriveEditor), DriveViewer},
		{"a viewer without row or default has none", shared(OrgViewer, DriveNone, DriveNone), DriveNone},
		{"a viewer's row gives at most view", shared(OrgViewer, DriveAdmin, DriveNone), DriveViewer},
	} {
		if got := test.in.Role(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestStandingsAtLeastHoldsWhatRoleAllows(t *testing.T) {
	editors := StandingsAtLeast(DriveEditor)
	if !slices.Contains(editors, "active/member/shared//editor") || slices.Contains(editors, "active/viewer/shared/editor/") {
		t.Errorf("editors = %q", editors)
	}
	for _, key := range editors {
		if !slices.Contains(StandingsAtLeast(DriveViewer), key) {
			t.Errorf("%s writes and does not read", key)
		}
	}
	seen := map[string]bool{}
	for _, key := range StandingsAtLeast(DriveNone) {
		if seen[key] {
			t.Errorf("%s twice", key)
		}
		seen[key] = true
	}
}

func editor(own bool) AssetFacts {
	f := AssetFacts{DriveFacts: DriveFacts{
		DriveStanding: DriveStanding{AccountActive, OrgMember, SharedDrive, DriveNone, DriveEditor}, AccountID: AccountID{1},
	}}
	f.Asset.CreatedBy = AccountID{2}
	if own {
		f.Asset.CreatedBy = AccountID{1}
	}
	f.Asset.Status = AssetReady
	return f
}

func TestCanDeleteAsset(t *testing.T) {
	change := func(f AssetFacts, edit func(*AssetFacts)) AssetFacts { edit(&f); return f }
	for _, test := range []struct {
		name string
		in   AssetFacts
		want error
	}{
		{"an editor by default deletes own assets", editor(true), nil},
		{"an editor by default deletes no others", editor(false), ErrForbidden},
		{"an editor by row deletes any", change(editor(false), func(f *AssetFacts) { f.Member = DriveEditor }), nil},
		{"an org admin deletes any", change(editor(false), func(f *AssetFacts) { f.OrgRole = OrgAdmin }), nil},
		{"a viewer deletes nothing", change(editor(true), func(f *AssetFacts) { f.Default = DriveViewer }), ErrForbidden},
		{"to a stranger it does not exist", change(editor(true), func(f *AssetFacts) { f.Status = "" }), ErrNotFound},
		{"a revoked session comes first", change(editor(true), func(f *AssetFacts) { f.SessionRevoked = true; f.Status = "" }), ErrUnauthenticated},
		{"a disabled user comes first", change(editor(true), func(f *AssetFacts) { f.UserDisabled = true }), ErrUserDisabled},
	} {
		if err := CanDeleteAsset(test.in); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

// TestWhatIsBoughtIsDownloaded: by an entitlement, whatever the role is.
func TestWhatIsBoughtIsDownloaded(t *testing.T) {
	later := noonOfSales.Add(time.Hour)
	for _, c := range []struct {
		name string
		edit func(f *AssetFacts)
		want error
	}{
		{"a buyer from anywhere", func(f *AssetFacts) { f.EntitledUntil = later }, nil},
		{"for ever", func(f *AssetFacts) { f.EntitledUntil = Forever }, nil},
		{"nothing bought", func(*AssetFacts) {}, ErrNotFound},
		{"over since this moment", func(f *AssetFacts) { f.EntitledUntil = noonOfSales }, ErrNotFound},
		{"in the trash", func(f *AssetFacts) { f.EntitledUntil, f.InTrash, f.Asset.TrashedAt = later, true, noonOfSales }, nil},
		{"by a reader, in the trash", func(f *AssetFacts) {
			f.Status, f.OrgRole, f.Ownership, f.Default = AccountActive, OrgMember, SharedDrive, DriveViewer
			f.EntitledUntil, f.InTrash = later, true
		}, nil},
		{"without bytes", func(f *AssetFacts) { f.EntitledUntil, f.Asset.Status = later, AssetPending }, ErrAssetNotReady},
		{"by a disabled user", func(f *AssetFacts) { f.EntitledUntil, f.UserDisabled = later, true }, ErrUserDisabled},
		{"by a session that is over", func(f *AssetFacts) { f.EntitledUntil, f.SessionRevoked = later, true }, ErrUnauthenticated},
		{"by a key of the buyer's", func(f *AssetFacts) {
			f.EntitledUntil, f.APIKey = later, KeyFacts{ID: APIKeyID{1}, Status: KeyActive, Permissions: permitAll}
		}, ErrKeyInvalid},
	} {
		f := AssetFacts{Asset: Asset{File: File{Status: AssetReady}}}
		c.edit(&f)
		if err := CanDownload(f, noonOfSales); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestCanDownload(t *testing.T) {
	f := editor(false)
	if err := CanDownload(f, noonOfSales); err != nil {
		t.Error(err)
	}
	f.Asset.Status = AssetPending
	if err := CanDownload(f, noonOfSales); !errors.Is(err, ErrAssetNotReady) {
		t.Error(err)
	}
	f.Asset.TrashedAt = f.Asset.TrashedAt.AddDate(2026, 0, 0)
	if err := CanDownload(f, noonOfSales); !errors.Is(err, ErrAssetTrashed) {
		t.Error(err)
	}
	f.Default = DriveNone
	if err := CanDownload(f, noonOfSales); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestCanUploadNamesTheLimit(t *testing.T) {
	free := UploadFacts{
		DriveFacts: editor(true).DriveFacts, License: Tiers()[0], QuotaBytes: Unlimited, ParentKind: KindFolder, ParentLive: true,
	}
	change := func(edit func(*UploadFacts)) UploadFacts { f := free; edit(&f); return f }
	for _, test := range []struct {
		name, limit string
		in          UploadFacts
		size        int64
	}{
		{"what fits is accepted", "", free, 100 * MB},
		{"a file over the size", "max_upload_size_mb", free, 100*MB + 1},
		{"the last asset", "", change(func(f *UploadFacts) { f.Usage.AssetsCount = 99 }), 1},
		{"an asset too many", "max_assets_count", change(func(f *UploadFacts) { f.Usage.AssetsCount = 100 }), 1},
		{"the last byte", "", change(func(f *UploadFacts) { f.Usage.UsedBytes = 1000*MB - 1 }), 1},
		{"a byte too many", "max_total_storage_mb", change(func(f *UploadFacts) { f.Usage.UsedBytes = 1000 * MB }), 1},
		{"over the limit after a downgrade", "max_total_storage_mb", change(func(f *UploadFacts) { f.Usage.UsedBytes = 5000 * MB }), 0},
		{"over the drive's quota", "quota_bytes", change(func(f *UploadFacts) { f.QuotaBytes, f.DriveUsed = 10, 5 }), 6},
		{"without limits anything", "", change(func(f *UploadFacts) { f.License = UnlimitedLicense() }), MaxBlobBytes},
	} {
		err := CanUpload(test.in, test.size, 1)
		if test.limit == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != "limit_exceeded" || e.Details["limit"] != test.limit {
			t.Errorf("%s: %#v, want %s", test.name, err, test.limit)
		}
	}
	for name, f := range map[string]UploadFacts{
		"into a file":         change(func(f *UploadFacts) { f.ParentKind = KindAsset }),
		"into a trashed tree": change(func(f *UploadFacts) { f.ParentLive = false }),
		"too deep":            change(func(f *UploadFacts) { f.Depth = MaxDepth }),
		"as a viewer":         change(func(f *UploadFacts) { f.Default = DriveViewer }),
	} {
		if CanUpload(f, 1, 1) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
