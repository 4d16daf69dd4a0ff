package core

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPermissionsAreASet(t *testing.T) {
	for _, names := range [][]string{{"read"}, {"write"}, {"delete"}, {"read", "delete"}, {"read", "write", "delete"}} {
		p, err := ParsePermissions("x", names)
		if err != nil || !slices.Equal(p.Names(), names) || p.String() != strings.Join(names, ",") {
			t.Errorf("%v: %v %v", names, p.Names(), err)
		}
		if !slices.Contains(PermissionsWith(p), p.String()) {
			t.Errorf("%v is not in %v", p, PermissionsWith(p))
		}
	}
	if p, err := ParsePermissions("x", []string{"delete", "read", "read"}); err != nil || p.String() != "read,delete" {
		t.Errorf("%v %v", p, err)
	}
	for _, names := range [][]string{nil, {}, {""}, {"Read"}, {"read", "admin"}, {"read,write"}} {
		if _, err := ParsePermissions("x", names); KindOf(err) != KindInvalid {
			t.Errorf("%q: %v", names, err)
		}
	}
	if got := PermissionsWith(PermitWrite); !slices.Equal(got, []string{"write", "read,write", "write,delete", "read,write,delete"}) {
		t.Errorf("%q", got)
	}
}

func TestAKeyHasOneForm(t *testing.T) {
	key := FormatKey([KeyBytes]byte{0: 0xab, 19: 0xcd})
	ref, err := ParseKey(key)
	if err != nil || len(key) != 43 || ref.Prefix != "pk_ab000000" || ref.Hash == ([32]byte{}) {
		t.Errorf("%s: %+v %v", key, ref, err)
	}
	other, _ := ParseKey(FormatKey([KeyBytes]byte{0: 0xab, 19: 0xce}))
	if other.Prefix != ref.Prefix || other.Hash == ref.Hash {
		t.Errorf("%+v %+v", ref, other)
	}
	for _, text := range []string{"", "pk_", key[:42], key + "0", strings.ToUpper(key), "PK_" + key[3:], " " + key[1:], key[:42] + "g", key[:42] + "\n", "sk_" + key[3:]} {
		if _, err := ActorByKey(text, time.Time{}); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAKeyEndsAtItsEnd(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		revoked, expires time.Time
		want             KeyStatus
	}{
		{time.Time{}, time.Time{}, KeyActive},
		{time.Time{}, now.Add(time.Microsecond), KeyActive},
		{time.Time{}, now, KeyExpired},
		{now.Add(time.Hour), now.Add(time.Hour), KeyRevoked},
		{now, now, KeyRevoked},
	} {
		if got := StatusOfKey(test.revoked, test.expires, now); got != test.want {
			t.Errorf("%v %v: %s, want %s", test.revoked, test.expires, got, test.want)
		}
		err := CheckKeyExpiry("body.expires_at", test.expires, now)
		if ends := !test.expires.IsZero() && !test.expires.After(now); (err != nil) != ends {
			t.Errorf("%v: %v", test.expires, err)
		}
	}
}

// byKey are the facts of a key made by an editor by default role.
func byKey(p Permissions) DriveFacts {
	f := editor(true).DriveFacts
	f.DriveID = DriveID{7}
	f.APIKey = KeyFacts{ID: APIKeyID{9}, Permissions: p, Status: KeyActive}
	return f
}

func TestAKeyMayWhatBothItAndItsMakerMay(t *testing.T) {
	const all = PermitRead | PermitWrite | PermitDelete
	change := func(p Permissions, edit func(*DriveFacts)) DriveFacts { f := byKey(p); edit(&f); return f }
	role := func(r DriveRole) func(*DriveFacts) { return func(f *DriveFacts) { f.Default = r } }
	admin := func(f *DriveFacts) { f.OrgRole = OrgAdmin }
	no, forbidden, over := ErrKeyNotAllowed, ErrForbidden, ErrKeyInvalid
	for _, test := range []struct {
		name                           string
		in                             DriveFacts
		read, write, own, any, manages *Error
	}{
		{"all of an editor", byKey(all), nil, nil, nil, forbidden, no},
		{"all of an admin", change(all, admin), nil, nil, nil, nil, no},
		{"all of a viewer", change(all, role(DriveViewer)), nil, forbidden, forbidden, forbidden, no},
		{"read of an admin", change(PermitRead, admin), nil, no, no, no, no},
		{"write of an admin", change(PermitWrite, admin), no, nil, no, no, no},
		{"delete of an admin", change(PermitDelete, admin), no, no, nil, nil, no},
		{"delete of a viewer", change(PermitDelete, role(DriveViewer)), no, no, forbidden, forbidden, no},
		{"all of nobody", change(all, role(DriveNone)), over, over, over, over, no},
		{"all of a suspended account", change(all, func(f *DriveFacts) { f.Status = AccountSuspended }), over, over, over, over, no},
		{"all of another's personal drive", change(all, func(f *DriveFacts) { f.Ownership = OthersDrive }), over, over, over, over, no},
		{"all of a disabled user", change(all, func(f *DriveFacts) { f.UserDisabled = true }), over, over, over, over, over},
		{"expired", change(all, func(f *DriveFacts) { f.APIKey.Status = KeyExpired }), over, over, over, over, over},
		{"revoked", change(all, func(f *DriveFacts) { f.APIKey.Status = KeyRevoked }), over, over, over, over, over},
		{"of unknown state", change(all, func(f *DriveFacts) { f.APIKey.Status = "" }), over, over, over, over, over},
	} {
		for what, got := range map[string][2]error{
			"reads":       {CanInDrive(test.in, DriveViewer), orNil(test.read)},
			"writes":      {CanInDrive(test.in, DriveEditor), orNil(test.write)},
			"deletes own": {CanDelete(test.in, test.in.AccountID), orNil(test.own)},
			"deletes any": {CanDelete(test.in, AccountID{2}), orNil(test.any)},
			"has keys":    {CanManageKeys(test.in), orNil(test.manages)},
			"sees keys":   {CanSeeKeys(test.in), orNil(test.manages)},
		} {
			if !errors.Is(got[0], got[1]) {
				t.Errorf("%s %s: %v, want %v", test.name, what, got[0], got[1])
			}
		}
		if CanInDrive(test.in, DriveAdmin) == nil {
			t.Errorf("%s is an admin", test.name)
		}
		s, err := ScopeOf(test.in, Actor{})
		want := Rights{Read: test.read == nil, Write: test.write == nil, Delete: test.own == nil, DeleteAny: test.any == nil}
		if over := test.read == ErrKeyInvalid; (err != nil) != over || !over && s.Rights != want {
			t.Errorf("%s: scope %+v %v, want %+v", test.name, s.Rights, err, want)
		}
	}
	if err := CanInOrg(OrgFacts{Credential: byKey(all).Credential, Status: AccountActive, Role: OrgOwner}, ViewOrg); !errors.Is(err, ErrKeyNotAllowed) {
		t.Errorf("a key sees the org: %v", err)
	}
}

func orNil(e *Error) error {
	if e == nil {
		return nil
	}
	return e
}

func TestWhoManagesWhichKeys(t *testing.T) {
	person := func(org OrgRole, member, byDefault DriveRole) DriveFacts {
		f := DriveFacts{DriveStanding: DriveStanding{AccountActive, org, SharedDrive, member, byDefault}, DriveID: DriveID{7}, AccountID: AccountID{1}}
		return f
	}
	owner := person(OrgViewer, DriveNone, DriveNone)
	owner.Ownership = OwnDrive
	for _, test := range []struct {
		name               string
		in                 DriveFacts
		sees, manages      error
		revokes, ofAnybody error
	}{
		{"an org admin", person(OrgAdmin, DriveNone, DriveNone), nil, nil, nil, nil},
		{"a drive admin", person(OrgMember, DriveAdmin, DriveNone), nil, nil, nil, nil},
		{"the owner of a personal drive", owner, nil, nil, nil, nil},
		{"an editor", person(OrgMember, DriveNone, DriveEditor), nil, nil, nil, ErrForbidden},
		{"a viewer", person(OrgMember, DriveNone, DriveViewer), nil, ErrForbidden, ErrForbidden, ErrForbidden},
		{"an org viewer", person(OrgViewer, DriveAdmin, DriveAdmin), nil, ErrForbidden, ErrForbidden, ErrForbidden},
		{"a stranger to the drive", person(OrgMember, DriveNone, DriveNone), ErrNotFound, ErrNotFound, ErrNotFound, ErrNotFound},
	} {
		for what, got := range map[string][2]error{
			"sees":          {CanSeeKeys(test.in), test.sees},
			"manages":       {CanManageKeys(test.in), test.manages},
			"issues":        {CanIssueKey(test.in, PermitRead|PermitWrite|PermitDelete), test.manages},
			"revokes":       {CanRevokeKey(test.in, &APIKey{DriveID: DriveID{7}, CreatedBy: AccountID{1}}), test.revokes},
			"revokes other": {CanRevokeKey(test.in, &APIKey{DriveID: DriveID{7}, CreatedBy: AccountID{2}}), test.ofAnybody},
		} {
			if !errors.Is(got[0], got[1]) {
				t.Errorf("%s %s: %v, want %v", test.name, what, got[0], got[1])
			}
		}
		if CanRevokeKey(test.in, &APIKey{DriveID: DriveID{8}, CreatedBy: AccountID{1}}) == nil {
			t.Errorf("%s revokes a key of another drive", test.name)
		}
	}
}
