package argon2_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/argon2"
	"github.com/seed-755a8038/coffer/ports"
)

var _ ports.Passwords = (*argon2.Passwords)(nil)

// referenceHash is a vector of the reference implementation's own tests
// (github.com/P-H-C/phc-winner-argon2, src/test.c).
const referenceHash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

func TestAHashMatchesItsPasswordOnly(t *testing.T) {
	p := argon2.New()
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false, "correct horse ": false} {
		if got, err := p.Verify(t.Context(), hash, password); err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
}

func TestHashesAreSaltedPHCStringsOfTheStatedCost(t *testing.T) {
	p := argon2.New()
	a, _ := p.Hash(t.Context(), "same")
	b, _ := p.Hash(t.Context(), "same")
	if a == b {
		t.Error("two hashes of one password are equal: no salt")
	}
	form := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`)
	if !form.MatchString(a) {
		t.Errorf("hash %q has another form", a)
	}
}

func TestHashesOfOtherProgramsAreUnderstood(t *testing.T) {
	ok, err := argon2.New().Verify(t.Context(), referenceHash, "password")
	if err != nil || !ok {
		t.Errorf("Verify = %v, %v", ok, err)
	}
}

func TestAHashThatCannotBeReadMatchesNothing(t *testing.T) {
	p := argon2.New()
	hash, _ := p.Hash(t.Context(), "")
	bad := map[string]string{
		"empty":            "",
		"text":             "password",
		"bcrypt":           "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"another variant":  strings.Replace(hash, "argon2id", "argon2i", 1),
		"another version":  strings.Replace(hash, "v=19", "v=16", 1),
		"too much memory":  strings.Replace(hash, "m=19456", "m=4194304", 1),
		"too long":         strings.Replace(hash, "t=2", "t=4000000000", 1),
		"no iterations":    strings.Replace(hash, "t=2", "t=0", 1),
		"no threads":       strings.Replace(hash, "p=1", "p=0", 1),
		"too many threads": strings.Replace(hash, "p=1", "p=255", 1),
		"negative":         strings.Replace(hash, "t=2", "t=-2", 1),
		"a field missing":  hash[:strings.LastIndex(hash, "$")],
		"a field more":     hash + "$",
		"no key":           hash[:strings.LastIndex(hash, "$")+1],
		"a short key":      hash[:strings.LastIndex(hash, "$")+5],
		"padding":          hash + "=",
	}
	for name, h := range bad {
		for _, password := range []string{"", "password"} {
			if ok, err := p.Verify(t.Context(), h, password); ok || err != nil {
				t.Errorf("%s: Verify(%q, %q) = %v, %v", name, h, password, ok, err)
			}
		}
	}
}

// What is compared is the fastest of several runs: noise only ever adds time.
// The time itself is measured by BenchmarkKnownAndUnknown, where a busy machine fails nothing.
func TestAMissingHashCostsTheSame(t *testing.T) {
	p := argon2.New()
	hash, _ := p.Hash(t.Context(), "password")
	want, n := argon2.Cost(hash), argon2.Hashed(p)
	if argon2.Cost("") != want || argon2.Cost("$argon2id$v=19$m=1") != want {
		t.Errorf("a missing hash costs %v, a real one %v", argon2.Cost(""), want)
	}
	for _, h := range []string{hash, "", "$argon2id$v=19$m=1"} {
		_, _ = p.Verify(t.Context(), h, "password")
		if n++; argon2.Hashed(p) != n {
			t.Errorf("Verify(%q) has hashed %d times in all, want %d", h, argon2.Hashed(p), n)
		}
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	p := argon2.New()
	release := argon2.Occupy(p)
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Verify(ctx, "", "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Verify = %v, want the deadline", err)
	}
	if _, err := p.Hash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Hash = %v, want the deadline", err)
	}
}

func TestACallerThatHasGivenUpCostsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // a slot is free: the choice between it and ctx is random
		if _, err := argon2.New().Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
			t.Fatalf("Hash = %v, want Canceled", err)
		}
	}
}

func TestSlotsAreGivenBack(t *testing.T) {
	p := argon2.New()
	var wg sync.WaitGroup
	for range 3 * p.Slots() {
		wg.Go(func() {
			if _, err := p.Hash(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	argon2.Occupy(p)() // would wait for ever if one were lost
}
