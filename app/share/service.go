// Package share holds the use cases of share links: of those who make them, and
// of the visitors who come with one. What a visitor reaches is a core.Scope,
// which the use cases of drives take; who sends a file to a file request
// becomes a core.Actor, which those of files take.
package share

import (
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Options are the choices of the operator.
type Options struct {
	Unlimited    bool          // no licence limits
	DownloadTTL  time.Duration // of a signed download URL
	PublicURL    string        // where links lead to, without a slash at its end
	LogRetention time.Duration // how long the access log is kept
	LogAddresses core.AddressLog

	WatermarkWait    time.Duration // for a copy, by whoever asks for one
	WatermarkTimeout time.Duration // for making one, with waiting for room
}

// Deps are the ports the service works on.
type Deps struct {
	Store     ports.Store
	Hot       ports.Hot
	Blobs     ports.Blobs
	Secrets   ports.Secrets
	Passwords ports.Passwords
	Limiter   ports.Limiter
	Marker    ports.Marker
	Clock     ports.Clock
	IDs       ports.IDs
	Text      ports.Text
	Countries ports.Countries
	Devices   ports.Devices
}

// Service runs the use cases of share links. It is safe for concurrent use.
type Service struct {
	store     ports.Store
	hot       ports.Hot
	blobs     ports.Blobs
	secrets   ports.Secrets
	passwords ports.Passwords
	limiter   ports.Limiter
	marker    ports.Marker
	clock     ports.Clock
	ids       ports.IDs
	text      ports.Text
	countries ports.Countries
	devices   ports.Devices
	opts      Options
	salts     salts
	flights   flights
}

// NewService returns a Service on the given ports.
func NewService(d Deps, opts Options) *Service {
	return &Service{
		store: d.Store, hot: d.Hot, blobs: d.Blobs, secrets: d.Secrets, passwords: d.Passwords, limiter: d.Limiter, marker: d.Marker,
		clock: d.Clock, ids: d.IDs, text: d.Text, countries: d.Countries, devices: d.Devices, opts: opts,
	}
}
