package core

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestExplainTellsTheRuleOfTheRole(t *testing.T) {
	s := func(role OrgRole, member, byDefault DriveRole) DriveStanding {
		return DriveStanding{AccountActive, role, SharedDrive, member, byDefault}
	}
	for _, test := range []struct {
		in      DriveStanding
		role    DriveRole
		rule    AccessRule
		manages bool
	}{
		{s(OrgOwner, DriveNone, DriveNone), DriveAdmin, RuleOrgOwner, true},
		{s(OrgAdmin, DriveNone, DriveViewer), DriveAdmin, RuleOrgAdmin, true},
		{s(OrgOwner, DriveViewer, DriveNone), DriveViewer, RuleDriveMember, true}, // from before its promotion
		{s(OrgMember, DriveNone, DriveNone), DriveNone, RuleNone, false},
		{s(OrgMember, DriveNone, DriveViewer), DriveViewer, RuleDefaultRole, false},
		{s(OrgMember, DriveNone, DriveEditor), DriveEditor, RuleDefaultRole, false},
		{s(OrgMember, DriveViewer, DriveEditor), DriveViewer, RuleDriveMember, false},
		{s(OrgMember, DriveAdmin, DriveNone), DriveAdmin, RuleDriveMember, true},
		{s(OrgViewer, DriveNone, DriveNone), DriveNone, RuleNone, false},
		{s(OrgViewer, DriveNone, DriveViewer), DriveViewer, RuleDefaultRole, false},
		{s(OrgViewer, DriveNone, DriveEditor), DriveViewer, RuleOrgViewerLimit, false},
		{s(OrgViewer, DriveViewer, DriveNone), DriveViewer, RuleDriveMember, false},
		{s(OrgViewer, DriveAdmin, DriveNone), DriveViewer, RuleOrgViewerLimit, false},
		{DriveStanding{AccountActive, OrgViewer, OwnDrive, DriveNone, DriveNone}, DriveAdmin, RulePersonalDrive, true},
		{DriveStanding{AccountActive, OrgOwner, OthersDrive, DriveNone, DriveNone}, DriveNone, RuleNone, false},
		{DriveStanding{AccountSuspended, OrgOwner, SharedDrive, DriveAdmin, DriveAdmin}, DriveNone, RuleNone, false},
	} {
		role, rule := test.in.Explain()
		if role != test.role || rule != test.rule || test.in.Manages() != test.manages {
			t.Errorf("%s: %q by %s, manages %t; want %q by %s, %t", test.in.Key(), role, rule, test.in.Manages(), test.role, test.rule, test.manages)
		}
	}
}

// every returns all standings there are.
func every() (all []DriveStanding) {
	for _, status := range []AccountStatus{"", AccountInvited, AccountActive, AccountSuspended, AccountRemoved} {
		for _, role := range []OrgRole{OrgOwner, OrgAdmin, OrgMember, OrgViewer} {
			for _, ownership := range []Ownership{SharedDrive, OwnDrive, OthersDrive} {
				for _, member := range driveRoles {
					for _, byDefault := range driveRoles {
						all = append(all, DriveStanding{status, role, ownership, member, byDefault})
					}
				}
			}
		}
	}
	return all
}

func TestExplanationAndDecisionNeverDiffer(t *testing.T) {
	mine := AccountID{1}
	for _, s := range every() {
		role, rule := s.Explain()
		f := DriveFacts{DriveStanding: s, AccountID: mine}
		if role != s.Role() || (role == DriveNone) != (rule == RuleNone) {
			t.Errorf("%s: %q, %q by %s", s.Key(), s.Role(), role, rule)
		}
		want := Rights{
			Read: CanInDrive(f, DriveViewer) == nil, Write: CanInDrive(f, DriveEditor) == nil,
			Delete: CanDelete(f, mine) == nil, DeleteAny: CanDelete(f, AccountID{2}) == nil,
		}
		if f.Rights() != want || want.Read != role.AtLeast(DriveViewer) || want.Write != role.AtLeast(DriveEditor) {
			t.Errorf("%s: rights %+v, want %+v", s.Key(), f.Rights(), want)
		}
		if s.Manages() != (CanManageDrive(f) == nil) || s.Manages() && !want.Read {
			t.Errorf("%s: manages %t, %v", s.Key(), s.Manages(), CanManageDrive(f))
		}
		f.SessionRevoked = true
		if f.Rights() != want || CanManageDrive(f) == nil {
			t.Errorf("%s: a session has changed the account's rights, or ended and manages", s.Key())
		}
	}
}

func TestNobodyLocksAnOwnerOut(t *testing.T) {
	for _, s := range every() {
		if s.Status == AccountActive && s.Ownership == SharedDrive && s.OrgRole.May(ManageDrives) && !s.Manages() {
			t.Errorf("%s does not manage the drive", s.Key())
		}
	}
}

func TestCanChangeDrive(t *testing.T) {
	size, name := int64(1), "x"
	for _, test := range []struct {
		name string
		in   DriveStanding
		c    DriveChange
		want error
	}{
		{"a drive's admin names it", DriveStanding{AccountActive, OrgMember, SharedDrive, DriveAdmin, DriveNone}, DriveChange{Name: &name}, nil},
		{"a drive's admin sets no quota", DriveStanding{AccountActive, OrgMember, SharedDrive, DriveAdmin, DriveNone}, DriveChange{QuotaBytes: &size}, ErrForbidden},
		{"an org's admin does", DriveStanding{AccountActive, OrgAdmin, SharedDrive, DriveNone, DriveNone}, DriveChange{QuotaBytes: &size}, nil},
		{"an editor names nothing", DriveStanding{AccountActive, OrgMember, SharedDrive, DriveEditor, DriveNone}, DriveChange{Name: &name}, ErrForbidden},
		{"another's drive does not exist", DriveStanding{AccountActive, OrgOwner, OthersDrive, DriveNone, DriveNone}, DriveChange{Name: &name}, ErrNotFound},
		{"one's own has a name", DriveStanding{AccountActive, OrgViewer, OwnDrive, DriveNone, DriveNone}, DriveChange{Name: &name}, nil},
		{"what one's own has not, the drive says", DriveStanding{AccountActive, OrgViewer, OwnDrive, DriveNone, DriveNone}, DriveChange{QuotaBytes: &size}, nil},
	} {
		if err := CanChangeDrive(DriveFacts{DriveStanding: test.in}, test.c); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestCheckDriveMember(t *testing.T) {
	invalid := Invalid("body.role", "")
	for _, test := range []struct {
		org    OrgRole
		status AccountStatus
		role   DriveRole
		want   error
	}{
		{OrgMember, AccountActive, DriveViewer, nil},
		{OrgMember, AccountActive, DriveAdmin, nil},
		{OrgMember, AccountSuspended, DriveEditor, nil},
		{OrgMember, AccountInvited, DriveEditor, ErrAccountState},
		{OrgMember, AccountRemoved, DriveEditor, ErrNotFound},
		{OrgViewer, AccountActive, DriveViewer, nil},
		{OrgViewer, AccountActive, DriveEditor, invalid},
		{OrgOwner, AccountActive, DriveAdmin, nil},
		{OrgOwner, AccountActive, DriveEditor, invalid},
		{OrgAdmin, AccountSuspended, DriveViewer, invalid},
	} {
		if err := CheckDriveMember(&Account{Role: test.org, Status: test.status}, test.role); !errors.Is(err, test.want) {
			t.Errorf("%s %s as %s: %v, want %v", test.status, test.org, test.role, err, test.want)
		}
	}
}

func TestDriveLife(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	later := at.Add(time.Minute)
	name, role, size, none := "Marketing", DriveViewer, int64(7), Unlimited
	d := NewSharedDrive(DriveID{1}, OrgID{2}, DriveChange{Name: &name, DefaultRole: &role}, at)
	if d.Name != name || d.DefaultRole != role || d.QuotaBytes != Unlimited || d.Version != 1 || d.IsPersonal() {
		t.Errorf("%+v", d)
	}
	if err := d.Change(DriveChange{QuotaBytes: &size}, later); err != nil || d.QuotaBytes != 7 || d.Name != name || d.Version != 2 || d.UpdatedAt != later {
		t.Errorf("%+v, %v", d, err)
	}
	if err := d.Change(DriveChange{QuotaBytes: &none}, later); err != nil || d.QuotaBytes != Unlimited {
		t.Errorf("%+v, %v", d, err)
	}
	o := NewOrg(OrgID{2}, "Acme", "acme", at)
	o.DefaultDriveID = d.ID
	if err := d.Delete(o, later); !errors.Is(err, ErrDefaultDrive) || !d.DeletedAt.IsZero() {
		t.Errorf("%+v, %v", d, err)
	}
	if err := o.CheckDefaultDrive(d); err != nil {
		t.Error(err)
	}
	o.DefaultDriveID = DriveID{3}
	if err := d.Delete(o, later); err != nil || d.DeletedAt != later || d.Version != 4 {
		t.Errorf("%+v, %v", d, err)
	}
	if err := o.CheckDefaultDrive(d); !errors.Is(err, Invalid("", "")) { // it is gone
		t.Error(err)
	}
	own := NewPersonalDrive(DriveID{4}, o.ID, AccountID{5}, at)
	for _, c := range []DriveChange{{QuotaBytes: &size}, {DefaultRole: &role}} {
		if err := own.Change(c, later); !errors.Is(err, ErrPersonalDrive) || own.Version != 1 {
			t.Errorf("%+v, %v", own, err)
		}
	}
	if err := own.Change(DriveChange{Name: &name}, later); err != nil || own.Name != name {
		t.Error(err)
	}
	if err := own.Delete(o, later); !errors.Is(err, ErrPersonalDrive) {
		t.Error(err)
	}
	if err := o.CheckDefaultDrive(own); !errors.Is(err, Invalid("", "")) {
		t.Error(err)
	}
	o.IsPersonal = true
	if err := o.CheckDefaultDrive(own); !errors.Is(err, ErrPersonalOrg) {
		t.Error(err)
	}
}

func TestADriveIsEmptyWithItsTrash(t *testing.T) {
	if err := (DriveContents{PurgingBytes: 5}).CheckEmpty(); err != nil {
		t.Error(err)
	}
	for _, c := range []DriveContents{{Files: 1}, {Folders: 1}, {TrashFiles: 1}, {TrashFolders: 1}} {
		err := c.CheckEmpty()
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != "drive_not_empty" || e.Details["files"] != c.Files || e.Details["trash_folders"] != c.TrashFolders {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestCustodyNamesDiffer(t *testing.T) {
	for _, from := range []string{"ana@example.com", strings.Repeat("é", MaxEmailBytes/2)} {
		one, two := CustodyName(from, 1), CustodyName(from, 2)
		if one == two || !strings.HasSuffix(two, " (2)") || len(one) > MaxTitleBytes || len(two) > MaxTitleBytes {
			t.Errorf("%q, %q", one, two)
		}
	}
}
