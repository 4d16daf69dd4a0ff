package share

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Shared is a link as those see it who may change it.
type Shared struct {
	Link  *core.ShareLink
	State core.ShareState
	Token string
	URL   string // where the link leads
}

// RulesInput is what a link shall be like, as a client says it.
type RulesInput struct {
	Name              string
	Accounts          []core.AccountID
	Password          *string // nil: as it is; empty: none
	ExpiresAt         time.Time
	MaxViews          int64 // or core.Unlimited
	MaxDownloads      int64 // or core.Unlimited
	AllowDownload     bool
	AllowViewMetadata bool
	IPAllow           []string
	Watermark         bool
	Request           core.FileRequest
	Notify            core.ShareNotify
}

// CreateInput is a new link to a file or folder, or of a group.
type CreateInput struct {
	NodeID  core.NodeID
	GroupID core.GroupID // zero: to the node
	Kind    core.ShareKind
	RulesInput
	Once *app.Once
}

// Create makes a link. Whoever may write in the drive may, or who may share the
// group; scripts may not. It returns errors with the codes feature_unavailable
// and limit_exceeded, core.ErrSharePolicy, core.ErrNodeTrashed and
// core.ErrGroupDeleted.
func (s *Service) Create(ctx context.Context, a core.Actor, in CreateInput) (Shared, error) {
	l, by, kind, err := s.target(ctx, a, in)
	if err != nil {
		return Shared{}, err
	}
	now := s.clock.Now()
	if err := in.Once.Find(ctx, s.store, s.secrets, now); err != nil {
		return Shared{}, err
	}
	l.ID, l.Kind, l.CreatedBy, l.CreatedAt = core.ShareLinkID(s.ids.NewID()), in.Kind, by.AccountID, now
	if err := s.apply(ctx, l, in.RulesInput, now); err != nil {
		return Shared{}, err
	}
	if err := l.CheckRules(kind); err != nil {
		return Shared{}, err
	}
	token, hash, sealed, err := s.newToken()
	if err != nil {
		return Shared{}, err
	}
	l.TokenHash, l.TokenSealed = hash, sealed
	out := s.shared(l, token)
	err = in.Once.Do(ctx, s.store, s.secrets, now, func(tx ports.Tx) error {
		if err := s.check(ctx, tx, l, nil, now); err != nil {
			return err
		}
		if !l.OfGroup() {
			if _, err := find(ctx, tx, core.Itself(l.OrgID, l.DriveID), l.NodeID, kind); err != nil {
				return trashed(err)
			}
		}
		if err := tx.ShareLinks.Add(ctx, l); err != nil {
			return err
		}
		if err := s.record(ctx, tx, by, a, "share.created", l, changes(&core.ShareLink{}, l)); err != nil {
			return err
		}
		return in.Once.Keep(ctx, tx, s.secrets, out, now)
	})
	return out, err
}

// target begins a link to what the actor may share, and returns who they are and
// of what kind the node is; of a group, none.
func (s *Service) target(ctx context.Context, a core.Actor, in CreateInput) (*core.ShareLink, core.OrgFacts, core.NodeKind, error) {
	if !in.GroupID.IsZero() {
		f, err := s.hot.ForGroup(ctx, a, in.GroupID)
		if err == nil {
			err = core.CanShareGroup(f)
		}
		return &core.ShareLink{OrgID: f.OrgID, GroupID: f.GroupID}, f.OrgFacts, "", err
	}
	f, err := s.hot.ForNode(ctx, a, in.NodeID)
	if err == nil {
		err = core.CanShare(f.DriveFacts)
	}
	return &core.ShareLink{OrgID: f.OrgID, DriveID: f.DriveID, NodeID: f.Node.ID}, inOrg(f.DriveFacts), f.Node.Kind, err
}

// inOrg is the standing of somebody in the org of a drive.
func inOrg(f core.DriveFacts) core.OrgFacts {
	return core.OrgFacts{Credential: f.Credential, OrgID: f.OrgID, AccountID: f.AccountID, Status: f.Status, Role: f.OrgRole}
}

// trashed says of a node that was there a moment ago why it is not shared.
func trashed(err error) error {
	if errors.Is(err, core.ErrNotFound) {
		return core.ErrNodeTrashed
	}
	return err
}

// apply gives the link the rules that a client wants, made clean. A new
// password is hashed.
func (s *Service) apply(ctx context.Context, l *core.ShareLink, in RulesInput, now time.Time) error {
	rules := core.ShareRules{
		PasswordHash: l.PasswordHash, PasswordVersion: l.PasswordVersion, AllowDownload: in.AllowDownload, AllowViewMetadata: in.AllowViewMetadata,
		ExpiresAt: in.ExpiresAt.UTC().Truncate(time.Microsecond), MaxViews: in.MaxViews, MaxDownloads: in.MaxDownloads, Watermark: in.Watermark,
		Request: in.Request,
	}
	name, err := s.cleanName(in.Name)
	if err != nil {
		return err
	}
	if rules.Accounts, err = core.CleanAccounts("body.audience.account_ids", in.Accounts); err != nil {
		return err
	}
	if rules.IPAllow, err = core.CleanAddresses("body.ip_allow", in.IPAllow); err != nil {
		return err
	}
	if rules.Request.ContentTypes, err = core.CleanShareTypes("body.request.content_types", in.Request.ContentTypes); err != nil {
		return err
	}
	if in.Password != nil {
		if rules.PasswordHash, err = s.hash(ctx, *in.Password); err != nil {
			return err
		}
	}
	l.Change(name, rules, in.Notify, now)
	return nil
}

// cleanName returns the name of a link, which may have none.
func (s *Service) cleanName(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	return core.CleanTitle("body.name", raw, s.text.NFC)
}

func (s *Service) hash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	if err := core.CheckSharePassword("body.password", password); err != nil {
		return "", err
	}
	return s.passwords.Hash(ctx, password)
}

// check refuses a link that the licence, the org's rules or its people do not
// allow. before is nil for a new one.
func (s *Service) check(ctx context.Context, tx ports.Tx, l, before *core.ShareLink, now time.Time) error {
	license := core.UnlimitedLicense()
	if !s.opts.Unlimited {
		inForce, err := tx.Licenses.InForce(ctx, l.OrgID, now)
		if err != nil {
			return err
		}
		license = inForce.License
	}
	o, err := tx.Orgs.Get(ctx, l.OrgID)
	if err != nil {
		return err
	}
	terms := core.ShareTerms{License: license, Policy: o.Settings.Sharing}
	if err := termsOfGroup(ctx, tx, l, before, &terms); err != nil {
		return err
	}
	if err := core.CheckShare(l, before, terms, now); err != nil {
		return err
	}
	for i, id := range l.Accounts {
		if before != nil && before.IsFor(id) {
			continue
		}
		account, err := tx.Accounts.Get(ctx, l.OrgID, id)
		switch {
		case errors.Is(err, core.ErrNotFound) || err == nil && account.Status != core.AccountActive:
			return core.Invalid(fmt.Sprintf("body.audience.account_ids[%d]", i), "is not an active account of the organisation").With("account_id", id.String())
		case err != nil:
			return err
		}
	}
	return nil
}

// termsOfGroup adds what a group says to the terms of its link, and gives the
// link an end if it shall have one. One that had none keeps that.
func termsOfGroup(ctx context.Context, tx ports.Tx, l, before *core.ShareLink, terms *core.ShareTerms) error {
	if !l.OfGroup() {
		return nil
	}
	g, err := tx.Groups.Get(ctx, l.OrgID, l.GroupID)
	if err != nil {
		return err
	}
	if g.Deleted() {
		return core.ErrGroupDeleted
	}
	terms.GroupPassword = g.SharePasswordHash != ""
	if before == nil || !before.ExpiresAt.IsZero() {
		l.DefaultExpiry(*terms)
	}
	return nil
}

// newToken returns a token, and what is stored of it.
func (s *Service) newToken() (token string, hash [32]byte, sealed []byte, err error) {
	var random [core.ShareTokenBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	token = core.FormatShareToken(random)
	if hash, err = core.ParseShareToken(token); err != nil {
		return "", hash, nil, err
	}
	sealed, err = s.secrets.Seal([]byte(token))
	return token, hash, sealed, err
}

func (s *Service) shared(l *core.ShareLink, token string) Shared {
	return Shared{Link: l, State: l.State(s.clock.Now()), Token: token, URL: s.opts.PublicURL + "/s/" + token}
}

// reveal shows a stored link with its token. One that was sealed elsewhere cannot
// be shown until it is rotated.
func (s *Service) reveal(l *core.ShareLink) (Shared, error) {
	if len(l.TokenSealed) == 0 {
		return Shared{Link: l, State: l.State(s.clock.Now())}, nil
	}
	token, err := s.secrets.Open(l.TokenSealed)
	if err != nil {
		return Shared{}, fmt.Errorf("open the token of link %s: %w", l.ID, err)
	}
	return s.shared(l, string(token)), nil
}

func (s *Service) revealAll(links []*core.ShareLink) ([]Shared, error) {
	out := make([]Shared, len(links))
	for i, l := range links {
		var err error
		if out[i], err = s.reveal(l); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ListInput is a page of links.
type ListInput struct {
	Ended  bool // also those that are revoked or have expired
	Before core.ShareLinkID
	Limit  int
}

// OfNode returns the links to a node, newest first, to those who may make some.
func (s *Service) OfNode(ctx context.Context, a core.Actor, node core.NodeID, in ListInput) ([]Shared, error) {
	f, err := s.hot.ForNode(ctx, a, node)
	if err != nil {
		return nil, err
	}
	if err := core.CanShare(f.DriveFacts); err != nil {
		return nil, err
	}
	return s.list(ctx, ports.ShareLinkQuery{OrgID: f.OrgID, NodeID: node, AccountID: f.AccountID}, core.OrgFacts{}, in)
}

// OfGroup returns the links of a group, newest first, to those who may make some.
func (s *Service) OfGroup(ctx context.Context, a core.Actor, group core.GroupID, in ListInput) ([]Shared, error) {
	f, err := s.hot.ForGroup(ctx, a, group)
	if err != nil {
		return nil, err
	}
	if err := core.CanShareGroup(f); err != nil {
		return nil, err
	}
	return s.list(ctx, ports.ShareLinkQuery{OrgID: f.OrgID, GroupID: group}, core.OrgFacts{}, in)
}

// OfOrg returns the links of an org's drives and groups of which the actor may
// make some, newest first.
func (s *Service) OfOrg(ctx context.Context, a core.Actor, org core.OrgID, in ListInput) ([]Shared, error) {
	f, err := s.hot.ForOrg(ctx, a, org)
	if err != nil {
		return nil, err
	}
	if err := core.CanInOrg(f, core.ViewOrg); err != nil {
		return nil, err
	}
	return s.list(ctx, ports.ShareLinkQuery{OrgID: org, AccountID: f.AccountID}, f, in)
}

// list returns links, also those of groups that who may share.
func (s *Service) list(ctx context.Context, q ports.ShareLinkQuery, who core.OrgFacts, in ListInput) ([]Shared, error) {
	q.Live, q.Now, q.Before, q.Limit = !in.Ended, s.clock.Now(), in.Before, in.Limit
	var links []*core.ShareLink
	err := s.store.View(ctx, func(tx ports.Tx) (err error) {
		if !who.AccountID.IsZero() {
			entries, err := tx.GroupTrees.Entries(ctx, who.OrgID, who.AccountID, who.Role, false)
			if err != nil {
				return err
			}
			q.Groups = slices.Collect(maps.Keys(core.GroupsWith(core.GroupView|core.GroupShare, who.Status, who.Role, entries)))
		}
		links, err = tx.ShareLinks.List(ctx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.revealAll(links)
}

// mine returns a link with the actor's standing in its org, if the actor may
// change it. To others it does not exist.
func (s *Service) mine(ctx context.Context, a core.Actor, id core.ShareLinkID) (*core.ShareLink, core.OrgFacts, error) {
	c, err := s.hot.ForUser(ctx, a)
	if err != nil {
		return nil, core.OrgFacts{}, err
	}
	if err := c.Check(); err != nil {
		return nil, core.OrgFacts{}, err
	}
	var l *core.ShareLink
	err = s.store.View(ctx, func(tx ports.Tx) (err error) {
		l, err = tx.ShareLinks.Find(ctx, id)
		return err
	})
	if err != nil {
		return nil, core.OrgFacts{}, err
	}
	if l.OfGroup() {
		f, err := s.hot.ForGroup(ctx, a, l.GroupID)
		if err == nil {
			err = core.CanShareGroup(f)
		}
		return l, f.OrgFacts, err
	}
	f, err := s.hot.ForDrive(ctx, a, l.DriveID)
	if err == nil {
		err = core.CanShare(f)
	}
	return l, inOrg(f), err
}

// Get returns a link, also one that has ended.
func (s *Service) Get(ctx context.Context, a core.Actor, id core.ShareLinkID) (Shared, error) {
	l, _, err := s.mine(ctx, a, id)
	if err != nil {
		return Shared{}, err
	}
	return s.reveal(l)
}
