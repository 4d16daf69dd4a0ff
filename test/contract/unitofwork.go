package contract

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

func txComplete(s storeTest) {
	s.update(func(tx ports.Tx) error {
		v := reflect.ValueOf(tx)
		for i := range v.NumField() {
			if v.Field(i).IsNil() {
				s.Errorf("Tx.%s is nil", v.Type().Field(i).Name)
			}
		}
		return nil
	})
}

func (s storeTest) wantNobody(p person) {
	s.Helper()
	s.view(func(tx ports.Tx) error {
		_, err := tx.Users.Get(s.Context(), p.user.ID)
		s.wantErr(err, core.ErrNotFound)
		_, err = tx.Orgs.Get(s.Context(), p.org.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}

func updateUndoes(s storeTest) {
	p, want := s.newPerson("ana"), errors.New("no")
	err := s.Update(s.Context(), func(tx ports.Tx) error {
		s.must(p.add(s.Context(), tx))
		return want
	})
	if err != want { //nolint:errorlint // unchanged, says the contract
		s.Errorf("error = %v, want %v unchanged", err, want)
	}
	s.wantNobody(p)
}

func updatePanics(s storeTest) {
	p := s.newPerson("ana")
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(s.Context(), func(tx ports.Tx) error {
			s.must(p.add(s.Context(), tx))
			panic("boom")
		})
	}()
	s.wantNobody(p)
}

func updateCancelled(s storeTest) {
	p := s.newPerson("ana")
	ctx, cancel := context.WithCancel(s.Context())
	err := s.Update(ctx, func(tx ports.Tx) error {
		s.must(p.add(ctx, tx))
		cancel()
		return nil
	})
	if err == nil {
		s.Error("Update returned nil")
	}
	s.wantNobody(p)
}

func viewCannotWrite(s storeTest) {
	p := s.newPerson("ana")
	if err := s.View(s.Context(), func(tx ports.Tx) error { return p.add(s.Context(), tx) }); err == nil {
		s.Error("a write in View succeeded")
	}
	s.wantNobody(p)
}

func survey(s storeTest) {
	p := s.newPerson("ana")
	if err := s.Survey(s.Context(), func(tx ports.Tx) error { return p.add(s.Context(), tx) }); err == nil {
		s.Error("a write in Survey succeeded")
	}
	s.wantNobody(p)
	ben := s.signUp("ben")
	s.must(s.Survey(s.Context(), func(tx ports.Tx) error {
		_, err := tx.Users.Get(s.Context(), ben.user.ID)
		return err
	}))
	failure := errors.New("not today")
	if err := s.Survey(s.Context(), func(ports.Tx) error { return failure }); !errors.Is(err, failure) {
		s.Errorf("the unit failed and Survey says %v", err)
	}
}

func viewSnapshot(s storeTest) {
	ana := s.signUp("ana")
	s.view(func(tx ports.Tx) error {
		_, err := tx.Users.Get(s.Context(), ana.user.ID)
		s.must(err)
		ben := s.newPerson("ben")
		done := make(chan error, 1)
		go func() { done <- s.Update(s.Context(), func(tx ports.Tx) error { return ben.add(s.Context(), tx) }) }()
		select {
		case err := <-done:
			s.must(err)
		case <-time.After(2 * time.Second): // a store may let the writer wait for us
		}
		_, err = tx.Users.Get(s.Context(), ben.user.ID)
		s.wantErr(err, core.ErrNotFound)
		return nil
	})
}
