// Package totp computes second factors: time-based one-time passwords as
// authenticator apps know them (RFC 6238 with SHA-1, 6 digits and 30 seconds).
package totp

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

const (
	period      = 30 // seconds
	skew        = 1  // steps, for clocks that differ and people who type slowly
	digits      = otp.DigitsSix
	secretBytes = 20 // RFC 4226, section 4: as long as the hash
)

// encoding is how secrets are written in otpauth URLs.
var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Passwords implements ports.OneTimePasswords. It is safe for concurrent use.
type Passwords struct{ issuer string }

// New returns one-time passwords that authenticator apps list under issuer.
func New(issuer string) *Passwords { return &Passwords{issuer: issuer} }

// NewSecret implements ports.OneTimePasswords: 20 random bytes.
func (p *Passwords) NewSecret(account string) (secret []byte, url string, err error) {
	secret = make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: p.issuer, AccountName: account, Secret: secret,
		Period: period, Digits: digits, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return nil, "", fmt.Errorf("make a secret for one-time passwords: %w", err)
	}
	return secret, key.URL(), nil
}

// Check implements ports.OneTimePasswords. The code is exactly six digits. It
// takes the same time whichever step the code is of, or none. If a code happens
// to be that of two steps, the later counts, so that it is not good again.
func (p *Passwords) Check(secret []byte, code string, now time.Time, after int64) (step int64, ok bool) {
	if len(secret) == 0 { // everybody can compute the codes of no secret
		return 0, false
	}
	key, current := encoding.EncodeToString(secret), now.Unix()/period
	for s := current - skew; s <= current+skew; s++ {
		want, err := hotp.GenerateCodeCustom(key, uint64(max(s, 0)), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		same := subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1
		if err == nil && same && s >= 0 && s > after {
			step, ok = s, true
		}
	}
	return step, ok
}
