package core

import (
	"errors"
	"testing"
)

func TestAScopeHasTheRightsOfARole(t *testing.T) {
	drive, me := DriveID{15: 1}, AccountID{15: 3}
	for _, c := range []struct {
		name string
		s    DriveStanding
		want Rights
		err  error
	}{
		{"a stranger", DriveStanding{}, Rights{}, ErrNotFound},
		{"of the org, not of the drive", DriveStanding{Status: AccountActive, OrgRole: OrgMember, Ownership: SharedDrive}, Rights{}, ErrNotFound},
		{"suspended", DriveStanding{Status: AccountSuspended, OrgRole: OrgOwner, Ownership: SharedDrive}, Rights{}, ErrNotFound},
		{"an owner, another's drive", DriveStanding{Status: AccountActive, OrgRole: OrgOwner, Ownership: OthersDrive}, Rights{}, ErrNotFound},
		{"a viewer", DriveStanding{AccountActive, OrgMember, SharedDrive, DriveViewer, DriveNone}, Rights{Read: true}, nil},
		{"an org's viewer, member as admin", DriveStanding{AccountActive, OrgViewer, SharedDrive, DriveAdmin, DriveAdmin}, Rights{Read: true}, nil},
		{"an editor by default", DriveStanding{AccountActive, OrgMember, SharedDrive, DriveNone, DriveEditor}, Rights{Read: true, Write: true, Delete: true}, nil},
		{"an editor by name", DriveStanding{AccountActive, OrgMember, SharedDrive, DriveEditor, DriveNone}, Rights{true, true, true, true}, nil},
		{"their own drive", DriveStanding{Status: AccountActive, OrgRole: OrgMember, Ownership: OwnDrive}, Rights{true, true, true, true}, nil},
		{"an admin of the org", DriveStanding{AccountActive, OrgAdmin, SharedDrive, DriveNone, DriveNone}, Rights{true, true, true, true}, nil},
	} {
		f := DriveFacts{DriveStanding: c.s, OrgID: OrgID{15: 2}, DriveID: drive, AccountID: me, Email: "a@b.example"}
		s, err := ScopeOf(f, Actor{Kind: ActorAccount})
		if !errors.Is(err, c.err) || s.Rights != c.want {
			t.Errorf("%s: %+v, %v", c.name, s.Rights, err)
		}
		if err == nil && (s.By != me || s.Email != f.Email || s.OrgID != f.OrgID || s.DriveID != drive || !s.Whole()) {
			t.Errorf("%s: %+v", c.name, s)
		}
		if (s.CanRead() == nil) != c.want.Read || (s.CanWrite() == nil) != c.want.Write || (s.CanReadWhole() == nil) != c.want.Read {
			t.Errorf("%s: read %v, write %v", c.name, s.CanRead(), s.CanWrite())
		}
		mine, others := &Node{CreatedBy: me}, &Node{CreatedBy: AccountID{15: 4}}
		if (s.CanDelete(mine, false) == nil) != c.want.Delete || (s.CanDelete(mine, true) == nil) != c.want.DeleteAny ||
			(s.CanDelete(others, false) == nil) != c.want.DeleteAny || (s.CanDelete(&Node{}, false) == nil) != c.want.DeleteAny {
			t.Errorf("%s: deleting", c.name)
		}
	}
	if s, err := ScopeOf(DriveFacts{Credential: Credential{SessionRevoked: true}, DriveStanding: DriveStanding{Status: AccountActive, Ownership: OwnDrive}}, Actor{}); err == nil {
		t.Errorf("a revoked session enters: %+v", s)
	}
}

func TestANodeOutsideAScopeDoesNotExist(t *testing.T) {
	at := trail(3)
	drive := at[0].DriveID
	whole := Itself(OrgID{15: 2}, drive)
	for i := range at {
		n, err := whole.Find(at[i:])
		if err != nil || n.ID != at[i].ID {
			t.Errorf("%d: %v, %v", i, n, err)
		}
		_, err = whole.Narrow(at[1].ID).Find(at[i:])
		if (err == nil) != (i <= 1) {
			t.Errorf("%d in a part: %v", i, err)
		}
	}
	part := whole.Narrow(at[1].ID)
	if part.Whole() || part.CanReadWhole() == nil || part.CanRead() != nil {
		t.Errorf("a part of a drive passes for it: %+v", part)
	}
	other := Itself(OrgID{15: 2}, DriveID{15: 9}).Narrow(RootOf(drive))
	purged := trail(3)
	purged[2].Purge(then)
	for name, c := range map[string]struct {
		s Scope
		t Trail
	}{"another drive": {other, at}, "nothing": {whole, nil}, "purged": {whole, purged}} {
		if n, err := c.s.Find(c.t); n != nil || !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, %v", name, n, err)
		}
	}
}
