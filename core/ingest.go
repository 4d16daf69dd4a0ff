package core

import "time"

// What can go wrong with an ingest session.
var (
	ErrSessionClosed   = &Error{Kind: KindConflict, Code: "session_closed", Message: "the ingest session is not open any more; open another one"}
	ErrSessionBusy     = &Error{Kind: KindConflict, Code: "publish_in_progress", Message: "something is being published in the dataset at the moment; try again when that is done"}
	ErrVersionConflict = &Error{Kind: KindConflict, Code: "version_conflict", Message: "another version was published since the session was opened; look at it, and publish with base_version set to its number to replace it"}
	ErrManifestInvalid = &Error{Kind: KindInvalid, Code: "manifest_invalid", Message: "the manifest has failures, so nothing was published; mend them and publish again"}
)

// Times of ingest sessions.
const (
	SessionLifetime = 7 * 24 * time.Hour // after it was used last
	PublishLease    = 2 * time.Minute    // renewed while a publisher works
	MaxBatchAssets  = 1_000              // registered at once
)

// IngestSessionID identifies an ingest session.
type IngestSessionID = ID[IngestSession]

// IngestStatus is a state of an ingest session.
type IngestStatus string

// The states of a session. Only an open one takes files; publishing goes back to
// open if it fails.
const (
	IngestOpen       IngestStatus = "open"
	IngestPublishing IngestStatus = "publishing"
	IngestPublished  IngestStatus = "published"
	IngestAborted    IngestStatus = "aborted"
	IngestExpired    IngestStatus = "expired"
)

// IngestSession is how somebody brings a version of a dataset together.
type IngestSession struct {
	ID          IngestSessionID
	OrgID       OrgID
	DatasetID   DatasetID
	AccountID   AccountID // whose it is
	Status      IngestStatus
	BaseVersion int64            // that was current when it was opened
	VersionID   DatasetVersionID // that it is storing or has published; zero: none
	Published   int64            // the number of that version, once it is published
	Leased      time.Time        // until when a publisher may be at work
	Items       int64            // stored so far, while publishing
	CreatedAt   time.Time
	ExpiresAt   time.Time
	ClosedAt    time.Time
}

// NewIngestSession returns an open session.
func NewIngestSession(id IngestSessionID, d *Dataset, by AccountID, now time.Time) *IngestSession {
	return &IngestSession{
		ID: id, OrgID: d.OrgID, DatasetID: d.ID, AccountID: by, Status: IngestOpen, BaseVersion: d.CurrentVersion,
		CreatedAt: now, ExpiresAt: now.Add(SessionLifetime),
	}
}

// CheckOpen refuses what only an open session takes.
func (s *IngestSession) CheckOpen(now time.Time) error {
	switch {
	case s.Working(now):
		return ErrSessionBusy
	case s.Status == IngestOpen && now.Before(s.ExpiresAt), s.Status == IngestPublishing: // left by a crash
		return nil
	}
	return ErrSessionClosed.With("status", string(s.Status))
}

// Working reports whether a publisher is at work, as far as its lease says.
func (s *IngestSession) Working(now time.Time) bool {
	return s.Status == IngestPublishing && now.Before(s.Leased)
}

// Begin makes the session publish into a new version.
func (s *IngestSession) Begin(version DatasetVersionID, now time.Time) error {
	if err := s.CheckOpen(now); err != nil {
		return err
	}
	s.Status, s.VersionID, s.Leased, s.Items = IngestPublishing, version, now.Add(PublishLease), 0
	s.ExpiresAt = now.Add(SessionLifetime)
	return nil
}

// Reopen takes back what Begin did.
func (s *IngestSession) Reopen() {
	s.Status, s.VersionID, s.Leased, s.Items = IngestOpen, DatasetVersionID{}, time.Time{}, 0
}

// Finish closes a session whose version is published.
func (s *IngestSession) Finish(number int64, now time.Time) {
	s.Status, s.Published, s.Leased, s.ClosedAt = IngestPublished, number, time.Time{}, now
}

// Close ends a session without a version: as aborted, or as expired.
func (s *IngestSession) Close(as IngestStatus, now time.Time) error {
	if s.Working(now) {
		return ErrSessionBusy
	}
	if s.Status != IngestOpen && s.Status != IngestPublishing {
		return ErrSessionClosed.With("status", string(s.Status))
	}
	s.Reopen()
	s.Status, s.ClosedAt = as, now
	return nil
}

// SessionFile is a file that a session has brought, under a path of its own.
type SessionFile struct {
	SessionID IngestSessionID
	OrgID     OrgID
	Path      string
	AssetID   AssetID
	Number    int // of the asset's version, which stays whatever becomes of the asset
}

// Renew gives a publisher who is at work more time.
func (s *IngestSession) Renew(items int64, now time.Time) {
	s.Items, s.Leased = items, now.Add(PublishLease)
}

// Publishes refuses to go on with a version that the session does not publish
// any more: the lease was over, and somebody else was faster.
func (s *IngestSession) Publishes(version DatasetVersionID) error {
	if s.Status != IngestPublishing || s.VersionID != version {
		return ErrSessionBusy
	}
	return nil
}

// Touch keeps an open session for longer.
func (s *IngestSession) Touch(now time.Time) { s.ExpiresAt = now.Add(SessionLifetime) }

// Expired reports whether nobody has used the session for too long.
func (s *IngestSession) Expired(now time.Time) bool {
	return (s.Status == IngestOpen || s.Status == IngestPublishing) && !now.Before(s.ExpiresAt)
}
