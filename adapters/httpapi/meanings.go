package httpapi

// meaning explains a code to people.
type meaning struct {
	status int
	title  string
	advice string
}

// meanings are all codes that a problem can have. A code never changes and is
// never used for something else.
var meanings = map[string]meaning{
	"account_state":          {409, "Account in another state", "An account goes from invited to active, from active to suspended and back, and from any of them to removed. Load it again."},
	"already_member":         {409, "Member already", "The address has an account or an open invitation here. Change or withdraw that one."},
	"blob_exists":            {409, "Bytes exist already", "The bytes have been stored and cannot be replaced. Create another version instead."},
	"blob_not_found":         {404, "Bytes not found", "The blob store does not have the bytes. Tell the operator of the server."},
	"body_too_large":         {413, "Request body too large", "The body of a request may have 1 MiB. The bytes of files do not go through the API: upload them to the signed URLs."},
	"cannot_change_self":     {409, "Not by yourself", "Another platform admin, or the operator on the server's machine, has to do this."},
	"checksum_mismatch":      {422, "Checksum does not match", "The bytes that arrived do not have the declared SHA-256. Begin a new upload."},
	"conflict":               {409, "Conflict", "The request clashes with the present state. Load it again and retry."},
	"cursor_invalid":         {422, "Cursor not valid", "A cursor is for the list it came from, with the same filters. Begin again without one."},
	"email_taken":            {409, "E-mail address taken", "Sign in instead, or use another address."},
	"feature_unavailable":    {403, "Not in the licence", "The member feature says what the licence in force does not include, available_in which one does."},
	"forbidden":              {403, "Not allowed", "Your role does not allow this. Ask an admin of the organisation."},
	"idempotency_conflict":   {409, "Idempotency key used before", "The key was sent with another request. Use a new key for each request."},
	"internal":               {500, "Internal error", "Something went wrong in the server. Give the operator the request_id."},
	"invalid_credentials":    {401, "Wrong e-mail address or password", "Check both; after several wrong ones wait as Retry-After says."},
	"invalid_refresh_token":  {401, "Refresh token not valid", "It is unknown, expired or revoked. Sign in again."},
	"invalid_token":          {422, "Link not valid", "It is wrong, was used already or has expired. Ask for a new one."},
	"invalid_totp_code":      {401, "Wrong code", "It is wrong or was used already. Wait for the next one, or use a recovery code."},
	"invitation_for_another": {403, "Invitation for another address", "Sign in as the user with the invited address."},
	"last_owner":             {409, "Last owner", "An organisation keeps at least one active owner. Make somebody else an owner first. The member orgs, where there is one, says which organisations."},
	"license_built_in":       {409, "Built-in licence", "The four tiers are the same on every server. Define a licence of your own."},
	"license_exists":         {409, "Licence exists", "Choose another name, or change the licence that has it."},
	"limit_exceeded":         {403, "Limit exceeded", "The members limit, max, used and requested say which limit is in the way. Remove something or get a larger licence."},
	"mail_refused":           {422, "Mail refused", "The mail server does not deliver to this address. Check it."},
	"malformed_json":         {400, "Malformed JSON", "The body must be one JSON value in UTF-8, without repeated names, NUL or more than 64 levels."},
	"malformed_request":      {400, "Malformed request", "The request cannot be read; see detail."},
	"method_not_allowed":     {405, "Method not allowed", "The header Allow names the methods of this path."},
	"name_taken":             {409, "Name taken", "Choose another name, or say by on_conflict what to do."},
	"not_found":              {404, "Not found", "It does not exist, or you may not see it. The answer is the same."},
	"not_ready":              {503, "Not ready", "The server is starting, or something it depends on is down; components says what."},
	"org_deleted":            {410, "Organisation deleted", "It is closed to everybody, and purged after some time, or is being purged now."},
	"org_not_deleted":        {409, "Organisation not deleted", "There is nothing to restore."},
	"org_without_owner":      {409, "Organisation without owner", "Everybody who owned it has gone. Ask the operator of the server for what is in it before it is purged."},
	"personal_org":           {403, "Personal organisation", "It belongs to its user alone: it has no other members and goes with its user. Create an organisation to work with others."},
	"precondition_failed":    {412, "Changed meanwhile", "The ETag in If-Match is not the present one. Load the resource again and repeat your change."},
	"rate_limited":           {429, "Too many requests", "Wait as many seconds as Retry-After says."},
	"refresh_token_reused":   {401, "Refresh token used twice", "Somebody may have a copy of it, so its session has ended. Sign in again."},
	"request_timeout":        {408, "Request too slow", "The body did not arrive in time. Try again."},
	"size_mismatch":          {422, "Size does not match", "The bytes that arrived do not have the declared size. Begin a new upload."},
	"slug_taken":             {409, "Slug taken", "Choose another slug."},
	"timeout":                {503, "Timeout", "The server could not answer in time. Try again shortly."},
	"totp_enabled":           {409, "Second factor enabled", "Remove the present second factor first."},
	"totp_required":          {401, "Code needed", "The password is right. Send totp_code, too: a code of the second factor, or a recovery code."},
	"trashed":                {409, "In the trash", "Restore the file before you use it."},
	"unauthenticated":        {401, "Not signed in", "Send Authorization: Bearer with a valid access token."},
	"unavailable":            {503, "Not available", "A part of the server is not available. Try again shortly."},
	"unsupported_media_type": {415, "Unsupported media type", "Send bodies as application/json."},
	"upload_busy":            {423, "Being verified", "An earlier request is verifying this upload. Wait as many seconds as Retry-After says, then ask again."},
	"upload_incomplete":      {409, "Upload not complete", "Not all bytes have arrived. Upload what is missing, then complete again."},
	"upload_mismatch":        {409, "Another upload", "The upload_id is not that of the file's upload."},
	"upload_not_found":       {404, "No such upload", "It was completed, aborted or has expired. Begin a new one."},
	"upload_not_multipart":   {409, "Upload without parts", "A small file is uploaded by a single PUT."},
	"user_disabled":          {403, "User disabled", "Ask the operator of the server."},
	"validation_failed":      {422, "Validation failed", "The member errors says what is wrong where."},
	"wrong_password":         {403, "Wrong password", "The present password is wrong; after several wrong ones wait as Retry-After says."},
}
