package riverqueue

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/ports"
)

type alpha struct{}

func (alpha) Kind() string { return "alpha" }

type unnamed struct{}

func (unnamed) Kind() string { return "" }

func do[J ports.Job](context.Context, J) error { return nil }

func TestMistakesInTheRegistryAreTold(t *testing.T) {
	tests := map[string]struct {
		register func(*Registry)
		want     string // in the error; empty: none
	}{
		"none": {func(r *Registry) {
			Handle(r, do[alpha], HandleOptions{})
			r.Every(time.Hour, false, func() ports.Job { return alpha{} })
		}, ""},
		"handled twice": {func(r *Registry) {
			Handle(r, do[alpha], HandleOptions{})
			Handle(r, do[alpha], HandleOptions{})
		}, `"alpha" is already registered`},
		"no name":          {func(r *Registry) { Handle(r, do[unnamed], HandleOptions{}) }, `"" cannot name`},
		"negative attempt": {func(r *Registry) { Handle(r, do[alpha], HandleOptions{MaxAttempts: -1}) }, "negative"},
		"negative timeout": {func(r *Registry) { Handle(r, do[alpha], HandleOptions{Timeout: -1}) }, "negative"},
		"tick without handler": {func(r *Registry) {
			r.Every(time.Hour, false, func() ports.Job { return alpha{} })
		}, "no handler"},
		"two ticks": {func(r *Registry) {
			Handle(r, do[alpha], HandleOptions{})
			r.Every(time.Hour, false, func() ports.Job { return alpha{} })
			r.Every(time.Minute, false, func() ports.Job { return alpha{} })
		}, "periodic twice"},
		"short interval": {func(r *Registry) {
			Handle(r, do[alpha], HandleOptions{})
			r.Every(time.Millisecond, false, func() ports.Job { return alpha{} })
		}, "too short"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewRegistry()
			tt.register(r)
			err := r.check(nil)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("check = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestBackoffTriplesUpToSixHours(t *testing.T) {
	b := backoff{first: time.Second, ticks: map[string]tick{"alpha": {every: time.Minute}}}
	tests := []struct {
		kind    string
		attempt int
		want    time.Duration
	}{
		{"x", 1, time.Second},
		{"x", 2, 3 * time.Second},
		{"x", 3, 9 * time.Second},
		{"x", 10, 19683 * time.Second},
		{"x", 11, 6 * time.Hour},
		{"x", 1000, 6 * time.Hour},
		{"alpha", 3, 9 * time.Second},
		{"alpha", 9, time.Minute},
	}
	for _, tt := range tests {
		seen := make(map[time.Duration]bool)
		for range 100 {
			d := b.delay(tt.kind, tt.attempt)
			seen[d] = true
			if d < tt.want*3/4 || d > tt.want*5/4 {
				t.Errorf("%s after attempt %d: %v, want about %v", tt.kind, tt.attempt, d, tt.want)
			}
		}
		if len(seen) < 50 {
			t.Errorf("%s after attempt %d: only %d different delays of 100", tt.kind, tt.attempt, len(seen))
		}
	}
}
