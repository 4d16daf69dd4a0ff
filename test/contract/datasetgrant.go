package contract

import (
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) grant(d *core.Dataset, grants ...core.DatasetGrant) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.DatasetGrants.Replace(s.Context(), d.ID, grants) })
}

func (s storeTest) grantsOf(d *core.Dataset) (grants []core.DatasetGrant) {
	s.view(func(tx ports.Tx) (err error) {
		grants, err = tx.DatasetGrants.List(s.Context(), d.ID)
		return err
	})
	return grants
}

func datasetGrantsEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	t := s.newTeam(ana, "team")
	in := t.in(ana)
	joe := s.joined(t, ben, core.OrgMember, core.AccountActive)
	d, other := s.dataset(in, "d", core.VisibleToGrantees), s.dataset(in, "other", core.VisibleToGrantees)
	const most = core.DatasetView | core.DatasetPublish
	want := []core.DatasetGrant{
		{Role: core.OrgViewer, Rights: core.DatasetView},
		{Role: core.OrgMember, Rights: core.DatasetView | core.DatasetAnnotate},
		{AccountID: joe.ID, Rights: most},
	}
	s.must(s.grant(d, want...))
	s.must(s.grant(other, want[2]))
	s.equal(s.grantsOf(d), want)
	s.wantErr(s.grant(d, core.DatasetGrant{AccountID: core.AccountID(s.id()), Rights: core.DatasetView}), core.ErrNotFound)
	s.equal(s.grantsOf(d), want)
	f, err := s.Hot.ForDataset(s.Context(), ben.actor(), d.ID)
	s.must(err)
	s.equal(f.Rights(), most)
	s.equal([]core.DatasetRights{*f.Account, *f.ByRole}, []core.DatasetRights{most, want[1].Rights})

	mine := s.dataset(person{org: t.org, account: joe}, "mine", core.VisibleToGrantees)
	s.update(func(tx ports.Tx) error { return tx.DatasetGrants.Forget(s.Context(), t.org.ID, joe.ID) })
	s.equal(s.grantsOf(d), want[:2])
	s.equal(len(s.grantsOf(other)), 0)
	f, err = s.Hot.ForDataset(s.Context(), ben.actor(), mine.ID)
	s.must(err)
	s.equal([]any{f.Creator, f.Rights()}, []any{false, core.NoDatasetRights})
	s.must(s.grant(d))
	s.equal(len(s.grantsOf(d)), 0)
}
