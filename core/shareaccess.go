package core

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// AccessID identifies a row of the access log; ids sort in order of time.
type AccessID = ID[ShareAccess]

// AccessKind says what somebody did with a link.
type AccessKind string

// The kinds of access.
const (
	AccessView     AccessKind = "view"     // the listing or the metadata was opened
	AccessDownload AccessKind = "download" // a download URL was handed out
	AccessPassword AccessKind = "password" // a password was tried
	AccessUpload   AccessKind = "upload"   // a file was begun
)

// ShareAccess is a row of a link's access log.
type ShareAccess struct {
	ID        AccessID
	LinkID    ShareLinkID
	OrgID     OrgID
	Kind      AccessKind
	Refused   string  // the code of the refusal; empty: it was granted
	NodeID    NodeID  // the file it was about; zero: the target itself
	GroupID   GroupID // of a link of a group: that, or the nested one that was looked at
	AccountID AccountID
	Address   string // as far as the operator lets it be kept
	UserAgent string
	Referer   string
	At        time.Time

	// For analytics, and not part of the log.
	Visitor VisitorHash
	Country string
	Device  Device
}

// AddressLog says how much of visitors' addresses the access log keeps.
type AddressLog string

// The choices of the operator.
const (
	AddressFull    AddressLog = "full"
	AddressNetwork AddressLog = "network" // of IPv4 the first 24 bits, of IPv6 the first 48
	AddressNone    AddressLog = "none"
)

// Of returns what is kept of an address. What is no address is not kept unless
// all is.
func (k AddressLog) Of(address string) string {
	const ipv4Kept, ipv6Kept = 24, 48 // bits
	if k == AddressFull {
		return address
	}
	a, err := netip.ParseAddr(address)
	if err != nil || k != AddressNetwork {
		return ""
	}
	bits := ipv6Kept
	if a = a.Unmap().WithZone(""); a.Is4() {
		bits = ipv4Kept
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// MaxReferer is what is kept of a Referer, in bytes.
const MaxReferer = 512

// Clipped returns the access as it is stored.
func (a *ShareAccess) Clipped() *ShareAccess {
	c := *a
	c.UserAgent, c.Referer = clip(a.UserAgent, maxUserAgent), clip(a.Referer, MaxReferer)
	return &c
}

// Approach is how a request came, as far as that says whether a person looks at
// what it leads to.
type Approach struct {
	Method    string   // of the request
	Purposes  []string // the values of Sec-Purpose, Purpose, X-Purpose and X-Moz
	UserAgent string
}

// previewers are parts of the User-Agents, folded, of programs that look at
// links which somebody has written to somebody else.
var previewers = []string{
	"slackbot", "slack-imgproxy", "facebookexternalhit", "facebot", "meta-externalagent", "twitterbot", "whatsapp", "telegrambot", "linkedinbot",
	"discordbot", "skypeuripreview", "microsoftpreview", "microsoft-teams", "teamsbot", "microsoft office", "ms-office",
	"google-pagerenderer", "google-inspectiontool", "googleimageproxy", "googlebot", "google-safety", "google-read-aloud", "googlemessages",
	"applebot", "bingpreview", "bingbot", "iframely", "embedly", "redditbot", "pinterestbot", "mattermost-bot", "mastodon/", "synapse", "viberbot",
	"line-poker", "kakaotalk-scrap", "vkshare", "yahoo link preview", "duckduckbot", "nextcloud server crawler", "zoombot", "barracuda sentinel",
}

// Quiet reports whether a request counts nothing, because nobody looks: a HEAD,
// what a browser loads before somebody wants it, and programs that make
// previews of links.
func (a Approach) Quiet() bool {
	const head = "HEAD"
	if a.Method == head {
		return true
	}
	for _, purpose := range a.Purposes {
		word, _, _ := strings.Cut(Fold(strings.TrimSpace(purpose)), ";") // "prefetch;prerender"
		if word == "prefetch" || word == "preview" || word == "prerender" {
			return true
		}
	}
	agent := Fold(a.UserAgent)
	return slices.ContainsFunc(previewers, func(part string) bool { return strings.Contains(agent, part) })
}

// Continues reports whether a Range header asks for what comes after the first
// byte, as who goes on with a download does.
func Continues(rangeHeader string) bool {
	spec, ok := strings.CutPrefix(strings.TrimSpace(rangeHeader), "bytes=")
	first, _, _ := strings.Cut(strings.TrimSpace(spec), "-")
	return ok && strings.Trim(first, "0") != ""
}
