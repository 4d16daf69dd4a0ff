package core

// What can go wrong with bytes in a blob store.
var (
	ErrBlobNotFound     = &Error{Kind: KindNotFound, Code: "blob_not_found", Message: "the bytes are not in the blob store"}
	ErrBlobExists       = &Error{Kind: KindConflict, Code: "blob_exists", Message: "the bytes are already there and cannot be replaced"}
	ErrChecksumMismatch = &Error{Kind: KindInvalid, Code: "checksum_mismatch", Message: "the stored bytes do not have the declared SHA-256; upload them again"}
	ErrSizeMismatch     = &Error{Kind: KindInvalid, Code: "size_mismatch", Message: "the stored bytes do not have the declared size; upload them again"}
	ErrUploadIncomplete = &Error{Kind: KindConflict, Code: "upload_incomplete", Message: "not all bytes have arrived; upload what is missing, then complete again"}
	ErrUploadNotFound   = &Error{Kind: KindNotFound, Code: "upload_not_found", Message: "there is no such upload: it was completed, aborted or has expired"}
)
