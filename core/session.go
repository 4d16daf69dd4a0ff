package core

import "time"

// What can go wrong with a session.
var (
	ErrRefreshInvalid = &Error{Kind: KindUnauthenticated, Code: "invalid_refresh_token", Message: "the refresh token is unknown, expired or revoked; sign in again"}
	ErrRefreshReused  = &Error{Kind: KindUnauthenticated, Code: "refresh_token_reused", Message: "the refresh token was already used; for safety its session has ended: sign in again"}
)

// SessionID identifies a session.
type SessionID = ID[Session]

// Session is a family of refresh tokens: one sign-in on one device. Only the
// hash of the current token is stored; each use replaces it.
type Session struct {
	ID         SessionID
	UserID     UserID
	TokenHash  []byte // SHA-256 of the current refresh token
	UserAgent  string
	Address    string // of the last use
	CreatedAt  time.Time
	LastSeenAt time.Time
	ExpiresAt  time.Time
	RevokedAt  time.Time
}

// NewSession returns a session that lives for ttl from now on unless used.
func NewSession(id SessionID, user UserID, tokenHash []byte, from Client, now time.Time, ttl time.Duration) *Session {
	return &Session{
		ID: id, UserID: user, TokenHash: tokenHash, UserAgent: from.Clipped().UserAgent, Address: from.Address,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(ttl),
	}
}

// Client is where a request came from.
type Client struct {
	Address   string // of the client, behind believed proxies only
	Network   string // of the address, as far as one subscriber has it: what limits count by
	UserAgent string
}

// maxUserAgent is what is kept of a User-Agent, in bytes.
const maxUserAgent = 256

// Clipped returns the client as it is stored.
func (c Client) Clipped() Client {
	c.UserAgent = clip(c.UserAgent, maxUserAgent)
	return c
}

func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xc0 == 0x80 { // not in the middle of a rune
		limit--
	}
	return s[:limit]
}
