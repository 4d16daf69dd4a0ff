package contract

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func (s storeTest) annotation(d *core.Dataset, by *core.Account, external, text string) *core.Annotation {
	s.Helper()
	f := core.ItemFacts{DatasetFacts: core.DatasetFacts{OrgFacts: core.OrgFacts{OrgID: d.OrgID, AccountID: by.ID}, Dataset: *d}, Number: 1}
	f.Item.ExternalID = external
	body := core.AppendCanonical(nil, map[string]any{"text": text})
	a := core.NewAnnotation(core.AnnotationID(s.id()), f, core.AnnotationComment, body, noon)
	s.update(func(tx ports.Tx) error { return tx.Annotations.Add(s.Context(), a) })
	return a
}

func annotationEqual(s storeTest) {
	ana, ben := s.signUp("ana"), s.signUp("ben")
	d, other := s.dataset(ana, "d", core.VisibleToOrg), s.dataset(ana, "other", core.VisibleToOrg)
	s.release(d, &core.DatasetItem{ExternalID: "1", Type: "text"}, &core.DatasetItem{ExternalID: "gone", Type: "text"})
	s.release(d, &core.DatasetItem{ExternalID: "1", Type: "text"})
	first, second := s.annotation(d, ana.account, "1", "one <&> é"), s.annotation(d, ana.account, "gone", "two")
	s.annotation(other, ana.account, "1", "elsewhere")
	list := func(q ports.AnnotationQuery) (found []ports.ListedAnnotation) {
		s.view(func(tx ports.Tx) (err error) {
			q.Dataset, q.Limit = d.ID, max(q.Limit, 1)
			found, err = tx.Annotations.List(s.Context(), q)
			return err
		})
		return found
	}
	s.equal(list(ports.AnnotationQuery{Limit: 9}), []ports.ListedAnnotation{{Annotation: *first}, {Annotation: *second, Orphaned: true}})
	s.equal(list(ports.AnnotationQuery{}), []ports.ListedAnnotation{{Annotation: *first}})
	s.equal(list(ports.AnnotationQuery{After: first.ID}), []ports.ListedAnnotation{{Annotation: *second, Orphaned: true}})
	s.equal(list(ports.AnnotationQuery{ExternalID: "gone"}), []ports.ListedAnnotation{{Annotation: *second, Orphaned: true}})
	s.equal(len(list(ports.AnnotationQuery{Kind: core.AnnotationLabel})), 0)
	s.equal(len(list(ports.AnnotationQuery{Author: ben.account.ID})), 0)

	before := *first
	was := first.Change(core.AnnotationLabel, json.RawMessage(`{"label":"x"}`), noon.Add(time.Hour))
	save := func(a *core.Annotation, was *core.AnnotationVersion) error {
		return s.Update(s.Context(), func(tx ports.Tx) error { return tx.Annotations.Save(s.Context(), a, was) })
	}
	s.must(save(first, was))
	s.wantErr(save(first, was), core.ErrStale)
	s.view(func(tx ports.Tx) error {
		got, err := tx.Annotations.Find(s.Context(), first.ID)
		s.equal(got, first)
		s.must(err)
		versions, err := tx.Annotations.Versions(s.Context(), d.OrgID, first.ID, 0, 9)
		s.equal(versions, []core.AnnotationVersion{{AnnotationID: first.ID, OrgID: d.OrgID, Version: 1, Kind: before.Kind, Body: before.Body, At: noon}})
		s.must(err)
		versions, err = tx.Annotations.Versions(s.Context(), ben.org.ID, first.ID, 0, 9)
		s.equal(len(versions), 0)
		return err
	})
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error { return tx.Annotations.Remove(s.Context(), ben.org.ID, first.ID) }), core.ErrNotFound)
	s.wantErr(s.Update(s.Context(), func(tx ports.Tx) error {
		_, err := tx.Annotations.Lock(s.Context(), ben.org.ID, first.ID)
		return err
	}), core.ErrNotFound)
	s.update(func(tx ports.Tx) error { return tx.Annotations.Remove(s.Context(), d.OrgID, first.ID) })
	s.equal(len(list(ports.AnnotationQuery{Limit: 9})), 1)
	s.sound()
}

// annotationRace lets several change an annotation of which they have seen the
// same version.
func annotationRace(s storeTest) {
	ana := s.signUp("ana")
	d := s.dataset(ana, "d", core.VisibleToOrg)
	a := s.annotation(d, ana.account, "1", "one")
	won := s.race(core.ErrStale, func(i int) error {
		return s.Update(s.Context(), func(tx ports.Tx) error {
			got, err := tx.Annotations.Lock(s.Context(), d.OrgID, a.ID)
			if err != nil {
				return err
			}
			if got.Version != a.Version {
				return core.ErrStale
			}
			was := got.Change(core.AnnotationComment, fmt.Appendf(nil, `{"text":"%d"}`, i), noon)
			return tx.Annotations.Save(s.Context(), got, was)
		})
	})
	s.equal(won, 1)
	s.view(func(tx ports.Tx) error {
		versions, err := tx.Annotations.Versions(s.Context(), d.OrgID, a.ID, 0, 9)
		s.equal(len(versions), 1)
		return err
	})
}
