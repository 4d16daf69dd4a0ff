// Package sealing derives every key of the server from its one secret, and
// seals, fingerprints and makes secrets with them.
package sealing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	minSecretBytes = 32
	keyBytes       = 32 // AES-256, HMAC-SHA256
	tokenBytes     = 32

	// info separates these keys from any other use of the same secret.
	info = "coffer/v1/"

	// sealedV1 is the first byte of what Seal returns, so that another key or
	// cipher can be told apart later.
	sealedV1 = 1
)

// ErrOpen reports sealed data that was cut, changed, or sealed under another secret.
var ErrOpen = errors.New("sealed data is damaged or belongs to another secret")

// Secrets implements ports.Secrets. It is safe for concurrent use.
type Secrets struct {
	root        []byte
	fingerprint []byte
	seal        cipher.AEAD
}

// New returns the secrets of a server whose secret has at least 32 bytes.
func New(secret []byte) (*Secrets, error) {
	if len(secret) < minSecretBytes {
		return nil, fmt.Errorf("the server secret has %d bytes, it needs at least %d", len(secret), minSecretBytes)
	}
	// Extracting once makes each later derivation one HMAC.
	root, err := hkdf.Extract(sha256.New, secret, nil)
	if err != nil {
		return nil, fmt.Errorf("extract the root key: %w", err)
	}
	s := &Secrets{root: root}
	s.fingerprint = s.Key("fingerprint")
	block, err := aes.NewCipher(s.Key("seal"))
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	if s.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	return s, nil
}

// Key returns the 32-byte key of that label (HKDF-SHA256, RFC 5869). Each
// purpose has a label of its own: no key tells anything about another.
func (s *Secrets) Key(label string) []byte {
	key, err := hkdf.Expand(sha256.New, s.root, info+label, keyBytes)
	if err != nil {
		// Only an output over 255 hashes long fails, or a policy that forbids SHA-256.
		panic(fmt.Sprintf("derive a key: %v", err))
	}
	return key
}

// Token implements ports.Secrets.
func (s *Secrets) Token() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Fingerprint implements ports.Secrets: HMAC-SHA256 over the parts, each after
// its length, so that parts divided differently have different fingerprints.
func (s *Secrets) Fingerprint(data ...[]byte) []byte {
	h := hmac.New(sha256.New, s.fingerprint)
	var length [8]byte
	for _, part := range data {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

// Seal implements ports.Secrets: AES-256-GCM with a random nonce, good for
// 2³² messages (NIST SP 800-38D).
func (s *Secrets) Seal(data []byte) ([]byte, error) {
	header := []byte{sealedV1}
	out := make([]byte, 1, 1+len(data)+s.seal.Overhead())
	out[0] = sealedV1
	return s.seal.Seal(out, nil, data, header), nil //nolint:gosec // the cipher makes and prepends the nonce
}

// Open implements ports.Secrets. It returns ErrOpen for anything but the
// untouched result of Seal under the same secret.
func (s *Secrets) Open(sealed []byte) ([]byte, error) {
	if len(sealed) < 1+s.seal.Overhead() || sealed[0] != sealedV1 {
		return nil, ErrOpen
	}
	data, err := s.seal.Open(nil, nil, sealed[1:], sealed[:1])
	if err != nil {
		return nil, ErrOpen
	}
	return data, nil
}
