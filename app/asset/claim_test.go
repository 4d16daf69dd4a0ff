package asset_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app/asset"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// slowBlobs reads when it is let, and says that it was asked to.
type slowBlobs struct {
	ports.Blobs

	asked, let chan struct{}
}

func (b *slowBlobs) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	b.asked <- struct{}{}
	select {
	case <-b.let:
		return b.Blobs.Open(ctx, key, offset, length)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Stat knows of no checksum: the bytes have to be read.
func (b *slowBlobs) Stat(ctx context.Context, key string) (ports.BlobInfo, error) {
	info, err := b.Blobs.Stat(ctx, key)
	info.SHA256 = nil
	return info, err
}

// verifying is an upload whose bytes somebody begins to read, slowly.
type verifying struct {
	*env

	blobs   *slowBlobs
	created *asset.Created
	ended   chan error // of the one who reads
}

func newVerifying(t *testing.T) *verifying {
	t.Helper()
	f := &verifying{env: newFixture(t, true), ended: make(chan error, 1)}
	f.blobs = &slowBlobs{f.Blobs, make(chan struct{}, 9), make(chan struct{})}
	opts := asset.Options{Uploads: core.UploadTimes{URL: 15 * time.Minute, Single: time.Hour, Multipart: 7 * 24 * time.Hour}, DownloadTTL: time.Hour, Installation: "this one"}
	opts.RenewClaimsEach(time.Millisecond)
	f.Service = asset.NewService(asset.Deps{
		Store: f.Store, Hot: f.Store, Blobs: f.blobs, Secrets: f.Secrets, Clock: f.Clock, IDs: f.IDs, Text: f.Text,
	}, opts)
	sum := sha256.Sum256([]byte("good"))
	f.created = f.create("a", []byte("good"), func(in *asset.CreateInput) { in.SHA256 = hex.EncodeToString(sum[:]) })
	f.Send(*f.created.Upload.Single, []byte("good"))
	go func() {
		_, err := f.complete(f.created)
		f.ended <- err
	}()
	<-f.blobs.asked
	return f
}

func (f *verifying) claimedUntil() (at int64) {
	f.Must(f.Store.DB().QueryRowContext(f.Context(), `SELECT claimed_until FROM uploads`).Scan(&at))
	return at
}

func TestAClaimLastsAsLongAsItsHolderWorks(t *testing.T) {
	f := newVerifying(t)
	for range 5 {
		was := f.claimedUntil()
		f.Clock.Shift(core.UploadClaim - time.Second)
		for end := time.Now().Add(30 * time.Second); f.claimedUntil() == was; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the claim is not renewed")
			}
		}
		if _, err := f.complete(f.created); !errors.Is(err, core.ErrUploadBusy) {
			t.Errorf("another one: %v", err)
		}
	}
	close(f.blobs.let)
	f.Must(<-f.ended)
	if f.content(f.created.Asset.ID) != "good" {
		t.Error("other bytes")
	}
}

func TestWhoHasLostAClaimLeavesOff(t *testing.T) {
	f := newVerifying(t)
	u, now := f.created.Upload.Upload, f.Clock.Now()
	until := now.Add(2 * time.Hour)
	f.Must(f.Store.Update(f.Context(), func(tx ports.Tx) error { return tx.Uploads.Claim(f.Context(), u.ID, now.Add(time.Hour), until) }))
	if err := <-f.ended; !errors.Is(err, core.ErrUploadBusy) {
		t.Errorf("got %v", err)
	}
	if got := f.claimedUntil(); got != until.UnixMicro() {
		t.Errorf("the other one's claim ends at %d, want %d", got, until.UnixMicro())
	}
}

func TestAClaimOfTheDeadEndsSoon(t *testing.T) {
	f := newFixture(t, true)
	c := f.create("a", []byte("good"), nil)
	f.Send(*c.Upload.Single, []byte("good"))
	now := f.Clock.Now()
	f.Must(f.Store.Update(f.Context(), func(tx ports.Tx) error {
		return tx.Uploads.Claim(f.Context(), c.Upload.Upload.ID, now, now.Add(core.UploadClaim))
	}))
	f.Clock.Shift(29 * time.Second)
	if _, err := f.complete(c); !errors.Is(err, core.ErrUploadBusy) {
		t.Errorf("got %v", err)
	}
	f.Clock.Shift(time.Second)
	_, err := f.complete(c)
	f.Must(err)
}
