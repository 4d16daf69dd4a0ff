package asset

import "time"

// RenewClaimsEach makes claims be renewed as often as a test wants it.
func (o *Options) RenewClaimsEach(d time.Duration) { o.claimAgain = d }
