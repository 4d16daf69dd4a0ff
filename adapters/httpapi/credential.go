package httpapi

import (
	"encoding/hex"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/core"
)

const keyHeader = "X-Api-Key" // in the form that http.Header keeps

// errTwoCredentials reports a request of which nobody can tell whose it is.
var errTwoCredentials = &core.Error{
	Kind: core.KindMalformed, Code: errMalformed.Code, Message: "send either Authorization or X-API-Key, and that once",
}

// errNoKey reports a person where only a script has an answer.
var errNoKey = core.ErrUnauthenticated.Say("this is about the API key of the request, which has none: send X-API-Key")

// identifyKey finds out which API key sends the request, as far as the key
// itself tells.
func (r *request) identifyKey(sent []string, now time.Time) {
	r.keyed = true
	if len(sent) > 1 || r.http.Header.Get("Authorization") != "" {
		r.denied = errTwoCredentials
		return
	}
	r.actor, r.denied = core.ActorByKey(sent[0], now)
	r.actor.From = r.client
}

// admit refuses a request whose credential the operation does not take.
func (r *request) admit(op *huma.Operation) error {
	takes := func(name string) bool {
		return slices.ContainsFunc(op.Security, func(scheme map[string][]string) bool { return scheme[name] != nil })
	}
	switch {
	case len(op.Security) == 0:
		return nil
	case r.keyed && r.denied != errTwoCredentials && !takes(schemeAPIKey): //nolint:errorlint // that very one
		return core.ErrKeyNotAllowed
	case !r.keyed && !takes(schemeBearer):
		return errNoKey
	}
	return r.denied
}

// callerName names who sends the request, for what is counted and kept for
// each by itself: "" if that is nobody.
func callerName(a core.Actor) string {
	switch {
	case !a.UserID.IsZero():
		return a.UserID.String()
	case a.ByKey():
		return "key " + hex.EncodeToString(a.Key.Hash[:])
	}
	return ""
}

// maxKnownKeys bounds the memory of knownKeys to about a megabyte.
const maxKnownKeys = 20_000

// knownKeys are the API keys that have been good for something lately. Anybody
// can make up any number of others: those count as their address.
type knownKeys struct {
	mu   sync.RWMutex
	keys map[[32]byte]struct{}
}

func (k *knownKeys) has(a core.Actor) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.keys[a.Key.Hash]
	return ok
}

// learn draws the conclusion from how a request with the key has ended.
func (k *knownKeys) learn(a core.Actor, status int) {
	good := status < http.StatusBadRequest
	if !good && status != http.StatusUnauthorized || good && k.has(a) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !good:
		delete(k.keys, a.Key.Hash)
		return
	case k.keys == nil, len(k.keys) >= maxKnownKeys: // of too many, all begin anew
		k.keys = make(map[[32]byte]struct{})
	}
	k.keys[a.Key.Hash] = struct{}{}
}
