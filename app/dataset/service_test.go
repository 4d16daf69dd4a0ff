package dataset_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/manifest"
	"github.com/seed-755a8038/coffer/app/dataset"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

type env struct {
	*fixture.World
	*dataset.Service

	ana fixture.Person
}

func newEnv(t *testing.T) *env {
	t.Helper()
	w := fixture.New(t, true)
	s := dataset.NewService(dataset.Deps{
		Store: w.Store, Access: w.Store, Blobs: w.Blobs, Manifests: manifest.New(w.Text), Log: w.Store.DatasetLog(), Secrets: w.Secrets, Clock: w.Clock, IDs: w.IDs, Text: w.Text,
	}, dataset.Options{})
	return &env{w, s, w.SignUp("ana")}
}

func (e *env) begin() dataset.Begun {
	e.Helper()
	b, err := e.Begin(e.Context(), e.ana.Actor, dataset.BeginInput{Slug: "signs"})
	e.Must(err)
	return b
}

func items(n int, of string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"external_id":"%d","type":"text","data":{"text":"%s"}}`+"\n", i, of)
	}
	return b.String()
}

func (e *env) publish(b dataset.Begun, r io.Reader) (dataset.Published, error) {
	return e.Publish(context.Background(), e.ana.Actor, dataset.PublishInput{DatasetID: b.Dataset.ID, SessionID: b.Session.ID, Manifest: r, Lines: true})
}

func (e *env) status(b dataset.Begun) core.IngestStatus {
	e.Helper()
	s, err := e.Session(e.Context(), e.ana.Actor, b.Session.ID)
	e.Must(err)
	return s.Status
}

func TestOfRacingPublishersOnePublishes(t *testing.T) {
	e := newEnv(t)
	var begun []dataset.Begun
	for range 6 {
		begun = append(begun, e.begin())
	}
	var mu sync.Mutex
	codes := map[string]int{}
	var wg sync.WaitGroup
	for i, b := range append(begun, begun...) { // each session by two
		wg.Go(func() {
			_, err := e.publish(b, strings.NewReader(items(50, fmt.Sprint("of ", i))))
			code := ""
			if x, ok := errors.AsType[*core.Error](err); ok {
				code = x.Code
			} else if err != nil {
				code = err.Error()
			}
			mu.Lock()
			codes[code]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if codes[""] != 1 || codes[""]+codes["version_conflict"]+codes["publish_in_progress"]+codes["session_closed"] != 2*len(begun) {
		t.Errorf("%v", codes)
	}
}

// gate gives what comes before it, then waits.
type gate struct {
	io.Reader
	at   chan struct{}
	open chan struct{}
}

// Read implements io.Reader.
func (g *gate) Read(b []byte) (int, error) {
	n, err := g.Reader.Read(b)
	if errors.Is(err, io.EOF) {
		close(g.at)
		<-g.open
	}
	return n, err
}

func TestWhatIsBeingPublishedIsNotAborted(t *testing.T) {
	e := newEnv(t)
	b := e.begin()
	g := &gate{strings.NewReader(items(5_000, "of one")), make(chan struct{}), make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		_, err := e.publish(b, g)
		done <- err
	}()
	<-g.at
	e.Fails(e.Abort(t.Context(), e.ana.Actor, b.Session.ID), core.ErrSessionBusy)
	_, err := e.publish(b, strings.NewReader(items(1, "of two")))
	e.Fails(err, core.ErrSessionBusy)
	// A publisher that does nothing for too long loses the session to whoever comes.
	e.Clock.Shift(core.PublishLease)
	p, err := e.publish(b, strings.NewReader(items(1, "of two")))
	e.Must(err)
	close(g.open)
	e.Fails(<-done, core.ErrSessionBusy)
	if p.Version.Number != 1 || p.Version.Items != 1 || e.status(b) != core.IngestPublished {
		t.Errorf("%+v", p)
	}
	e.Must(e.Purge(t.Context(), dataset.Purge{}))
	e.Read(func(tx ports.Tx) error {
		left, err := tx.DatasetPurges.Discarded(t.Context(), core.DatasetVersionID{}, 9)
		if len(left) > 0 {
			t.Errorf("%d versions are left", len(left))
		}
		return err
	})
}

func TestWhoMayNoLongerPublishDoesNot(t *testing.T) {
	e := newEnv(t)
	b := e.begin()
	g := &gate{strings.NewReader(items(5_000, "of hers")), make(chan struct{}), make(chan struct{})}
	done := make(chan error, 1)
	go func() {
		_, err := e.publish(b, g)
		done <- err
	}()
	<-g.at
	disable := func(disabled bool) {
		e.Write(func(tx ports.Tx) error {
			u, err := tx.Users.Lock(t.Context(), e.ana.Actor.UserID)
			u.Disable(disabled, e.Clock.Now())
			return errors.Join(err, tx.Users.Save(t.Context(), u))
		})
	}
	disable(true)
	close(g.open)
	e.Fails(<-done, core.ErrUserDisabled)
	disable(false)
	if d, err := e.Get(t.Context(), e.ana.Actor, b.Dataset.ID); err != nil || d.CurrentVersion != 0 || e.status(b) != core.IngestOpen {
		t.Errorf("%+v %v", d, err)
	}
	_, err := e.publish(b, strings.NewReader(items(1, "of hers")))
	e.Must(err)
}

func TestASessionExpires(t *testing.T) {
	e := newEnv(t)
	b, dead := e.begin(), e.begin()
	e.Write(func(tx ports.Tx) error { // as a crash leaves it
		session, err := tx.IngestSessions.Lock(t.Context(), e.ana.Org.ID, dead.Session.ID)
		e.Must(err)
		v := core.DatasetVersion{
			ID: core.DatasetVersionID(e.IDs.NewID()), OrgID: e.ana.Org.ID, DatasetID: b.Dataset.ID, SessionID: dead.Session.ID,
			CreatedBy: e.ana.Account.ID, CreatedAt: e.Clock.Now(),
		}
		e.Must(session.Begin(v.ID, e.Clock.Now()))
		e.Must(tx.DatasetVersions.Add(t.Context(), &v))
		return tx.IngestSessions.Save(t.Context(), session)
	})
	e.Must(e.Tidy(t.Context(), dataset.Tidy{}))
	if e.status(dead) != core.IngestPublishing {
		t.Error("a publisher at work has lost the session")
	}
	e.Clock.Shift(core.PublishLease)
	e.Must(e.Tidy(t.Context(), dataset.Tidy{}))
	if e.status(dead) != core.IngestOpen || e.status(b) != core.IngestOpen {
		t.Errorf("%s, %s", e.status(dead), e.status(b))
	}
	e.Clock.Shift(core.SessionLifetime + time.Hour)
	e.Must(e.Tidy(t.Context(), dataset.Tidy{}))
	if e.status(dead) != core.IngestExpired || e.status(b) != core.IngestExpired {
		t.Errorf("%s, %s", e.status(dead), e.status(b))
	}
	_, err := e.publish(b, strings.NewReader(items(1, "late")))
	e.Fails(err, core.ErrSessionClosed)
}

func TestADeletedDatasetGoesWithItsDrive(t *testing.T) {
	e := newEnv(t)
	b := e.begin()
	_, err := e.publish(b, strings.NewReader(items(3, "of one")))
	e.Must(err)
	e.Write(func(tx ports.Tx) error {
		d, err := tx.Datasets.Lock(t.Context(), e.ana.Org.ID, b.Dataset.ID)
		e.Must(err)
		d.Delete(e.Clock.Now())
		return tx.Datasets.Save(t.Context(), d)
	})
	e.Must(e.Purge(t.Context(), dataset.Purge{}))
	e.Read(func(tx ports.Tx) error {
		_, err := tx.Drives.Get(t.Context(), e.ana.Org.ID, b.Dataset.DriveID)
		e.Fails(err, core.ErrNotFound)
		left, err := tx.DatasetPurges.Deleted(t.Context(), core.DatasetID{}, 9)
		if len(left) > 0 {
			t.Error("it is still there")
		}
		return err
	})
	if again := e.begin(); !again.Made {
		t.Error("its slug is not free")
	}
}
