package httpapi

import "time"

// Deadlines are the kernel's: they take the real time, not the time of ports.Clock.
func realNow() time.Time { return time.Now() } //nolint:forbidigo // see above
