package ports

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// Traffic stores what visitors do with links and groups, summed up.
type Traffic interface {
	// RollUp adds at most limit of the visits that wait for it to the sums, each
	// exactly once, and returns how many. Calls of several servers follow one
	// another. It is for Update only.
	RollUp(ctx context.Context, limit int) (int, error)

	// Waiting returns when the first visit that waits was made; zero: none waits.
	Waiting(ctx context.Context) (time.Time, error)

	// Points returns the traffic of a subject in each of the spans of time from
	// one of the bounds to before the next.
	Points(ctx context.Context, s core.Subject, bounds []time.Time) ([]core.Traffic, error)

	// Tops returns the traffic of a subject, told apart by something: those with
	// most views and downloads first, and of those with as many the first key.
	Tops(ctx context.Context, q TrafficQuery) ([]TrafficRow, error)

	// Names returns the names of live assets and of links among these of an org;
	// of assets the titles that they have in a group, if they have one there.
	Names(ctx context.Context, org core.OrgID, group core.GroupID, assets []core.AssetID, links []core.ShareLinkID) (map[[16]byte]string, error)

	// Prune removes at most limit sums of months before t, and returns how many.
	Prune(ctx context.Context, t time.Time, limit int) (int, error)

	// Forget removes salts of days before t and, once no visit waits that is from
	// before t, at most limit of what was known of visitors of such days. It
	// returns how many of these.
	Forget(ctx context.Context, t time.Time, limit int) (int, error)
}

// TrafficQuery asks for traffic from From to before To.
type TrafficQuery struct {
	core.Subject

	By       core.TrafficBy
	From, To time.Time
	Limit    int
}

// TrafficRow is traffic of one key.
type TrafficRow struct {
	Key string
	core.Traffic
	LastAt time.Time // of the last view or download
}

// Countries knows where addresses are.
type Countries interface {
	// Country returns the ISO 3166-1 code of the country of an address, or
	// core.CountryUnknown.
	Country(address string) string
}

// Devices knows programs that visit by their User-Agent.
type Devices interface {
	Device(userAgent string) core.Device
}
