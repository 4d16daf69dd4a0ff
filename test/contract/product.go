package contract

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// newProduct makes a product of a person's org that is not stored yet.
func (s storeTest) newProduct(p person, kind core.ProductType) *core.Product {
	id := core.ProductID(s.id())
	days := 0
	if kind == core.Membership {
		days = 30
	}
	return &core.Product{
		ID: id, OrgID: p.org.ID, Name: "Présets", Slug: "presets-" + id.String()[24:], Type: kind, Price: core.Money{Amount: 1_900, Currency: "EUR"},
		SubscriptionDays: days, Status: core.ProductDraft, CreatedBy: p.account.ID, Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
}

func (s storeTest) addProduct(p *core.Product, most int64) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Products.Add(s.Context(), p, most) })
}

func (s storeTest) saveProduct(p *core.Product, most int64) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Products.Save(s.Context(), p, most) })
}

// product stores a product to which the nodes are linked.
func (s storeTest) product(p person, kind core.ProductType, nodes ...core.NodeID) *core.Product {
	s.Helper()
	x := s.newProduct(p, kind)
	x.Status = core.ProductPublished
	s.must(s.addProduct(x, core.Unlimited))
	for _, id := range nodes {
		s.must(s.link(p, x, id, core.MaxProductLinks))
	}
	return x
}

func (s storeTest) link(p person, x *core.Product, node core.NodeID, position int) error {
	return s.Update(s.Context(), func(tx ports.Tx) error {
		if _, err := tx.Products.Lock(s.Context(), x.OrgID, x.ID, false); err != nil {
			return err
		}
		return tx.ProductLinks.Add(s.Context(), &core.ProductLink{
			ProductID: x.ID, OrgID: x.OrgID, NodeID: node, Position: position, AddedBy: p.account.ID, AddedAt: noon,
		})
	})
}

func (s storeTest) unlink(x *core.Product, node core.NodeID) error {
	return s.Update(s.Context(), func(tx ports.Tx) error { return tx.ProductLinks.Remove(s.Context(), x.ID, node) })
}

func (s storeTest) productsCount(p person) (n int64) {
	s.view(func(tx ports.Tx) error {
		u, err := tx.Orgs.Usage(s.Context(), p.org.ID)
		n = u.Products
		return err
	})
	return n
}

func productEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	want := s.newProduct(ana, core.Membership)
	want.Description, want.Status, want.CoverAssetID, want.PublishedAt = "Zwei\nZeilen", core.ProductPublished, core.AssetID(s.id()), noon.Add(time.Second)
	s.must(s.addProduct(want, core.Unlimited))
	s.view(func(tx ports.Tx) error {
		got, err := tx.Products.Get(s.Context(), ana.org.ID, want.ID)
		s.must(err)
		s.equal(got, want)
		got, err = tx.Products.Find(s.Context(), want.ID)
		s.must(err)
		s.equal(got, want)
		_, err = tx.Products.Get(s.Context(), ben.org.ID, want.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Products.Find(s.Context(), core.ProductID(s.id()))
		s.wantErr(err, core.ErrNotFound)
		taken, err := tx.Products.SlugTaken(s.Context(), ana.org.ID, want.Slug)
		s.must(err)
		s.equal(taken, true)
		taken, err = tx.Products.SlugTaken(s.Context(), ben.org.ID, want.Slug)
		s.equal(taken, false)
		return err
	})
	twin := s.newProduct(ana, core.Digital)
	twin.Slug = want.Slug
	s.wantErr(s.addProduct(twin, core.Unlimited), core.ErrProductSlugTaken)
	twin.OrgID = ben.org.ID
	s.must(s.addProduct(twin, core.Unlimited))

	want.Name, want.Slug, want.Description, want.Price = "Other", "other", "", core.Money{Amount: 0, Currency: "JPY"}
	want.SubscriptionDays, want.Status, want.CoverAssetID = 1, core.ProductArchived, core.AssetID{}
	want.Touch(noon.Add(time.Hour))
	foreign := *want
	foreign.OrgID = ben.org.ID
	s.wantErr(s.saveProduct(&foreign, core.Unlimited), core.ErrStale)
	s.must(s.saveProduct(want, core.Unlimited))
	s.wantErr(s.saveProduct(want, core.Unlimited), core.ErrStale)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Products.Get(s.Context(), ana.org.ID, want.ID)
		s.equal(got, want)
		return err
	})
}

func productStale(s storeTest) {
	x := s.product(s.signUp("ana"), core.Digital)
	s.equal(s.race(core.ErrStale, func(i int) error {
		p := *x
		p.Name = fmt.Sprintf("name %d", i)
		p.Touch(noon)
		return s.saveProduct(&p, core.Unlimited)
	}), 1)
}

// productLimit: however many are made at once, or come back from the archive,
// there are never more than the licence allows.
func productLimit(s storeTest) {
	ana := s.signUp("ana")
	const most = 3
	limit := &core.Error{Code: "limit_exceeded"}
	var made []*core.Product
	for range 8 {
		made = append(made, s.newProduct(ana, core.Digital))
	}
	s.equal(s.raceOf(8, limit, func(i int) error { return s.addProduct(made[i], most) }), most)
	s.equal(s.productsCount(ana), int64(most))
	var there []ports.ProductEntry
	s.view(func(tx ports.Tx) (err error) {
		there, err = tx.Products.List(s.Context(), ports.ProductQuery{OrgID: ana.org.ID, Limit: 9})
		return err
	})
	for i := range there {
		p := &there[i].Product
		p.Status = core.ProductArchived
		p.Touch(noon)
		s.must(s.saveProduct(p, most))
	}
	s.equal(s.productsCount(ana), int64(0))
	for range most - 1 {
		s.must(s.addProduct(s.newProduct(ana, core.Digital), most))
	}
	s.equal(s.raceOf(len(there), limit, func(i int) error {
		p := there[i].Product
		p.Status = core.ProductPublished
		p.Touch(noon)
		return s.saveProduct(&p, most)
	}), 1)
	s.equal(s.productsCount(ana), int64(most))
	err := s.addProduct(s.newProduct(ana, core.Digital), most)
	if e, ok := errors.AsType[*core.Error](err); !ok || e.Details["max"] != int64(most) || e.Details["used"] != int64(most) {
		s.Errorf("%v", err)
	}
	s.sound()
}

func productRemoved(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	file := s.finish(s.reserve(ana, "a", 1))
	free, sold := s.product(ana, core.Digital, file.ID), s.product(ana, core.Digital, file.ID)
	s.buy(ben, sold)
	remove := func(org core.OrgID, id core.ProductID) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Products.Remove(s.Context(), org, id) })
	}
	s.wantErr(remove(ben.org.ID, free.ID), core.ErrNotFound)
	s.wantErr(remove(ana.org.ID, sold.ID), core.ErrProductSold)
	s.must(remove(ana.org.ID, free.ID))
	s.wantErr(remove(ana.org.ID, free.ID), core.ErrNotFound)
	s.equal(s.productsCount(ana), int64(1))
	s.sound()
}

func productLists(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	file, cover := s.finish(s.reserve(ana, "a", 1)), s.finish(s.reserve(ana, "cover.png", 7))
	var all []core.ProductID
	for i := range 5 {
		p := s.newProduct(ana, core.Digital)
		p.Name = fmt.Sprintf("Bilder %c%%_", 'Ä'+i)
		p.Status = []core.ProductStatus{core.ProductDraft, core.ProductPublished, core.ProductArchived}[i%3]
		p.CoverAssetID = cover.ID
		s.must(s.addProduct(p, core.Unlimited))
		all = append(all, p.ID)
		if i == 1 {
			s.must(s.link(ana, p, file.ID, 0))
			s.must(s.link(ana, p, cover.ID, 0))
		}
	}
	s.product(ben, core.Digital)
	slices.Reverse(all)
	list := func(q ports.ProductQuery) (ids []core.ProductID, entries []ports.ProductEntry) {
		s.Helper()
		q.OrgID = ana.org.ID
		if q.Limit == 0 {
			q.Limit = 9
		}
		s.view(func(tx ports.Tx) (err error) {
			entries, err = tx.Products.List(s.Context(), q)
			return err
		})
		for i := range entries {
			ids = append(ids, entries[i].Product.ID)
		}
		return ids, entries
	}
	ids, entries := list(ports.ProductQuery{})
	s.equal(ids, all)
	s.equal(entries[3].Links, 2)
	s.equal(entries[0].Links, 0)
	s.equal(entries[0].Cover.AssetID, cover.ID)
	s.equal(entries[0].Cover.SizeBytes, int64(7))
	s.equal(entries[0].Cover.BlobKey != "", true)
	ids, _ = list(ports.ProductQuery{Limit: 2})
	s.equal(ids, all[:2])
	ids, _ = list(ports.ProductQuery{Before: all[1]})
	s.equal(ids, all[2:])
	ids, _ = list(ports.ProductQuery{Status: core.ProductPublished})
	s.equal(ids, []core.ProductID{all[0], all[3]})
	ids, _ = list(ports.ProductQuery{Text: "bilder ä%_"})
	s.equal(ids, all[4:])
	ids, _ = list(ports.ProductQuery{ID: all[2]})
	s.equal(ids, all[2:3])
	s.trash(cover)
	_, entries = list(ports.ProductQuery{ID: all[2]})
	s.equal(entries[0].Cover, core.Version{})
}

// linkOrder: links stand where they were put, and each once.
func linkOrder(s storeTest) {
	ana := s.signUp("ana")
	var f []core.NodeID
	for i := range 4 {
		f = append(f, s.folder(ana, ana.root(), fmt.Sprint(i)).ID)
	}
	x := s.product(ana, core.Digital)
	order := func() (ids []core.NodeID) {
		s.Helper()
		s.view(func(tx ports.Tx) error {
			links, err := tx.ProductLinks.List(s.Context(), x.ID)
			for i := range links {
				s.equal(links[i].Position, i)
				s.equal(links[i].Node.ID, links[i].NodeID)
				ids = append(ids, links[i].NodeID)
			}
			return err
		})
		return ids
	}
	for _, step := range []struct{ node, position int }{{0, 0}, {1, 99}, {2, 0}, {3, 1}} {
		s.must(s.link(ana, x, f[step.node], step.position))
	}
	s.equal(order(), []core.NodeID{f[2], f[3], f[0], f[1]})
	s.wantErr(s.link(ana, x, f[0], 0), core.ErrAlreadyLinked)
	s.wantErr(s.link(ana, x, core.NodeID(s.id()), 0), core.ErrNotFound)
	s.update(func(tx ports.Tx) error {
		s.must(tx.ProductLinks.Move(s.Context(), x.ID, f[1], 0))
		s.must(tx.ProductLinks.Move(s.Context(), x.ID, f[2], 99))
		s.wantErr(tx.ProductLinks.Move(s.Context(), x.ID, core.NodeID(s.id()), 0), core.ErrNotFound)
		return nil
	})
	s.equal(order(), []core.NodeID{f[1], f[3], f[0], f[2]})
	s.must(s.unlink(x, f[3]))
	s.wantErr(s.unlink(x, f[3]), core.ErrNotFound)
	s.equal(order(), []core.NodeID{f[1], f[0], f[2]})
	s.must(s.link(ana, x, f[3], 1))
	s.equal(order(), []core.NodeID{f[1], f[3], f[0], f[2]})
	s.view(func(tx ports.Tx) error {
		links, err := tx.ProductLinks.List(s.Context(), x.ID)
		s.must(err)
		s.equal(links[1].ProductLink, core.ProductLink{ProductID: x.ID, OrgID: ana.org.ID, NodeID: f[3], Position: 1, AddedBy: ana.account.ID, AddedAt: noon})
		return nil
	})
}
