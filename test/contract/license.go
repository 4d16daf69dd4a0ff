package contract

import (
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) addLicense(l core.License) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Licenses.Add(s.Context(), &l) })
}

func (s storeTest) saveLicense(l core.License) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Licenses.Save(s.Context(), &l) })
}

func (s storeTest) licenses() (all []core.License) {
	s.Helper()
	s.view(func(tx ports.Tx) (err error) {
		all, err = tx.Licenses.List(s.Context())
		return err
	})
	return all
}

func licensePut(s storeTest) {
	own := core.License{
		Name: "own", Version: 1, MonthlyFeeCents: 2_000, Features: []core.Feature{core.FeatureWebhooks, core.FeatureBranding},
		Limits: core.Limits{
			MaxUploadSizeMB: 1, MaxTotalStorageMB: 2, MaxAssets: 3, MaxProducts: 4, MaxMembers: 5, MaxGroups: 6, MaxAssetsPerGroup: 7, MaxGroupShareHours: 8,
		},
	}
	locked := func(name string) (l *core.License, err error) {
		err = s.Update(s.Context(), func(tx ports.Tx) (err error) {
			l, err = tx.Licenses.Lock(s.Context(), name)
			return err
		})
		return l, err
	}
	_, err := locked("own")
	s.wantErr(err, core.ErrNotFound)
	s.must(s.addLicense(own))
	got, err := locked("own")
	s.must(err)
	s.equal(*got, own)
	s.wantErr(s.addLicense(own), core.ErrLicenseNameTaken)
	s.wantErr(s.addLicense(core.License{Name: "free", Version: 1}), core.ErrLicenseNameTaken)
	want := slices.Insert(core.Tiers(), 2, own) // by fee
	s.equal(s.licenses(), want)

	changed := core.License{
		Name: "own", Version: 2, MonthlyFeeCents: core.Unlimited,
		Limits: core.Limits{
			MaxUploadSizeMB: core.Unlimited, MaxTotalStorageMB: core.Unlimited, MaxAssets: core.Unlimited, MaxProducts: core.Unlimited,
			MaxMembers: core.Unlimited, MaxGroups: core.Unlimited, MaxAssetsPerGroup: core.Unlimited, MaxGroupShareHours: core.Unlimited,
		},
	}
	s.must(s.saveLicense(changed))
	s.wantErr(s.saveLicense(changed), core.ErrStale)
	s.equal(s.licenses(), append(core.Tiers(), changed)) // those by contract last, by name
	zero := core.License{Name: "zero", Version: 1}
	s.must(s.addLicense(zero)) // a limit of nothing is not no limit
	s.equal(s.licenses()[1], zero)
}

func licenseRace(s storeTest) {
	ok := s.race(core.ErrLicenseNameTaken, func(int) error { return s.addLicense(core.License{Name: "own", Version: 1}) })
	s.equal(ok, 1)
	ok = s.race(core.ErrStale, func(n int) error {
		return s.saveLicense(core.License{Name: "own", Version: 2, MonthlyFeeCents: int64(n)})
	})
	s.equal(ok, 1)
}

// licenseAssigned: what is assigned is in force whole, at once, for that org
// alone, and as it is changed.
func licenseAssigned(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	own := core.License{Name: "own", Version: 1, Limits: core.Limits{MaxMembers: 7}, Features: []core.Feature{core.FeatureWebhooks}}
	s.must(s.addLicense(own))
	assign := func(org core.OrgID, license string) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			return tx.Licenses.Assign(s.Context(), ports.LicenseAssignment{ID: s.id(), OrgID: org, License: license, ExpiresAt: noon.Add(time.Hour), Now: noon})
		})
	}
	s.must(assign(ana.org.ID, "own"))
	s.wantErr(assign(core.OrgID(s.id()), "own"), core.ErrNotFound)
	s.wantErr(assign(ana.org.ID, "OWN"), core.ErrNotFound)
	inForce := func(org core.OrgID, want core.OrgLicense) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			got, err := tx.Licenses.InForce(s.Context(), org, noon)
			s.equal(got, want)
			return err
		})
	}
	inForce(ana.org.ID, core.OrgLicense{License: own, ExpiresAt: noon.Add(time.Hour)})
	inForce(ben.org.ID, core.OrgLicense{License: core.Tiers()[0]})
	own.Limits.MaxMembers, own.Features, own.Version = core.Unlimited, nil, 2
	s.must(s.saveLicense(own))
	inForce(ana.org.ID, core.OrgLicense{License: own, ExpiresAt: noon.Add(time.Hour)})
}
