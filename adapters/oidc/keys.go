package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-755a8038/coffer/core"
)

const (
	keysMaxAge = 15 * time.Minute // how long a withdrawn key may go on counting
	minRSABits = 2048             // RFC 7518, section 3.3
	maxKeys    = 64
)

// algorithms are those with which an issuer may sign: with a private key. With
// HMAC, whoever knows the public key could sign; with none, everybody.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// errSignature says no more than that, as the reasons are the attacker's to find.
var errSignature = errors.New("the signature is not one of the issuer's")

// keySet is the published keys of an issuer.
type keySet struct{ *fetched[[]jose.JSONWebKey] }

// verify returns the payload of a token if the issuer signed it. typ is what the
// header says the token is, in lower case. Errors are core.ErrUnavailable if
// the keys cannot be had, and else the token's fault.
func (k keySet) verify(ctx context.Context, token string) (payload []byte, typ string, err error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return nil, "", err
	}
	header := jws.Signatures[0].Protected
	typ, _ = header.ExtraHeaders[jose.HeaderType].(string)
	typ = strings.ToLower(typ)
	for _, newer := range []bool{false, true} { // an unknown key may have been published since
		keys, err := k.get(ctx, newer)
		if err != nil {
			return nil, "", fmt.Errorf("%w (the issuer's keys: %w)", core.ErrUnavailable, err)
		}
		known := false
		for _, key := range keys {
			if header.KeyID != "" && key.KeyID != header.KeyID || key.Algorithm != "" && key.Algorithm != header.Algorithm {
				continue
			}
			known = header.KeyID != ""
			if payload, err := jws.Verify(key.Key); err == nil {
				return payload, typ, nil
			}
		}
		if known {
			break
		}
	}
	return nil, "", errSignature
}

// fetchKeys gets the keys at an address. Those that cannot be used to verify
// are left out: they are for something else, or of a later time.
func fetchKeys(ctx context.Context, client *http.Client, address string) ([]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", address, resp.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("GET %s: %w", address, err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && verifies(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("GET %s: none of %d keys can verify a token", address, len(set.Keys))
	}
	return keys, nil
}

// verifies reports whether the key is a public one, strong enough, for signatures.
func verifies(key jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" || key.Algorithm != "" && !slices.Contains(algorithms, jose.SignatureAlgorithm(key.Algorithm)) {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}
