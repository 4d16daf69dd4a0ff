package sealing_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/sealing"
	"github.com/seed-755a8038/coffer/ports"
)

var _ ports.Secrets = (*sealing.Secrets)(nil)

func newSecrets(t *testing.T, secret string) *sealing.Secrets {
	t.Helper()
	s, err := sealing.New([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const secretA, secretB = "first-secret-for-tests-0123456789abcdef", "other-secret-for-tests-0123456789abcdef"

func TestAShortSecretIsRefused(t *testing.T) {
	if _, err := sealing.New(make([]byte, 31)); err == nil {
		t.Error("31 bytes were accepted")
	}
}

func TestWhatIsSealedComesBack(t *testing.T) {
	s := newSecrets(t, secretA)
	for _, data := range [][]byte{{}, []byte("x"), bytes.Repeat([]byte("long "), 100_000)} {
		sealed, err := s.Seal(data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := newSecrets(t, secretA).Open(sealed)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back as %d, %v", len(data), len(got), err)
		}
	}
}

func TestTheSameDataIsSealedDifferentlyEachTime(t *testing.T) {
	s := newSecrets(t, secretA)
	a, _ := s.Seal([]byte("data"))
	b, _ := s.Seal([]byte("data"))
	if bytes.Equal(a, b) {
		t.Error("two seals are equal: the nonce repeats")
	}
}

func TestEveryChangedByteIsNoticed(t *testing.T) {
	s := newSecrets(t, secretA)
	sealed, _ := s.Seal([]byte("attack at dawn"))
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := s.Open(bad); !errors.Is(err, sealing.ErrOpen) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := s.Open(sealed[:i]); !errors.Is(err, sealing.ErrOpen) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := newSecrets(t, secretB).Open(sealed); !errors.Is(err, sealing.ErrOpen) {
		t.Errorf("another secret opened it: %v", err)
	}
}

func TestFingerprintsTellPartsApart(t *testing.T) {
	s := newSecrets(t, secretA)
	seen := map[string][]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"", "ab"}, {"ab", ""}, {"b", "a"}} {
		var data [][]byte
		for _, p := range parts {
			data = append(data, []byte(p))
		}
		f := string(s.Fingerprint(data...))
		if other, ok := seen[f]; ok {
			t.Errorf("%q and %q have one fingerprint", parts, other)
		}
		seen[f] = parts
		if len(f) != 32 || f != string(newSecrets(t, secretA).Fingerprint(data...)) {
			t.Errorf("the fingerprint of %q is not constant", parts)
		}
	}
	if bytes.Equal(s.Fingerprint([]byte("a")), newSecrets(t, secretB).Fingerprint([]byte("a"))) {
		t.Error("the fingerprint does not depend on the secret")
	}
}

func TestKeysDependOnLabelAndSecretAndNothingElse(t *testing.T) {
	a := newSecrets(t, secretA)
	if k := a.Key("x"); len(k) != 32 || !bytes.Equal(k, newSecrets(t, secretA).Key("x")) {
		t.Errorf("Key = %x, not constant", k)
	}
	if bytes.Equal(a.Key("x"), a.Key("y")) || bytes.Equal(a.Key("x"), newSecrets(t, secretB).Key("x")) {
		t.Error("keys repeat")
	}
}

// A key that changes between releases would end every session and every signed
// URL, and make sealed data unreadable. The value was computed independently:
// HMAC-SHA256(HMAC-SHA256(32 zero bytes, secret), "coffer/v1/access-token" || 0x01).
func TestKeysAreStableAcrossReleases(t *testing.T) {
	const want = "903690d6e2fb4813251c2a19ac1a9f01295ba3dc1e9bd1df52e27144bdf3ffe2"
	if got := hex.EncodeToString(newSecrets(t, secretA).Key("access-token")); got != want {
		t.Errorf("Key = %s, want %s", got, want)
	}
}

func TestTokensAre32RandomBytes(t *testing.T) {
	s := newSecrets(t, secretA)
	seen := map[string]bool{}
	for range 1000 {
		token := s.Token()
		b, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(b) != 32 || seen[token] {
			t.Fatalf("token %q: %d bytes, %v, seen before: %v", token, len(b), err, seen[token])
		}
		seen[token] = true
	}
}
