// Package argon2 hashes passwords with Argon2id (RFC 9106) in bounded memory.
package argon2

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"runtime"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// The cost of one hash: OWASP's second recommendation, about 23 ms of one core.
const (
	memoryKiB  = 19 * 1024
	iterations = 2
	threads    = 1
	saltBytes  = 16
	keyBytes   = 32
)

// MemoryPerHash is what one hash in progress holds, in bytes.
const MemoryPerHash = memoryKiB * 1024

// Passwords implements ports.Passwords. At most Slots hashes run at once, so
// that parallel logins take turns instead of memory.
type Passwords struct {
	slots   chan struct{}
	garbage atomic.Uint64 // hashes so far, each of which leaves its memory behind
}

// collectEvery is after how many hashes their memory is collected. Left to its
// own measure, the collector lets several times the memory of all slots pile up
// while log-ins come one after the other.
const collectEvery = 4

// New returns passwords with as many slots as Go uses processors, and at least two.
func New() *Passwords {
	return &Passwords{slots: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}
}

// Slots is how many hashes run at once.
func (p *Passwords) Slots() int { return cap(p.slots) }

// Hash implements ports.Passwords. It returns ctx's error if ctx ends while
// waiting for a slot.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	h := phc{memory: memoryKiB, iterations: iterations, threads: threads, salt: make([]byte, saltBytes)}
	_, _ = rand.Read(h.salt) // never fails: crypto/rand ends the program instead
	key, err := p.derive(ctx, h, password, keyBytes)
	if err != nil {
		return "", err
	}
	h.key = key
	return h.String(), nil
}

// Verify implements ports.Passwords. A hash that cannot be read matches nothing
// and costs the same time, so that an attacker cannot tell who has a password.
// It returns ctx's error if ctx ends while waiting for a slot.
func (p *Passwords) Verify(ctx context.Context, hash, password string) (bool, error) {
	h, ok := parseOrUnmatched(hash)
	key, err := p.derive(ctx, h, password, uint32(len(h.key))) //nolint:gosec // at most maxKeyBytes
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1 && ok, nil
}

func parseOrUnmatched(hash string) (h phc, ok bool) {
	if h, ok = parse(hash); !ok {
		h = unmatched
	}
	return h, ok
}

// unmatched stands in for a hash that cannot be read.
var unmatched = phc{
	memory: memoryKiB, iterations: iterations, threads: threads,
	salt: make([]byte, saltBytes), key: make([]byte, keyBytes),
}

// derive runs Argon2id in a slot.
func (p *Passwords) derive(ctx context.Context, h phc, password string, length uint32) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	defer func() { <-p.slots }()
	// select chooses at random: a caller that has given up must not cost a hash.
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wait to hash a password: %w", err)
	}
	key := argon2.IDKey([]byte(password), h.salt, h.iterations, h.memory, h.threads, length)
	if p.garbage.Add(1)%collectEvery == 0 {
		runtime.GC()
	}
	return key, nil
}
