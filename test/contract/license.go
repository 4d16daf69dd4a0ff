package contract

import (
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) putLicense(l core.License, replace bool) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Licenses.Put(s.Context(), l, replace) })
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
		Name: "own", MonthlyFeeCents: 2_000, Features: []core.Feature{core.FeatureWebhooks, core.FeatureBranding},
		Limits: core.Limits{
			MaxUploadSizeMB: 1, MaxTotalStorageMB: 2, MaxAssets: 3, MaxProducts: 4, MaxMembers: 5, MaxGroups: 6, MaxAssetsPerGroup: 7, MaxGroupShareHours: 8,
		},
	}
	s.wantErr(s.putLicense(own, true), core.ErrNotFound)
	s.must(s.putLicense(own, false))
	s.wantErr(s.putLicense(own, false), core.ErrLicenseNameTaken)
	s.wantErr(s.putLicense(core.License{Name: "free"}, false), core.ErrLicenseNameTaken)
	want := slices.Insert(core.Tiers(), 2, own) // by fee
	s.equal(s.licenses(), want)

	changed := core.License{
		Name: "own", MonthlyFeeCents: core.Unlimited,
		Limits: core.Limits{
			MaxUploadSizeMB: core.Unlimited, MaxTotalStorageMB: core.Unlimited, MaxAssets: core.Unlimited, MaxProducts: core.Unlimited,
			MaxMembers: core.Unlimited, MaxGroups: core.Unlimited, MaxAssetsPerGroup: core.Unlimited, MaxGroupShareHours: core.Unlimited,
		},
	}
	s.must(s.putLicense(changed, true))
	s.equal(s.licenses(), append(core.Tiers(), changed)) // those by contract last, by name
	zero := core.License{Name: "zero"}
	s.must(s.putLicense(zero, false)) // a limit of nothing is not no limit
	s.equal(s.licenses()[1], zero)
}

func licenseRace(s storeTest) {
	ok := s.race(core.ErrLicenseNameTaken, func(int) error { return s.putLicense(core.License{Name: "own"}, false) })
	s.equal(ok, 1)
}

// licenseAssigned: what is assigned is in force whole, at once, for that org
// alone, and as it is changed.
func licenseAssigned(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	own := core.License{Name: "own", Limits: core.Limits{MaxMembers: 7}, Features: []core.Feature{core.FeatureWebhooks}}
	s.must(s.putLicense(own, false))
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
	own.Limits.MaxMembers, own.Features = core.Unlimited, nil
	s.must(s.putLicense(own, true))
	inForce(ana.org.ID, core.OrgLicense{License: own, ExpiresAt: noon.Add(time.Hour)})
}
