// Package faultpoint names the places where a crash is most telling: test/faults
// builds the server with the tag faultpoints and has it kill itself there. In
// every other build, the shipped one too, a point is an empty function, which the
// compiler leaves out.
package faultpoint

// Where a server can be killed. The comments say what
// is so at that moment.
const (
	BeforeCommit = "commit.before" // nothing of the transaction is there
	AfterCommit  = "commit.after"  // all of it is, though nobody was told
	AfterReserve = "reserve.after" // room is taken for an upload that nobody knows of
	AfterVisit   = "visit.after"   // a visit is counted that nobody was granted
	BlobWritten  = "blob.written"  // bytes lie in a temporary file
	BlobNamed    = "blob.named"    // a blob has its name, which is not durable yet
	BlobDurable  = "blob.durable"  // a blob is there, and its row does not say so
	PartNamed    = "part.named"    // a part has arrived, its name is not durable yet
	BlobJoined   = "blob.joined"   // parts have become a blob, and its row does not say so
	BlobDeleted  = "blob.deleted"  // bytes are gone, and the job that removed them runs again
	JobEnqueued  = "job.enqueued"  // a job is part of a transaction that does not commit
)

// All are the points there are.
func All() []string {
	return []string{
		BeforeCommit, AfterCommit, AfterReserve, AfterVisit, BlobWritten, BlobNamed, BlobDurable, PartNamed, BlobJoined, BlobDeleted, JobEnqueued,
	}
}
