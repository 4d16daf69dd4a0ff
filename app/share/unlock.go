package share

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

// AccessTTL is how long a password that was shown opens a link.
const AccessTTL = time.Hour

// Wrong passwords make whoever tries them wait: after a few, some seconds each;
// after some more, minutes. That is counted for each link together with each
// network, so that nobody keeps others out, and far more generously for the
// link alone, so that many networks together gain little. None is ever a
// permanent lock.
var (
	passwordQuick = core.Rate{Name: "share-password", Burst: 5, Period: time.Minute}
	passwordSlow  = core.Rate{Name: "share-password-slow", Burst: 20, Period: time.Hour}
	passwordLink  = core.Rate{Name: "share-password-link", Burst: 1000, Period: time.Hour}
)

// Unlock returns what opens a link with this password, for a while: for this
// link, and as long as it keeps this password. A wrong one is
// core.ErrShareWrong, and so is any of a link that has none, after the same
// work.
func (s *Service) Unlock(ctx context.Context, v Visit, password string) (access string, ttl time.Duration, err error) {
	at, err := s.arrive(ctx, v, core.AssetID{})
	if err != nil {
		return "", 0, err
	}
	at.visit.Quiet = false // each try is logged
	if err := s.unlock(ctx, at, password); err != nil {
		return "", 0, s.refuse(ctx, at, core.AccessPassword, core.NodeID{}, err)
	}
	if _, _, err := s.hot.Visit(ctx, s.access(at, core.AccessPassword, core.NodeID{})); err != nil {
		return "", 0, err
	}
	return s.ticket(passwordShown(&at.facts), at.now.Add(AccessTTL)), AccessTTL, nil
}

func (s *Service) unlock(ctx context.Context, at *arrival, password string) error {
	asked, who := at.facts.Password(), at.who
	who.Password = asked.Version // what else is in the way is told first
	if err := core.CanOpen(at.facts, who, at.now); err != nil {
		return err
	}
	link := at.facts.Link.ID.String()
	pair := link + " " + at.visit.From.Network
	for _, level := range []struct {
		rate core.Rate
		key  string
	}{{passwordQuick, pair}, {passwordSlow, pair}, {passwordLink, link}} {
		a, err := s.limiter.Take(ctx, level.rate, level.key, at.now)
		if err != nil {
			return err
		}
		if !a.OK {
			return core.RateLimited(a)
		}
	}
	if len(password) > core.MaxPasswordBytes {
		return core.ErrShareWrong
	}
	ok, err := s.passwords.Verify(ctx, asked.Hash, password)
	switch {
	case err != nil:
		return err
	case !ok || asked.Hash == "":
		return core.ErrShareWrong
	}
	return errors.Join(s.limiter.Forget(ctx, passwordQuick, pair), s.limiter.Forget(ctx, passwordSlow, pair))
}

// shown returns the version of the password that the visitor has shown of those
// that the link asks for, or 0.
func (s *Service) shown(access string, f *core.ShareFacts, now time.Time) int64 {
	if access == "" || f.Password().Hash == "" || !s.holds(access, passwordShown(f), now) {
		return 0
	}
	return f.Password().Version
}

// statement is what a ticket says: a word, so that none passes for another,
// and what it is about.
type statement [][]byte

func passwordShown(f *core.ShareFacts) statement {
	word, p := "share-access", f.Password()
	if p.OfGroup { // whose versions count by themselves
		word = "share-access-of-group"
	}
	return statement{[]byte(word), f.Link.ID[:], binary.BigEndian.AppendUint64(nil, uint64(p.Version))} //nolint:gosec // counts from 0
}

// ticket returns a proof that the server has said so, good until then.
func (s *Service) ticket(says statement, until time.Time) string {
	end := binary.BigEndian.AppendUint64(nil, uint64(until.Unix())) //nolint:gosec // after 1970
	return base64.RawURLEncoding.EncodeToString(append(end, s.secrets.Fingerprint(append(says, end)...)...))
}

// holds reports whether a ticket says so and is good at now.
func (s *Service) holds(ticket string, says statement, now time.Time) bool {
	const endBytes = 8
	raw, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(raw) < endBytes {
		return false
	}
	end, mac := raw[:endBytes], raw[endBytes:]
	until := time.Unix(int64(binary.BigEndian.Uint64(end)), 0) //nolint:gosec // compared with a MAC below
	return hmac.Equal(mac, s.secrets.Fingerprint(append(says, end)...)) && now.Before(until)
}
