package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-755a8038/coffer/client"
)

// Exit codes, as `coffer help exit-codes` explains them.
const (
	ExitError       = 1
	ExitUsage       = 2
	ExitSignIn      = 3
	ExitNotFound    = 4
	ExitNotAllowed  = 5
	ExitConflict    = 6
	ExitLimit       = 7
	ExitUnreachable = 8
	ExitInterrupted = 130 // as a shell has it for SIGINT
)

const exitCodes = `Every command that uses a server ends with one of these:

    0  done
    1  an error of another kind; some files of several could not be read or written
    2  wrong usage: arguments, flags, or a value that the server does not take
    3  sign in (again): no, expired or wrong credentials
    4  there is no such thing, or you may not see it
    5  you may not do this
    6  conflict: a name is taken, a file is there already, somebody was faster
    7  a limit is reached, or the licence does not include this
    8  the server cannot be reached, or cannot answer now
  130  interrupted

Where several files are transferred, the code is that of the first failure.`

func exitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodes}
}

// Error is why a command did not do what was asked, and what to do about it.
type Error struct {
	Code int // the exit code
	What string
	Next string // empty: nothing is known to help
	Err  error  // what it comes from, if anything
}

// Error implements error.
func (e *Error) Error() string {
	if e.Next == "" {
		return e.What
	}
	return e.What + " — " + e.Next
}

// Unwrap returns what it comes from.
func (e *Error) Unwrap() error { return e.Err }

func usage(cmd *cobra.Command, err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return &Error{Code: ExitUsage, What: line, Next: "see " + cmd.CommandPath() + " --help"}
}

// explain makes any error one that says what to do next.
func (a *app) explain(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	e := &Error{Code: ExitError, What: err.Error(), Err: err}
	answer, answered := errors.AsType[*client.Error](err)
	away, unreachable := errors.AsType[*client.UnreachableError](err)
	switch {
	case errors.Is(err, context.Canceled), a.interrupted():
		e.Code, e.What, e.Next = ExitInterrupted, "interrupted", "give the same command again, and a transfer goes on where it was"
	case answered:
		e.Code, e.Next = a.answered(answer)
	case unreachable:
		e.Code, e.What = ExitUnreachable, unreached(away)
		e.Next = "check the address and your network, or ask who runs it"
	case errors.Is(err, client.ErrChecksum):
		e.Next = "give the same command again"
	case errors.Is(err, client.ErrChanged):
		e.Next = "give the command again when nothing writes to it"
	case errors.Is(err, fs.ErrNotExist):
		e.Code, e.Next = ExitNotFound, "check the path"
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Next = ExitNotAllowed, "check who may read and write it"
	}
	return e
}

// interrupted reports whether somebody has ended the command.
func (a *app) interrupted() bool {
	return a.cmd != nil && a.cmd.Context() != nil && a.cmd.Context().Err() != nil
}

// nexts is what to do about answers of the server, by their code.
var nexts = map[string]struct {
	code int
	next string
}{
	"invalid_credentials":   {ExitSignIn, "check the address and the password"},
	"totp_required":         {ExitSignIn, "sign in with the code of your authenticator app"},
	"invalid_totp_code":     {ExitSignIn, "wait for the next code of your authenticator app"},
	"email_unverified":      {ExitNotAllowed, "open the link in the mail that you were sent"},
	"key_not_allowed":       {ExitNotAllowed, "make a key with more permissions, or sign in: coffer login"},
	"name_taken":            {ExitConflict, "choose another name, or say what to do: see --help"},
	"drive_name_taken":      {ExitConflict, "choose another name"},
	"upload_busy":           {ExitConflict, "wait a moment and give the same command again"},
	"folder_into_itself":    {ExitConflict, "choose a folder that is not inside the one you move or copy"},
	"precondition_failed":   {ExitConflict, "look again, and repeat your change"},
	"idempotency_conflict":  {ExitConflict, "give the same command again"},
	"validation_failed":     {ExitUsage, "correct it and try again"},
	"rate_limited":          {ExitError, "wait a little and try again"},
	"feature_unavailable":   {ExitLimit, "ask the owner of the organisation for a licence that includes it"},
	"share_policy":          {ExitNotAllowed, "the organisation's rules for links forbid it: add what they ask for, such as --expires or --password"},
	"trashed":               {ExitConflict, "get it back first: coffer restore"},
	"http_error":            {ExitError, "check that the address is that of a Coffer server"},
	"checksum_mismatch":     {ExitError, "give the same command again"},
	"invalid_token":         {ExitSignIn, "sign in again: coffer login"},
	"user_disabled":         {ExitNotAllowed, "ask who runs the server"},
	"mail_refused":          {ExitUsage, "check the address"},
	"too_many_streams":      {ExitLimit, "end another one first"},
	"org_deleted":           {ExitNotFound, "choose another organisation: coffer use"},
	"not_trashed":           {ExitConflict, "it is where it was: coffer ls"},
	"webhook_inactive":      {ExitConflict, "switch it on first"},
	"product_slug_taken":    {ExitConflict, "choose another --slug"},
	"already_in_group":      {ExitConflict, "nothing is left to do"},
	"already_linked":        {ExitConflict, "nothing is left to do"},
	"product_empty":         {ExitConflict, "add a file first: coffer products add"},
	"product_state":         {ExitConflict, "look at its status: coffer products ls"},
	"account_state":         {ExitNotAllowed, "ask an admin of the organisation"},
	"not_a_folder":          {ExitUsage, "name a folder"},
	"root_folder":           {ExitUsage, "name a file or folder below it"},
	"personal_org":          {ExitNotAllowed, "use an organisation of several people: coffer use"},
	"sign_in_refused":       {ExitSignIn, "try again, or another way to sign in"},
	"sign_in_invalid":       {ExitSignIn, "begin again: coffer login"},
	"share_exhausted":       {ExitLimit, "ask who sent you the link for another"},
	"too_many_nodes":        {ExitLimit, "do it in several steps"},
	"upload_not_found":      {ExitNotFound, "give the same command again"},
	"upload_incomplete":     {ExitError, "give the same command again"},
	"size_mismatch":         {ExitError, "give the command again when nothing writes to the file"},
	"refresh_token_reused":  {ExitSignIn, "sign in again: coffer login"},
	"invalid_refresh_token": {ExitSignIn, "sign in again: coffer login"},
	"session_required":      {ExitSignIn, "sign in: coffer login"},
	"slug_taken":            {ExitConflict, "choose another --slug, or leave out what is different"},
	"manifest_invalid":      {ExitUsage, "mend that and give the same command again: what was uploaded stays"},
	"version_conflict":      {ExitConflict, "look at it (coffer dataset get), and give the same command again to replace it"},
	"publish_in_progress":   {ExitConflict, "wait until that is done, and give the same command again"},
	"session_closed":        {ExitConflict, "give the same command again"},
	"dataset_archived":      {ExitConflict, "take it out of the archive first"},
	"dataset_unpublished":   {ExitNotFound, "publish something first: coffer dataset publish"},
}

// answered says what to do about an answer.
func (a *app) answered(e *client.Error) (code int, next string) {
	if n, ok := nexts[e.Code]; ok {
		return n.code, n.next
	}
	switch {
	case e.Code == "limit_exceeded":
		return ExitLimit, limitReached(e)
	case e.Status == http.StatusUnauthorized:
		return ExitSignIn, renewal(a.server)
	case e.Status == http.StatusPaymentRequired:
		return ExitLimit, "ask the owner of the organisation"
	case e.Status == http.StatusForbidden:
		return ExitNotAllowed, "ask an admin of the organisation"
	case e.Status == http.StatusNotFound, e.Status == http.StatusGone:
		return ExitNotFound, "check the name: coffer ls"
	case e.Status == http.StatusConflict, e.Status == http.StatusPreconditionFailed, e.Status == http.StatusLocked:
		return ExitConflict, "look at what is there, and try again"
	case e.Status == http.StatusBadRequest, e.Status == http.StatusUnprocessableEntity:
		return ExitUsage, "correct it and try again"
	case e.Status == http.StatusBadGateway, e.Status == http.StatusServiceUnavailable, e.Status == http.StatusGatewayTimeout:
		return ExitUnreachable, "wait a little and try again"
	}
	if e.RequestID != "" {
		return ExitError, "tell who runs the server the request " + e.RequestID
	}
	return ExitError, ""
}

// unreached says which server is away, without the address that was asked: a
// signed one is a secret.
func unreached(away *client.UnreachableError) string {
	err := away.Err
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Sprintf("the server %s cannot be reached: %v", away.Server, err)
}

// renewal says how to get in again, by the way that was taken.
func renewal(server string) string {
	switch {
	case os.Getenv(envAPIKey) != "":
		return "the API key is wrong, expired or revoked: make another with coffer keys create"
	case os.Getenv(envToken) != "":
		return "the token is wrong or has expired: set " + envToken + " to another"
	}
	return "sign in again: coffer login --server " + server
}

// limitReached says which limit, and what helps.
func limitReached(e *client.Error) string {
	limit := fmt.Sprint(e.Members["limit"])
	switch {
	case strings.Contains(limit, "upload_size"):
		return "the file is too large for the licence: a larger one helps"
	case strings.Contains(limit, "storage"), strings.Contains(limit, "quota"):
		return "remove files for good (coffer rm --permanent) or get a larger licence"
	}
	return "remove something or get a larger licence"
}
