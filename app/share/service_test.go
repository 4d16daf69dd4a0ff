package share_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// plain is a hash of passwords that hides nothing.
type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) { return "h " + password, nil }

func (plain) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash == "h "+password, nil
}

type world struct {
	*fixture.World
	*share.Service

	ana fixture.Person
}

func newWorld(t *testing.T, kept core.AddressLog) *world {
	t.Helper()
	w := fixture.New(t, true)
	s := share.NewService(share.Deps{
		Store: w.Store, Hot: w.Store, Blobs: w.Blobs, Secrets: w.Secrets, Passwords: plain{}, Limiter: w.Store.Limiter(), Clock: w.Clock, IDs: w.IDs, Text: w.Text,
		Countries: fixture.Visitors{}, Devices: fixture.Visitors{},
	}, share.Options{Unlimited: true, DownloadTTL: time.Hour, PublicURL: "https://files.example.com", LogRetention: 10 * 24 * time.Hour, LogAddresses: kept})
	return &world{w, s, w.SignUp("ana")}
}

// shares makes a link to ana's whole drive.
func (w *world) shares(edit func(in *share.RulesInput)) share.Shared {
	w.Helper()
	in := share.RulesInput{
		MaxViews: core.Unlimited, MaxDownloads: core.Unlimited, AllowDownload: true, AllowViewMetadata: true,
		Request: core.FileRequest{MaxFiles: core.Unlimited, MaxBytes: core.Unlimited},
	}
	edit(&in)
	made, err := w.Create(w.Context(), w.ana.Actor, share.CreateInput{NodeID: core.RootOf(w.ana.Drive.ID), Kind: core.ShareDownload, RulesInput: in})
	w.Must(err)
	return made
}

func visit(s share.Shared) share.Visit {
	return share.Visit{Token: s.Token, From: core.Client{Address: "192.0.2.77", Network: "192.0.2.77", UserAgent: strings.Repeat("é", 300)}}
}

// mails returns the subjects of what the jobs so far have mailed.
func (w *world) mails() (subjects []string) {
	w.Helper()
	for jobs := w.Queue.Take(); len(jobs) > 0; jobs = w.Queue.Take() {
		for _, job := range jobs {
			switch j := job.(type) {
			case share.Notify:
				w.Must(w.Notify(w.Context(), j))
				w.Must(w.Notify(w.Context(), j)) // at least once is once
			case app.SendMail:
				m := w.Mail(j)
				if m.To != "ana@example.com" || m.Text == "" {
					w.Errorf("mail %+v", m)
				}
				subjects = append(subjects, m.Subject)
			}
		}
	}
	return subjects
}

func TestWhatIsKeptOfAVisit(t *testing.T) {
	for kept, want := range map[core.AddressLog]string{core.AddressFull: "192.0.2.77", core.AddressNetwork: "192.0.2.0/24", core.AddressNone: ""} {
		w := newWorld(t, kept)
		made := w.shares(func(*share.RulesInput) {})
		_, _, err := w.Enter(t.Context(), visit(made), core.NodeID{}, core.AccessView)
		w.Must(err)
		log, err := w.Accesses(t.Context(), w.ana.Actor, share.AccessInput{LinkID: made.Link.ID, Limit: 10})
		w.Must(err)
		if len(log) != 1 || log[0].Address != want || len(log[0].UserAgent) != 256 || log[0].Kind != core.AccessView {
			t.Errorf("%s: %+v", kept, log)
		}
		w.Clock.Shift(11 * 24 * time.Hour)
		w.Must(w.Housekeep(t.Context(), share.Housekeep{}))
		if log, err = w.Accesses(t.Context(), w.ana.Actor, share.AccessInput{LinkID: made.Link.ID, Limit: 10}); err != nil || len(log) != 0 {
			t.Errorf("%s: %v %v", kept, log, err)
		}
	}
}

func TestMailComesOnce(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	made := w.shares(func(in *share.RulesInput) {
		in.Notify = core.ShareNotify{FirstView: true, LimitReached: true, ExpiringSoon: true}
		in.MaxViews, in.ExpiresAt = 2, w.Clock.Now().Add(48*time.Hour)
	})
	for _, want := range []string{"Your link was opened", "Your link is used up", ""} {
		_, _, err := w.Enter(t.Context(), visit(made), core.NodeID{}, core.AccessView)
		if got := strings.Join(w.mails(), ", "); got != want || (err != nil) != (want == "") {
			t.Errorf("%q, want %q: %v", got, want, err)
		}
	}
	loose := w.shares(func(in *share.RulesInput) {
		in.Notify, in.ExpiresAt = core.ShareNotify{ExpiringSoon: true}, w.Clock.Now().Add(48*time.Hour)
	})
	for _, want := range []string{"", "", "Your link expires soon", ""} { // at 0, 13, 26 and 39 hours
		w.Must(w.Housekeep(t.Context(), share.Housekeep{}))
		if got := strings.Join(w.mails(), ", "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		w.Clock.Shift(12*time.Hour + time.Hour)
	}
	_, err := w.Update(t.Context(), w.ana.Actor, loose.Link.ID, 0, func(_ core.ShareKind, in *share.RulesInput) {
		in.ExpiresAt = w.Clock.Now().Add(20 * time.Hour)
	})
	w.Must(err)
	w.Must(w.Housekeep(t.Context(), share.Housekeep{}))
	if got := w.mails(); len(got) != 1 { // another end is told of again
		t.Errorf("%q", got)
	}
}

func TestWhatAPasswordOpens(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	word := "harbour"
	one := w.shares(func(in *share.RulesInput) { in.Password = &word })
	two := w.shares(func(in *share.RulesInput) { in.Password = &word })
	v := visit(one)
	var err error
	v.Access, _, err = w.Unlock(t.Context(), v, word)
	w.Must(err)
	open := func(v share.Visit) error {
		_, _, err := w.Enter(t.Context(), v, core.NodeID{}, core.AccessView)
		return err
	}
	w.Must(open(v))
	foreign := v
	foreign.Token = two.Token
	w.Fails(open(foreign), core.ErrSharePassword)
	for _, bad := range []string{"", "x", v.Access + "A", strings.ToUpper(v.Access), v.Access[:len(v.Access)-2]} {
		wrong := v
		wrong.Access = bad
		w.Fails(open(wrong), core.ErrSharePassword)
	}
	rotated, err := w.Rotate(t.Context(), w.ana.Actor, one.Link.ID, 0)
	w.Must(err)
	w.Fails(open(v), core.ErrNotFound)
	v.Token = rotated.Token
	w.Must(open(v))
	w.Clock.Shift(share.AccessTTL)
	w.Fails(open(v), core.ErrSharePassword)
}

// An archive that takes longer than a password is good for goes on, unless the
// link ends.
func TestALongArchive(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	word := "harbour"
	made := w.shares(func(in *share.RulesInput) { in.Password = &word })
	v := visit(made)
	var err error
	v.Access, _, err = w.Unlock(t.Context(), v, word)
	w.Must(err)
	_, again, err := w.Archive(t.Context(), v, core.NodeID{})
	w.Must(err)
	w.Clock.Shift(2 * share.AccessTTL)
	w.Must(again(t.Context()))
	_, _, err = w.Archive(t.Context(), v, core.NodeID{})
	w.Fails(err, core.ErrSharePassword)
	other := "lighthouse"
	_, err = w.Update(t.Context(), w.ana.Actor, made.Link.ID, 0, func(_ core.ShareKind, in *share.RulesInput) { in.Password = &other })
	w.Must(err)
	w.Fails(again(t.Context()), core.ErrSharePassword)
	w.Must(w.Revoke(t.Context(), w.ana.Actor, made.Link.ID, 0))
	w.Fails(again(t.Context()), core.ErrShareRevoked)
}

func TestHiddenErrorsTellNothing(t *testing.T) {
	full := core.CheckLimit("quota_bytes", 10, 5, 6)
	var e *core.Error
	if err := share.Hidden(full); !errors.As(err, &e) || e.Code != "limit_exceeded" || e.Details != nil {
		t.Errorf("%v %v", err, e.Details)
	}
	for _, err := range []error{core.ErrForbidden, core.ErrNotFound, core.ErrUserDisabled, core.ErrParentNotDir, core.ErrNodeTrashed, core.ErrTooDeep, core.ErrUnauthenticated} {
		if got := share.Hidden(err); !errors.Is(got, core.ErrShareUnavailable) {
			t.Errorf("%v: %v", err, got)
		}
	}
	broken := errors.New("the disk is full")
	for _, err := range []error{nil, broken, core.ErrUploadNotFound, core.ErrUploadIncomplete, core.ErrSizeMismatch} {
		if got := share.Hidden(err); !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestTheTokenIsStoredSealed(t *testing.T) {
	w := newWorld(t, core.AddressFull)
	made := w.shares(func(*share.RulesInput) {})
	w.Read(func(tx ports.Tx) error {
		l, err := tx.ShareLinks.Find(t.Context(), made.Link.ID)
		if bytes.Contains(l.TokenSealed, []byte(made.Token)) || l.TokenHash == ([32]byte{}) {
			t.Errorf("%+v", l)
		}
		return err
	})
	again, err := w.Get(t.Context(), w.ana.Actor, made.Link.ID)
	w.Must(err)
	if again.URL != "https://files.example.com/s/"+made.Token {
		t.Error(again.URL)
	}
}
