// Package core is the domain: its aggregates, their rules, their errors.
// It depends on nothing but the standard library and does no I/O.
package core

import (
	"errors"
	"maps"
)

// Kind classifies an error by what the caller can do about it. The zero Kind
// is KindInternal, so an error nobody classified is never shown to a client.
type Kind uint8

// The kinds of error the domain distinguishes.
const (
	KindInternal        Kind = iota // a bug or an outage; details stay in the log
	KindMalformed                   // the request cannot be understood
	KindInvalid                     // the request is understood and breaks a rule
	KindUnauthenticated             // the caller is unknown
	KindPayment                     // the licence in force does not cover it
	KindForbidden                   // the caller is known and not allowed
	KindNotFound                    // no such thing, or not visible to the caller
	KindConflict                    // the request lost a race or clashes with existing state
	KindGone                        // it was there and has ended
	KindPrecondition                // the caller's copy is stale
	KindTooLarge                    // more bytes than allowed
	KindLocked                      // held by an operation that is still running
	KindRateLimited                 // too many requests; Details["retry_after"] says when, in seconds
	KindUnavailable                 // a dependency is down; try again
)

// Error is a failure the domain names. Code is stable and machine-readable;
// Message is for people and safe to show. Two Errors are the same, for
// errors.Is, when their codes are.
type Error struct {
	Kind    Kind
	Code    string
	Message string
	Fields  []FieldError   // what is wrong where, for KindInvalid
	Details map[string]any // further members of the answer, JSON values
}

// FieldError says what is wrong with one field. Location is dotted, as in
// "body.name".
type FieldError struct {
	Location string
	Message  string
}

func (e *Error) Error() string { return e.Message }

// Is reports whether target names the same failure.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns a copy of e that carries one more detail.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Details = maps.Clone(e.Details)
	if c.Details == nil {
		c.Details = make(map[string]any, 1)
	}
	c.Details[key] = value
	return &c
}

// Say returns a copy of e with another message.
func (e *Error) Say(message string) *Error {
	c := *e
	c.Message = message
	return &c
}

// Errors shared by every aggregate.
var (
	ErrForbidden       = &Error{Kind: KindForbidden, Code: "forbidden", Message: "you are not allowed to do this"}
	ErrUnauthenticated = &Error{Kind: KindUnauthenticated, Code: "unauthenticated", Message: "sign in: the request carries no valid credential"}
	ErrNotFound        = &Error{Kind: KindNotFound, Code: "not_found", Message: "no such resource, or it is not visible to you"}
	ErrStale           = &Error{Kind: KindPrecondition, Code: "precondition_failed", Message: "changed by someone else meanwhile; load it again and retry"}
	ErrConflict        = &Error{Kind: KindConflict, Code: "conflict", Message: "the request clashes with the present state; load it again and retry"}
	ErrUnavailable     = &Error{Kind: KindUnavailable, Code: "unavailable", Message: "a part of the server is not available right now; try again shortly"}
)

// KindOf reports the kind of the first Error in err's chain, or KindInternal.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}

// Invalid returns a KindInvalid error about one field of the request.
func Invalid(location, message string) *Error {
	return &Error{
		Kind: KindInvalid, Code: "validation_failed", Message: message,
		Fields: []FieldError{{Location: location, Message: message}},
	}
}
