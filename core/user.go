package core

import "time"

// What can go wrong with a user.
var (
	ErrEmailTaken         = &Error{Kind: KindConflict, Code: "email_taken", Message: "there is already an account with this e-mail address; sign in instead"}
	ErrInvalidCredentials = &Error{Kind: KindUnauthenticated, Code: "invalid_credentials", Message: "e-mail address or password is wrong"}
	ErrTOTPRequired       = &Error{Kind: KindUnauthenticated, Code: "totp_required", Message: "the password is right; send totp_code, too"}
	ErrTOTPWrong          = &Error{Kind: KindUnauthenticated, Code: "invalid_totp_code", Message: "the code is wrong or was used; wait for the next one"}
	ErrTOTPEnabled        = &Error{Kind: KindConflict, Code: "totp_enabled", Message: "there is a second factor; remove it first"}
	ErrWrongPassword      = &Error{Kind: KindForbidden, Code: "wrong_password", Message: "the present password is wrong"}
	ErrNoPassword         = &Error{Kind: KindConflict, Code: "no_password", Message: "this user signs in elsewhere and has no password; ask for a link to set one (POST /api/auth/password/forgot)"}
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
	TOTP            TOTP
	DeletedAt       time.Time // the row stays for what refers to it, without what it said of a person
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

// TOTP is a user's second factor: a time-based one-time password (RFC 6238).
type TOTP struct {
	Secret      []byte // sealed; nil: none
	ConfirmedAt time.Time
	LastStep    int64    // the time step of the last code taken: a code is good once
	Recovery    [][]byte // SHA-256 of the recovery codes that are left
}

// Enabled reports whether signing in asks for a code.
func (t TOTP) Enabled() bool { return t.Secret != nil && !t.ConfirmedAt.IsZero() }

// Identity is how an external issuer of identities knows a user.
type Identity struct {
	Issuer    string
	Subject   string
	UserID    UserID
	CreatedAt time.Time
}

// Verified reports whether the user has shown to own the address.
func (u *User) Verified() bool { return !u.EmailVerifiedAt.IsZero() }

// Verify records that the user owns the address.
func (u *User) Verify(now time.Time) {
	if !u.Verified() {
		u.EmailVerifiedAt = now
		u.touch(now)
	}
}

// Claim gives the user to who has proven to own the address, away from whoever
// signed up with it without: what they know is good for nothing any more.
func (u *User) Claim(now time.Time) {
	u.PasswordHash, u.TOTP, u.EmailVerifiedAt = "", TOTP{}, now
	u.touch(now)
}

// ChangePassword replaces the password.
func (u *User) ChangePassword(hash string, now time.Time) {
	u.PasswordHash = hash
	u.touch(now)
}

// Rename gives the user another name, in the form of CleanTitle.
func (u *User) Rename(name string, now time.Time) {
	u.Name = name
	u.touch(now)
}

// SetTOTP replaces the second factor.
func (u *User) SetTOTP(t TOTP, now time.Time) {
	u.TOTP = t
	u.touch(now)
}

// Disable shuts the user out, or lets them in again.
func (u *User) Disable(disabled bool, now time.Time) {
	u.DisabledAt = time.Time{}
	if disabled {
		u.DisabledAt = now
	}
	u.touch(now)
}

// Promote makes the user a platform admin, or takes that back.
func (u *User) Promote(admin bool, now time.Time) {
	u.PlatformAdmin = admin
	u.touch(now)
}

// Delete forgets the person: what remains is an id.
func (u *User) Delete(now time.Time) {
	u.Email, u.Name = "deleted-"+u.ID.String(), "Deleted user"
	u.PasswordHash, u.TOTP, u.EmailVerifiedAt, u.PlatformAdmin = "", TOTP{}, time.Time{}, false
	u.DisabledAt, u.DeletedAt = now, now
	u.touch(now)
}

// Deleted reports whether the user has gone.
func (u *User) Deleted() bool { return !u.DeletedAt.IsZero() }

func (u *User) touch(now time.Time) {
	u.Version++
	u.UpdatedAt = now
}

// Disabled reports whether an operator has shut the user out.
func (u *User) Disabled() bool { return !u.DisabledAt.IsZero() }
