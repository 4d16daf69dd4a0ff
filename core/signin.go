package core

import (
	"net/url"
	"strings"
	"time"
)

// What can go wrong when somebody else says who a user is.
var (
	ErrSignInInvalid   = &Error{Kind: KindInvalid, Code: "sign_in_invalid", Message: "this sign-in was not begun in this browser, is over, or took more than ten minutes; begin again"}
	ErrSignInRefused   = &Error{Kind: KindForbidden, Code: "sign_in_refused", Message: "the provider did not sign you in"}
	ErrEmailUnverified = &Error{Kind: KindForbidden, Code: "email_unverified", Message: "the provider does not vouch for an e-mail address of yours: confirm your address there, then sign in again"}
	ErrSessionRequired = &Error{Kind: KindForbidden, Code: "session_required", Message: "a token of another issuer has no session: name the organisation in the path or by org_id, or sign in here"}
)

// SignInTTL is how long a person may take at a provider.
const SignInTTL = 10 * time.Minute

const (
	maxReturnTo     = 1024 // bytes
	challengeLength = 43   // of a SHA-256 in base64url
)

// VouchedEmail returns the clean form of an address that another issuer vouches
// for, or ErrEmailUnverified. Two addresses that only Unicode takes for one, as
// with the Kelvin sign for a k, may be two people's: these are refused.
func VouchedEmail(raw string, verified bool, nfc NFC) (string, error) {
	email, err := CleanEmail("email", raw, nfc)
	if err != nil || !verified || email != strings.Map(lowerASCII, raw) {
		return "", ErrEmailUnverified
	}
	return email, nil
}

func lowerASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// CheckReturnTo refuses an address to lead a browser to after it has signed in
// unless it is of the app, or of a program on the person's own machine (RFC
// 8252, section 7.3).
func CheckReturnTo(raw, appURL string) error {
	const location = "query.return_to"
	strange := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }
	if len(raw) > maxReturnTo || strings.ContainsFunc(raw, strange) {
		return Invalid(location, "must be an address of at most 1024 plain characters")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || strings.Contains(raw, "#") {
		return Invalid(location, "must be an address such as http://127.0.0.1:7777/done, without a user or a fragment")
	}
	app, err := url.Parse(appURL)
	if err == nil && app.Host != "" && u.Scheme == app.Scheme && strings.EqualFold(u.Host, app.Host) {
		return nil
	}
	if host := u.Hostname(); u.Scheme == "http" && (host == "127.0.0.1" || host == "::1" || host == "localhost") {
		return nil
	}
	return Invalid(location, "must be of the app, or http of this machine: 127.0.0.1, [::1] or localhost")
}

// CheckChallenge refuses what is not the S256 challenge of a verifier (RFC 7636).
func CheckChallenge(challenge string) error {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	if len(challenge) != challengeLength || strings.ContainsFunc(challenge, other) {
		return Invalid("query.challenge", "must be the SHA-256 of a verifier as 43 characters of base64url")
	}
	return nil
}
