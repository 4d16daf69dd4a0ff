package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// ShareLinks stores share links. Another org's link is reported as core.ErrNotFound.
type ShareLinks interface {
	// Add stores a new link with whom it is for, or returns core.ErrConflict if
	// its token's hash is known.
	Add(ctx context.Context, l *core.ShareLink) error

	// Get returns the link, revoked or not, or core.ErrNotFound.
	Get(ctx context.Context, org core.OrgID, id core.ShareLinkID) (*core.ShareLink, error)

	// Find is Get for a link of any org, whose caller has yet to be judged.
	Find(ctx context.Context, id core.ShareLinkID) (*core.ShareLink, error)

	// RevokeOf revokes all links that the account has made: the server itself
	// does so.
	RevokeOf(ctx context.Context, org core.OrgID, account core.AccountID, now time.Time) error

	// Save stores a changed link whose Version is one above the stored one, else
	// returns core.ErrStale. What visits count is not its to say.
	Save(ctx context.Context, l *core.ShareLink) error

	// List returns links, newest first.
	List(ctx context.Context, q ShareLinkQuery) ([]*core.ShareLink, error)

	// Expiring returns live links that wish to be told of it, of any org, that
	// expire in (from, to], earliest first.
	Expiring(ctx context.Context, from, to time.Time, limit int) ([]*core.ShareLink, error)

	// Accesses returns rows of a link's access log, newest first.
	Accesses(ctx context.Context, q AccessQuery) ([]*core.ShareAccess, error)

	// PruneAccesses removes at most limit rows older than t, of any link, and
	// returns how many.
	PruneAccesses(ctx context.Context, t time.Time, limit int) (int, error)
}

// ShareLinkQuery is a page of links. The zero value of a filter means any.
type ShareLinkQuery struct {
	OrgID     core.OrgID
	NodeID    core.NodeID
	GroupID   core.GroupID
	AccountID core.AccountID // whose standing decides what is listed: links of drives where they may write,
	Groups    []core.GroupID // and of these groups
	Live      bool           // neither revoked nor expired at Now
	Now       time.Time
	Before    core.ShareLinkID
	Limit     int
}

// AccessQuery is a page of an access log. The zero value of a filter means any.
type AccessQuery struct {
	OrgID    core.OrgID
	LinkID   core.ShareLinkID
	Kind     core.AccessKind
	Refused  *bool
	From, To time.Time
	Before   core.AccessID
	Limit    int
}

// ShareQuery is who has come with a link's token, and for what. Group and Asset
// are looked at for links of groups only.
type ShareQuery struct {
	Hash    [32]byte     // of the token
	Visitor core.Actor   // zero: nobody
	Group   core.GroupID // nested in the link's group; zero: that
	Asset   core.AssetID // a file in it or in one nested in it, which only then is the facts' Node; zero: none
}

// Visits is the hot way of visitors: no unit of work, few round trips.
type Visits interface {
	// ForShare returns a link with all that decides about it and about what is
	// asked for there, and the account that the visitor has in its org, if it is
	// active; one round trip for a link of a drive. It returns core.ErrNotFound if
	// there is no such link, or its org or drive is gone.
	ForShare(ctx context.Context, q ShareQuery) (core.ShareFacts, core.AccountID, error)

	// Visit counts an access that has been judged, and logs it; for a view, a
	// download or an upload it returns false, and logs core.ErrShareExhausted,
	// if the link's limit is reached. It answers once that is durable. However
	// many calls about one link come at once, they are granted exactly up to the
	// limit; they share statements. before is the link's count of that kind
	// before this access. What is granted of views and downloads waits for
	// Traffic.RollUp from then on.
	Visit(ctx context.Context, a *core.ShareAccess) (granted bool, before int64, err error)

	// Salt returns the salt of the visitors of the day (UTC) that begins at day:
	// the one that is stored or else, from then on, fresh.
	Salt(ctx context.Context, day time.Time, fresh core.VisitorSalt) (core.VisitorSalt, error)
}
