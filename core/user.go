package core

import "time"

// What can go wrong with a user.
var (
	ErrEmailTaken         = &Error{Kind: KindConflict, Code: "email_taken", Message: "there is already an account with this e-mail address; sign in instead"}
	ErrInvalidCredentials = &Error{Kind: KindUnauthenticated, Code: "invalid_credentials", Message: "e-mail address or password is wrong"}
	ErrUserDisabled       = &Error{Kind: KindForbidden, Code: "user_disabled", Message: "this user is disabled; ask the operator of the server"}
)

// UserID identifies a user.
type UserID = ID[User]

// User is a human who can authenticate, known to the whole server. What a user
// may do is decided by the accounts that join it to orgs.
type User struct {
	ID              UserID
	Email           string // in the form of CleanEmail; unique
	Name            string
	PasswordHash    string // PHC string; empty for a user of an external identity only
	PersonalOrgID   OrgID
	EmailVerifiedAt time.Time
	PlatformAdmin   bool
	DisabledAt      time.Time
	Version         int64
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// NewUser returns a user with a verified-later address. email and name are clean.
func NewUser(id UserID, email, name, passwordHash string, personal OrgID, now time.Time) *User {
	return &User{
		ID: id, Email: email, Name: name, PasswordHash: passwordHash, PersonalOrgID: personal,
		Version: 1, CreatedAt: now, UpdatedAt: now,
	}
}

// Disabled reports whether an operator has shut the user out.
func (u *User) Disabled() bool { return !u.DisabledAt.IsZero() }
