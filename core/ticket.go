package core

import "time"

// What can go wrong with a ticket.
var (
	ErrTicketInvalid = &Error{Kind: KindInvalid, Code: "invalid_token", Message: "the link is wrong, was used already, or has expired; ask for a new one"}
)

// ErrMailRefused reports mail that will never be delivered.
var ErrMailRefused = &Error{Kind: KindInvalid, Code: "mail_refused", Message: "the mail server refuses this address"}

// TicketKind says what a ticket is good for.
type TicketKind string

// The kinds of ticket.
const (
	VerifyEmail   TicketKind = "verify_email"
	ResetPassword TicketKind = "reset_password"
	Invitation    TicketKind = "invitation"
	SignIn        TicketKind = "sign_in"
)

// How long tickets are good.
const (
	VerifyEmailTTL   = 48 * time.Hour
	ResetPasswordTTL = time.Hour
	InvitationTTL    = 7 * 24 * time.Hour
	SignInTicketTTL  = time.Minute
)

// Ticket is a secret that was handed to somebody, good once. One that was mailed
// shows that who brings it has read the mail to that address; one of the kind
// SignIn, that they have signed in. Only its hash is stored.
type Ticket struct {
	Hash      []byte // SHA-256 of the secret
	Kind      TicketKind
	UserID    UserID    // whose, but for an invitation
	AccountID AccountID // for an invitation
	OrgID     OrgID     // likewise
	Email     string    // to which it was sent, or whose it is
	CreatedAt time.Time
	ExpiresAt time.Time
}
