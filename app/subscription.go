package app

import "github.com/seed-755a8038/coffer/core"

// EndSubscriptions is the job that ends the renewal of all memberships of a
// user who goes, or of an org that is closed. One of the two is set.
type EndSubscriptions struct {
	UserID core.UserID `json:"user_id,omitzero"`
	OrgID  core.OrgID  `json:"org_id,omitzero"`
}

// Kind implements ports.Job.
func (EndSubscriptions) Kind() string { return "store.end_subscriptions" }
