package oidc

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// MaxCached is how many tokens are remembered.
const MaxCached = maxCached

// Fill remembers n tokens that nobody has, until a time, and returns how many
// are remembered then.
func (t *Tokens) Fill(n int, until, now time.Time) int {
	for i := range n {
		t.keep(sha256.Sum256(binary.BigEndian.AppendUint64(until.AppendFormat(nil, time.RFC3339), uint64(i))), verified{until: until}, now)
	}
	return len(t.cache)
}
