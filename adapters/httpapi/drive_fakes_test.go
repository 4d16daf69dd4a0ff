package httpapi

import (
	"context"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// fakeDrives are those of org 3: drive 4 is its default drive, drive 10
// another shared one, drive 11 that of account 6, who asks.
type fakeDrives struct {
	ports.Drives
	people   *fakePeople
	drives   map[core.DriveID]*core.Drive
	members  map[core.AccountID]core.DriveRole // of every drive
	contents core.DriveContents
	jobs     []ports.Job
	role     core.OrgRole // of who asks
}

func newFakeDrives(people *fakePeople) *fakeDrives {
	d := &fakeDrives{people: people, drives: map[core.DriveID]*core.Drive{}, members: map[core.AccountID]core.DriveRole{}, role: core.OrgOwner}
	for n, name := range map[byte]string{4: "Library", 10: "Team"} {
		d.drives[id[core.Drive](n)] = core.NewSharedDrive(id[core.Drive](n), people.org.ID, core.DriveChange{Name: &name}, now)
	}
	d.drives[id[core.Drive](11)] = core.NewPersonalDrive(id[core.Drive](11), people.org.ID, id[core.Account](6), now)
	people.org.DefaultDriveID = id[core.Drive](4)
	return d
}

func (d *fakeDrives) standing(of *core.Drive) core.DriveStanding {
	s := core.DriveStanding{Status: core.AccountActive, OrgRole: d.role, Ownership: core.SharedDrive, Default: of.DefaultRole}
	if of.IsPersonal() {
		s.Ownership = core.OwnDrive
	}
	return s
}

func (d *fakeDrives) facts(ctx context.Context, want core.DriveID) (core.DriveFacts, error) {
	drive, err := d.Get(ctx, d.people.org.ID, want)
	if err != nil {
		return core.DriveFacts{}, err
	}
	return core.DriveFacts{DriveStanding: d.standing(drive), OrgID: d.people.org.ID, DriveID: want, AccountID: id[core.Account](6)}, nil
}

func (d *fakeDrives) Add(_ context.Context, added *core.Drive) error {
	if added.Name == "Team" {
		return core.ErrDriveNameTaken
	}
	return nil
}

func (d *fakeDrives) PersonalOf(context.Context, core.OrgID, core.AccountID) (*core.Drive, error) {
	return nil, core.ErrNotFound
}

func (d *fakeDrives) Get(_ context.Context, _ core.OrgID, want core.DriveID) (*core.Drive, error) {
	if drive := d.drives[want]; drive != nil && drive.DeletedAt.IsZero() {
		return new(*drive), nil
	}
	return nil, core.ErrNotFound
}

func (d *fakeDrives) Save(_ context.Context, changed *core.Drive) error {
	d.drives[changed.ID] = changed
	return nil
}

func (d *fakeDrives) Lock(context.Context, core.OrgID, bool, ...core.DriveID) error { return nil }

func (d *fakeDrives) Contents(context.Context, core.OrgID, core.DriveID) (core.DriveContents, error) {
	return d.contents, nil
}

func (d *fakeDrives) List(ctx context.Context, q ports.DriveQuery) (out []ports.DriveEntry, err error) {
	for _, n := range []byte{4, 10, 11} {
		drive, err := d.Get(ctx, q.OrgID, id[core.Drive](n))
		if err == nil && n > q.After[15] && (q.ID.IsZero() || q.ID == drive.ID) && len(out) < q.Limit {
			out = append(out, ports.DriveEntry{Drive: *drive, Standing: d.standing(drive), IsDefault: drive.ID == d.people.org.DefaultDriveID})
		}
	}
	return out, nil
}

// Enqueue implements ports.Jobs.
func (d *fakeDrives) Enqueue(_ context.Context, jobs ...ports.Job) error {
	d.jobs = append(d.jobs, jobs...)
	return nil
}

type fakeDriveMembers struct {
	ports.DriveMembers
	*fakeDrives
}

func (m fakeDriveMembers) Put(_ context.Context, put core.DriveMember) error {
	m.members[put.AccountID] = put.Role
	return nil
}

func (m fakeDriveMembers) Remove(_ context.Context, _ core.DriveID, account core.AccountID) error {
	if m.members[account] == core.DriveNone {
		return core.ErrNotFound
	}
	delete(m.members, account)
	return nil
}

func (m fakeDriveMembers) RemoveAll(_ context.Context, account core.AccountID) error {
	delete(m.members, account)
	return nil
}

func (m fakeDriveMembers) Get(ctx context.Context, org core.OrgID, drive core.DriveID, account core.AccountID) (*ports.DriveAccount, error) {
	all, err := m.all(ctx, org, drive)
	i := slices.IndexFunc(all, func(a ports.DriveAccount) bool { return a.Account.ID == account })
	if err != nil || i < 0 {
		return nil, core.ErrNotFound
	}
	return &all[i], nil
}

func (m fakeDriveMembers) all(ctx context.Context, org core.OrgID, id core.DriveID) (out []ports.DriveAccount, err error) {
	drive, err := m.fakeDrives.Get(ctx, org, id)
	if err != nil {
		return nil, err
	}
	for _, a := range m.people.accounts {
		s := core.DriveStanding{Status: a.Status, OrgRole: a.Role, Ownership: core.SharedDrive, Member: m.members[a.ID], Default: drive.DefaultRole}
		out = append(out, ports.DriveAccount{Member: ports.Member{Account: a, Email: a.InvitedEmail}, Standing: s, Since: now})
	}
	return out, nil
}

func (m fakeDriveMembers) List(ctx context.Context, q ports.DriveAccountQuery) (out []ports.DriveAccount, err error) {
	all, err := m.all(ctx, q.OrgID, q.DriveID)
	for _, a := range all {
		found := a.Standing.Role().AtLeast(core.DriveViewer)
		if q.Members {
			found = a.Standing.Member != core.DriveNone
		}
		if found && a.Account.ID[15] > q.After[15] && len(out) < q.Limit {
			out = append(out, a)
		}
	}
	return out, err
}

// fakeEntitlements: nobody has bought anything.
type fakeEntitlements struct{ ports.Entitlements }

func (fakeEntitlements) LiveBelow(context.Context, *core.Node, time.Time) (int64, error) {
	return 0, nil
}

// fakeDatasets: there are none.
type fakeDatasets struct{ ports.Datasets }

func (fakeDatasets) ByDrive(context.Context, core.OrgID, core.DriveID) (*core.Dataset, error) {
	return nil, core.ErrNotFound
}

func (fakeDatasets) ShownBelow(context.Context, *core.Node, core.DatasetID) (int64, error) {
	return 0, nil
}
