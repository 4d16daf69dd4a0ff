package core

import (
	"math"
	"time"
)

// SharePassword is what a link asks visitors for.
type SharePassword struct {
	Hash    string // empty: nothing
	Version int64  // counts the passwords there have been
	OfGroup bool   // the group's: the link has none of its own
}

// Password returns what the link asks for: its own password, or else that of
// its group.
func (f ShareFacts) Password() SharePassword {
	l := &f.Link
	if l.PasswordHash == "" && l.OfGroup() {
		return SharePassword{f.Group.PasswordHash, f.Group.PasswordVersion, true}
	}
	return SharePassword{l.PasswordHash, l.PasswordVersion, false}
}

// SharedGroup is what a link leads to that is one of a group.
type SharedGroup struct {
	Creator         GroupFacts // the standing of the account that made the link, in the link's group
	PasswordHash    string     // of that group; empty: none
	PasswordVersion int64

	// The group that was asked for, the link's or one nested in it, as far as
	// visitors see it. It is zero if that is none of them, or not there any more.
	Group Group
	Path  []GroupStep // from the link's group down to it, both included
}

// GroupStep is a group on the way down from a shared one.
type GroupStep struct {
	ID   GroupID
	Name string
}

// Gone reports whether the link's group is deleted or purged.
func (g *SharedGroup) Gone() bool { return g.Creator.GroupID.IsZero() || g.Creator.Deleted }

// CanShareGroup refuses making and changing links of a group to those who may
// not share it. Links of a deleted one can be looked at and revoked by whoever
// may restore it.
func CanShareGroup(f GroupFacts) error {
	if f.Deleted {
		if err := CanInGroup(f, GroupDelete); err != nil {
			return err
		}
		f.Deleted = false
	}
	return CanInGroup(f, GroupShare)
}

// DefaultExpiry gives a link of a group that has no end the longest life that the
// licence and the org's rules allow, if the licence limits it.
func (l *ShareLink) DefaultExpiry(t ShareTerms) {
	hours := t.License.Limits.MaxGroupShareHours
	if !l.OfGroup() || !l.ExpiresAt.IsZero() || hours == Unlimited {
		return
	}
	l.ExpiresAt = l.CreatedAt.Add(hoursOf(hours))
	if most := l.CreatedAt.AddDate(0, 0, t.Policy.MaxDays); t.Policy.MaxDays > 0 && l.ExpiresAt.After(most) {
		l.ExpiresAt = most
	}
}

// checkLife refuses a link of a group that would live for longer than the licence
// allows.
func (l *ShareLink) checkLife(license License) error {
	const name = "max_group_share_hours"
	most := license.Limits.MaxGroupShareHours
	switch {
	case !l.OfGroup() || most == Unlimited:
		return nil
	case l.ExpiresAt.IsZero():
		return limitExceeded(name, most, 0, 0).With("requested", nil)
	case l.ExpiresAt.After(l.CreatedAt.Add(hoursOf(most))):
		return limitExceeded(name, most, 0, int64(math.Ceil(l.ExpiresAt.Sub(l.CreatedAt).Hours())))
	}
	return nil
}

// hoursOf is a number of hours, however many an operator allows.
func hoursOf(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Hour))) * time.Hour
}
