package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// dataset stores a dataset of a person's org, with a drive of its own.
func (s storeTest) dataset(p person, slug string, v core.Visibility) *core.Dataset {
	s.Helper()
	name := "Dataset " + slug
	drive := core.NewSharedDrive(core.DriveID(s.id()), p.org.ID, core.DriveChange{Name: &name}, noon)
	d := core.NewDataset(core.DatasetID(s.id()), p.org.ID, drive.ID, p.account.ID,
		core.DatasetChange{Slug: &slug, Name: &name, Visibility: &v}, noon)
	s.update(func(tx ports.Tx) error {
		s.must(tx.Drives.Add(s.Context(), drive))
		return tx.Datasets.Add(s.Context(), d)
	})
	return d
}

// staged stores the items of a version that nobody sees yet.
func (s storeTest) staged(d *core.Dataset, items ...*core.DatasetItem) *core.DatasetVersion {
	s.Helper()
	v := &core.DatasetVersion{
		ID: core.DatasetVersionID(s.id()), OrgID: d.OrgID, DatasetID: d.ID, SessionID: core.IngestSessionID(s.id()), CreatedBy: d.CreatedBy, CreatedAt: noon,
		Items: int64(len(items)),
	}
	stored := make([]ports.NewItem, len(items))
	for n, i := range items {
		i.ID, i.OrgID, i.VersionID, i.Line = core.DatasetItemID(s.id()), d.OrgID, v.ID, int64(n+1)
		if i.Data == nil {
			i.Data = json.RawMessage("{}")
		}
		words := append([]string{}, core.Words(i.Title+" "+strings.Join(i.Tags, " "))...)
		slices.Sort(words)
		stored[n] = ports.NewItem{DatasetItem: *i, Words: slices.Compact(words)}
	}
	s.update(func(tx ports.Tx) error {
		s.must(tx.DatasetVersions.Add(s.Context(), v))
		return tx.IngestItems.Store(s.Context(), stored)
	})
	return v
}

// published makes a version the one that is shown.
func (s storeTest) published(d *core.Dataset, v *core.DatasetVersion) {
	s.Helper()
	v.Number, v.PublishedAt, v.ManifestHash = d.CurrentVersion+1, noon, []byte("hash")
	d.Publish(v.Number, noon)
	s.update(func(tx ports.Tx) error {
		s.must(tx.DatasetVersions.Publish(s.Context(), v))
		return tx.Datasets.Save(s.Context(), d)
	})
}

func (s storeTest) release(d *core.Dataset, items ...*core.DatasetItem) *core.DatasetVersion {
	s.Helper()
	v := s.staged(d, items...)
	s.published(d, v)
	return v
}

// datasetLists compares what is listed with what core says of each dataset.
func datasetLists(s storeTest) {
	ana := s.signUp("ana")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	people := make(map[core.OrgRole]person)
	accounts := make(map[core.OrgRole]*core.Account)
	for _, role := range []core.OrgRole{core.OrgAdmin, core.OrgMember, core.OrgViewer} {
		people[role] = s.signUp(string(role))
		accounts[role] = s.joined(t, people[role], role, core.AccountActive)
	}
	var all []*core.Dataset
	grants := []core.DatasetRights{core.NoDatasetRights, core.DatasetView, core.DatasetView | core.DatasetPublish}
	for _, v := range []core.Visibility{core.VisibleToOrg, core.VisibleToGrantees} {
		for status := range 3 {
			for n, rights := range grants {
				for m, byRole := range grants {
					d := s.dataset(in, fmt.Sprintf("Set-%s-%d-%d-%d", v, status, n, m), v)
					if status > 0 {
						d.Publish(1, noon)
					}
					if status == 2 {
						archived := core.DatasetArchived
						s.must(d.Change(core.DatasetChange{Status: &archived}, noon))
						d.Version--
					}
					if status > 0 {
						s.update(func(tx ports.Tx) error { return tx.Datasets.Save(s.Context(), d) })
					}
					var list []core.DatasetGrant
					for _, role := range []core.OrgRole{core.OrgMember, core.OrgViewer} {
						if rights != 0 {
							list = append(list, core.DatasetGrant{AccountID: accounts[role].ID, Rights: rights})
						}
						if byRole != 0 {
							list = append(list, core.DatasetGrant{Role: role, Rights: byRole})
						}
					}
					s.must(s.grant(d, list...))
					all = append(all, d)
				}
			}
		}
	}
	for role, p := range people {
		var want, got []string
		for _, d := range slices.Backward(all) {
			f, err := s.Hot.ForDataset(s.Context(), p.actor(), d.ID)
			s.must(err)
			if core.CanInDataset(f, core.DatasetView) == nil {
				want = append(want, d.Slug)
			}
		}
		q := ports.DatasetQuery{OrgID: t.org.ID, Account: accounts[role].ID, Role: role, Limit: 7}
		for {
			var page []*core.Dataset
			s.view(func(tx ports.Tx) (err error) {
				page, err = tx.Datasets.List(s.Context(), q)
				return err
			})
			for _, d := range page {
				got = append(got, d.Slug)
			}
			if len(page) < q.Limit {
				break
			}
			q.Before = page[len(page)-1].ID
		}
		s.equal(got, want)
	}
	s.view(func(tx ports.Tx) error {
		list, err := tx.Datasets.List(s.Context(), ports.DatasetQuery{
			OrgID: t.org.ID, Account: t.owner.ID, Role: core.OrgOwner, Status: core.DatasetArchived, Text: "SET-org", Limit: 50,
		})
		s.equal(len(list), 9)
		return err
	})
}

func datasetAccesses(s storeTest) {
	ana := s.signUp("ana")
	d, gone := s.dataset(ana, "d", core.VisibleToOrg), core.DatasetID(s.id())
	access := func(kind core.DatasetAccessKind, at time.Time) *core.DatasetAccess {
		return &core.DatasetAccess{
			ID: core.DatasetAccessID(s.id()), OrgID: d.OrgID, DatasetID: d.ID, Number: 3, Kind: kind, ItemID: core.DatasetItemID(s.id()), AssetID: core.AssetID(s.id()),
			AccountID: ana.account.ID, Address: "192.0.2.0/24", UserAgent: "é test", At: at,
		}
	}
	list := func(q ports.DatasetAccessQuery) []*core.DatasetAccess {
		q.OrgID, q.Dataset, q.Limit = d.OrgID, d.ID, max(q.Limit, 5)
		got, err := s.DatasetLog.Accesses(s.Context(), q)
		s.must(err)
		return got
	}
	one, two, three := access(core.DatasetViewed, noon), access(core.DatasetFile, noon.Add(time.Hour)), access(core.DatasetListed, noon.Add(2*time.Hour))
	three.ItemID, three.AssetID = core.DatasetItemID{}, core.AssetID{}
	lost := access(core.DatasetViewed, noon)
	lost.DatasetID = gone
	s.must(s.DatasetLog.Note(s.Context(), one))
	s.must(s.DatasetLog.Note(s.Context(), lost))
	s.must(s.DatasetLog.Keep(s.Context(), two))
	s.must(s.DatasetLog.Note(s.Context(), three))
	s.equal(list(ports.DatasetAccessQuery{}), []*core.DatasetAccess{three, two, one})
	s.equal(list(ports.DatasetAccessQuery{Before: three.ID, Kind: core.DatasetFile, Account: ana.account.ID}), []*core.DatasetAccess{two})
	s.equal(list(ports.DatasetAccessQuery{From: noon.Add(time.Hour), To: noon.Add(2 * time.Hour)}), []*core.DatasetAccess{two})
	s.equal(len(list(ports.DatasetAccessQuery{Account: core.AccountID(s.id())})), 0)
	got, err := s.DatasetLog.Accesses(s.Context(), ports.DatasetAccessQuery{OrgID: core.OrgID(s.id()), Dataset: d.ID, Limit: 5})
	s.must(err)
	s.equal(len(got), 0)
	n, err := s.DatasetLog.Prune(s.Context(), noon.Add(time.Hour), 100)
	s.must(err)
	s.equal(n, 1)
	s.equal(len(list(ports.DatasetAccessQuery{})), 2)

	// More than there is room for, by several at once.
	won := s.raceOf(4, nil, func(int) error {
		for range 700 {
			if err := s.DatasetLog.Note(s.Context(), access(core.DatasetViewed, noon)); err != nil {
				return err
			}
		}
		return nil
	})
	s.equal(won, 4)
	s.equal(len(list(ports.DatasetAccessQuery{Limit: 5_000})), 2+4*700)
}
