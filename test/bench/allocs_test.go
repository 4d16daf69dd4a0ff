package bench

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// one is a store with one person and one file.
type one struct {
	ports.Hot
	facts core.AssetFacts
}

// ForDownload implements ports.Access.
func (o *one) ForDownload(context.Context, core.Actor, core.AssetID) (core.AssetFacts, error) {
	return o.facts, nil
}

func newOne() *one {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	o := &one{}
	o.facts = core.AssetFacts{
		DriveFacts: core.DriveFacts{
			DriveStanding: core.DriveStanding{Status: core.AccountActive, OrgRole: core.OrgOwner, Ownership: core.OwnDrive},
			OrgID:         core.OrgID{15: 3}, DriveID: core.DriveID{15: 4}, AccountID: core.AccountID{15: 6},
		},
		Asset: core.Asset{
			Node: core.Node{
				ID: core.AssetID{15: 5}, OrgID: core.OrgID{15: 3}, DriveID: core.DriveID{15: 4}, Kind: core.KindAsset,
				Name: "holiday.jpg", Version: 2, CreatedAt: now, UpdatedAt: now,
			},
			File: core.File{Status: core.AssetReady, ContentType: "image/jpeg", SizeBytes: fileSize, Current: 1, Newest: 1},
		},
		Version: core.Version{BlobKey: core.BlobKey(core.OrgID{15: 3}, core.AssetID{15: 5}, 1, "holiday.jpg"), ContentType: "image/jpeg", SizeBytes: fileSize},
	}
	return o
}

// nowhere is a ResponseWriter that costs nothing itself.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(status int)      { n.status = status }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }

// A download allocates no more than this, from the parsed request to the
// written answer and its line in the log; the database is not in it. Less is
// better: lower the bound when it has become less.
func TestADownloadAllocatesLittle(t *testing.T) {
	c := newCrowd(t, nil)
	token, err := c.tokens.Issue(core.Claims{
		UserID: core.UserID{15: 1}, SessionID: core.SessionID{15: 2}, OrgID: core.OrgID{15: 3}, IssuedAt: c.now, ExpiresAt: c.now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	hot := newOne()
	api := newAPI(t, nil, hot)
	r := request(http.MethodGet, "/api/assets/"+hot.facts.Asset.ID.String()+"/download", "", token)
	w := &nowhere{header: http.Header{}}
	got := testing.AllocsPerRun(2_000, func() {
		clear(w.header)
		api.ServeHTTP(w, r)
	})
	if w.status != http.StatusOK {
		t.Fatalf("status %d", w.status)
	}
	if got > mostAllocations {
		t.Errorf("%v allocations, at most %d are expected", got, mostAllocations)
	}
}
