package core

import (
	"cmp"
	"fmt"
	"mime"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// What a link's rules may hold.
const (
	MaxShareAccounts  = 200
	MaxShareAddresses = 50
	MaxShareTypes     = 50
	MaxShareDays      = 36_500 // of an org's policy

	minSharePassword = 4 // bytes: tries are few, and the password is no account's
)

// setting is a part of a link that a licence must include.
type setting struct {
	feature Feature
	value   string // what it is set to; empty: not set
}

// settings returns all parts of a link that licences differ by, in an order
// that is always the same.
func (l *ShareLink) settings() []setting {
	is := func(set bool, value any) string {
		if !set {
			return ""
		}
		return fmt.Sprint(value)
	}
	shows := l.Kind == ShareDownload
	return []setting{
		{FeaturePassword, l.PasswordHash},
		{FeatureCustomSharing, l.Name},
		{FeatureCustomSharing, is(l.MaxViews != Unlimited, l.MaxViews)},
		{FeatureCustomSharing, is(l.MaxDownloads != Unlimited, l.MaxDownloads)},
		{FeatureCustomSharing, is(shows && !l.AllowDownload, "no download")},
		{FeatureCustomSharing, is(shows && !l.AllowViewMetadata, "no metadata")},
		{FeatureCustomSharing, is(len(l.Accounts) > 0, l.Accounts)},
		{FeatureIPRestriction, is(len(l.IPAllow) > 0, l.IPAllow)},
		{FeatureWatermark, is(l.Watermark, "watermark")},
	}
}

// Features returns what a licence must include for a link with such rules.
func (l *ShareLink) Features() []Feature { return l.features(&ShareLink{}) }

// features returns what a licence must include for what the link has set that
// it had not, or not so, before.
func (l *ShareLink) features(before *ShareLink) []Feature {
	var needs []Feature
	had := before.settings()
	if before.ID.IsZero() {
		had = make([]setting, len(had)) // a new link had nothing set
	}
	for i, s := range l.settings() {
		if s.value != "" && s.value != had[i].value && !slices.Contains(needs, s.feature) {
			needs = append(needs, s.feature)
		}
	}
	return needs
}

// ShareTerms are under what a link is made.
type ShareTerms struct {
	License       License
	Policy        SharePolicy
	GroupPassword bool // the link's group has a password for links without one
}

// CheckShare refuses a new link, or one that was so before, if the licence or
// the org's rules do not allow what it sets. What a link had before, it keeps:
// an edit that takes something away is always allowed, also when the licence
// or the org's rules have become stricter meanwhile.
func CheckShare(l, before *ShareLink, t ShareTerms, now time.Time) error {
	p, fresh := t.Policy, before == nil
	if fresh {
		before = &ShareLink{}
	}
	for _, f := range l.features(before) {
		if err := t.License.CheckFeature(f); err != nil {
			return err
		}
	}
	if !fresh && l.ExpiresAt.Equal(before.ExpiresAt) && (l.PasswordHash == "") == (before.PasswordHash == "") {
		return nil
	}
	moved := fresh || !l.ExpiresAt.Equal(before.ExpiresAt)
	switch {
	case moved && !l.ExpiresAt.IsZero() && !l.ExpiresAt.After(now):
		return Invalid("body.expires_at", "must be in the future")
	case p.PasswordRequired && l.PasswordHash == "" && !t.GroupPassword && (fresh || before.PasswordHash != ""):
		return ErrSharePolicy.Say("the organisation requires a password for every link").With("policy", "password_required")
	case moved && p.MaxDays > 0 && (l.ExpiresAt.IsZero() || l.ExpiresAt.After(l.CreatedAt.AddDate(0, 0, p.MaxDays))):
		return ErrSharePolicy.Say("the organisation limits the life of links").With("policy", "max_days").With("max_days", p.MaxDays)
	case moved:
		return l.checkLife(t.License)
	}
	return nil
}

// CheckSharePolicy refuses rules that are none.
func CheckSharePolicy(p SharePolicy) error {
	if p.MaxDays < 0 || p.MaxDays > MaxShareDays {
		return Invalid("body.settings.sharing.max_days", "must be from 1 to 36,500, or null for no limit")
	}
	return nil
}

// CheckSharePassword refuses a password that no link may have. It is told to
// people, so it may be shorter than an account's.
func CheckSharePassword(location, password string) error {
	if len(password) < minSharePassword {
		return Invalid(location, "must have at least 4 characters")
	}
	if len(password) > MaxPasswordBytes {
		return Invalid(location, "must have at most 1024 bytes")
	}
	if !utf8.ValidString(password) || strings.ContainsRune(password, 0) {
		return Invalid(location, "must be UTF-8 text without NUL")
	}
	return nil
}

// CleanAddresses returns networks and single addresses as they are stored:
// masked, in order, each once.
func CleanAddresses(location string, raw []string) ([]netip.Prefix, error) {
	if len(raw) > MaxShareAddresses {
		return nil, Invalid(location, "must have at most 50 networks")
	}
	var out []netip.Prefix
	for i, text := range raw {
		p, err := parseNetwork(strings.TrimSpace(text))
		if err != nil {
			return nil, Invalid(fmt.Sprintf("%s[%d]", location, i), "must be an address or a network such as 192.0.2.0/24")
		}
		out = append(out, p)
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out), nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	const mapped = 96 // bits that an IPv4 address in IPv6 begins with
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, err
	}
	if p.Addr().Is4In6() && p.Bits() >= mapped {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
	}
	return p.Masked(), nil
}

// CleanShareTypes returns media types, or parts of them before the slash, as a
// file request stores them.
func CleanShareTypes(location string, raw []string) ([]string, error) {
	if len(raw) > MaxShareTypes {
		return nil, Invalid(location, "must have at most 50 types")
	}
	var out []string
	for i, text := range raw {
		t := strings.TrimSuffix(Fold(strings.TrimSpace(text)), "/*")
		whole := t
		if !strings.Contains(t, "/") {
			whole += "/x"
		}
		clean, params, err := mime.ParseMediaType(whole)
		if err != nil || clean != whole || strings.Contains(whole, "*") || len(params) > 0 || strings.Count(whole, "/") != 1 || len(t) > maxContentType {
			return nil, Invalid(fmt.Sprintf("%s[%d]", location, i), "must be a media type such as image/png, or its part before the slash")
		}
		out = append(out, t)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// CleanAccounts returns accounts in order, each once.
func CleanAccounts(location string, ids []AccountID) ([]AccountID, error) {
	if len(ids) > MaxShareAccounts {
		return nil, Invalid(location, "must have at most 200 accounts")
	}
	out := slices.Clone(ids)
	slices.SortFunc(out, func(a, b AccountID) int { return cmp.Compare(a.String(), b.String()) })
	return slices.Compact(out), nil
}

// Check refuses a file that was not asked for. contentType is clean.
func (r FileRequest) Check(contentType string, size int64) error {
	if r.MaxBytes != Unlimited && size > r.MaxBytes {
		return Invalid("body.size_bytes", fmt.Sprintf("must be at most %d: larger files are not asked for", r.MaxBytes)).With("max_bytes", r.MaxBytes)
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	kind, _, _ := strings.Cut(mediaType, "/")
	if len(r.ContentTypes) > 0 && (err != nil || !slices.Contains(r.ContentTypes, mediaType) && !slices.Contains(r.ContentTypes, kind)) {
		return Invalid("body.content_type", "files of this type are not asked for").With("content_types", r.ContentTypes)
	}
	return nil
}

// CheckRules refuses rules that contradict each other or the target.
func (l *ShareLink) CheckRules(target NodeKind) error {
	r := l.Request
	switch {
	case l.Watermark:
		return Invalid("body.watermark", "is not available yet")
	case l.Kind == ShareUpload && target != KindFolder:
		return Invalid("body.kind", "files can be asked for into a folder only")
	case l.Kind == ShareUpload && (l.MaxViews != Unlimited || l.MaxDownloads != Unlimited):
		return Invalid("body.kind", "a file request shows nothing: max_views and max_downloads are for links of kind download; use request.max_files")
	case l.Kind == ShareUpload && (l.AllowDownload || l.AllowViewMetadata):
		return Invalid("body.kind", "a file request shows nothing: allow_download and allow_view_metadata are for links of kind download")
	case l.Kind == ShareDownload && (r.MaxFiles != Unlimited || r.MaxBytes != Unlimited || len(r.ContentTypes) > 0):
		return Invalid("body.request", "is for links of kind upload")
	case l.Kind == ShareDownload && !l.AllowDownload && l.MaxDownloads != Unlimited:
		return Invalid("body.max_downloads", "has no meaning while allow_download is false")
	case l.Kind == ShareUpload && (l.Notify.FirstView || l.Notify.EachDownload):
		return Invalid("body.notify", "first_view and each_download are for links of kind download")
	case l.Kind == ShareDownload && l.Notify.EachUpload:
		return Invalid("body.notify", "each_upload is for links of kind upload")
	}
	for location, n := range map[string]int64{
		"body.max_views": l.MaxViews, "body.max_downloads": l.MaxDownloads, "body.request.max_files": r.MaxFiles, "body.request.max_bytes": r.MaxBytes,
	} {
		if n != Unlimited && n < 1 {
			return Invalid(location, "must be at least 1, or null for no limit")
		}
	}
	return nil
}

// limitOf returns how often the link may be used so, or Unlimited, and how
// often it has been.
func (l *ShareLink) limitOf(kind AccessKind) (limit, used int64) {
	switch kind {
	case AccessView:
		return l.MaxViews, l.Views
	case AccessDownload:
		return l.MaxDownloads, l.Downloads
	case AccessUpload:
		return l.Request.MaxFiles, l.Uploads
	case AccessPassword:
	}
	return Unlimited, 0
}

// AllowsPreview reports whether visitors may see files in place without that
// being a download: not where downloads are off or counted, since what is shown
// are the bytes of the file.
func (l *ShareLink) AllowsPreview() bool { return l.AllowDownload && l.MaxDownloads == Unlimited }

// Exhausted reports whether the link has been used so as often as it may be,
// as far as was known when it was read.
func (l *ShareLink) Exhausted(kind AccessKind) bool {
	limit, used := l.limitOf(kind)
	return limit != Unlimited && used >= limit
}

// Last reports whether the access after so many others of its kind is the last
// one that the link allows.
func (l *ShareLink) Last(kind AccessKind, before int64) bool {
	limit, _ := l.limitOf(kind)
	return limit != Unlimited && before+1 == limit
}

// ShareState says how a link is doing.
type ShareState string

// The states of a link. They are part of the API.
const (
	ShareActive    ShareState = "active"
	ShareExpired   ShareState = "expired"
	ShareExhausted ShareState = "exhausted"
	ShareRevoked   ShareState = "revoked"
)

// State returns how the link is doing by itself: the org's rules, its target
// and who made it can be in the way all the same.
func (l *ShareLink) State(now time.Time) ShareState {
	main := AccessUpload
	if l.Kind == ShareDownload {
		main = AccessView
	}
	switch {
	case !l.RevokedAt.IsZero():
		return ShareRevoked
	case !l.ExpiresAt.IsZero() && !l.ExpiresAt.After(now):
		return ShareExpired
	case l.Exhausted(main), l.Kind == ShareDownload && l.AllowDownload && l.Exhausted(AccessDownload):
		return ShareExhausted
	}
	return ShareActive
}

// ShareWarning is how long before its end a link's creator is told.
const ShareWarning = 24 * time.Hour

// WarnsAt reports whether the link's creator is to be told at now that it
// expires soon. A link made for less than a day needs no warning.
func (l *ShareLink) WarnsAt(now time.Time) bool {
	return l.Notify.ExpiringSoon && l.State(now) == ShareActive && !l.ExpiresAt.IsZero() &&
		l.ExpiresAt.Sub(now) <= ShareWarning && l.ExpiresAt.Sub(l.CreatedAt) > ShareWarning
}

// CanUse refuses what a link that its visitor may open is not for.
func CanUse(l *ShareLink, kind AccessKind) error {
	switch {
	case l.Kind == ShareUpload && kind != AccessUpload:
		return ErrShareRequest
	case l.Kind == ShareDownload && kind == AccessUpload:
		return ErrShareNotRequest
	case kind == AccessDownload && !l.AllowDownload:
		return ErrShareNoDownload
	}
	return nil
}
