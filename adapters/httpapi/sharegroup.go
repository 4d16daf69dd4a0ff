package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/share"
	"github.com/seed-755a8038/coffer/core"
)

const groupSharePath = groupPath + "/shares/{share_id}"

// mountGroups registers what is said of a group's links. All that is under
// sharePath works for them, too.
func (h shareRoutes) mountGroups(api huma.API) {
	register(api, operation{
		id: "createGroupShare", method: http.MethodPost, path: groupPath + "/share", tag: tagShares, status: http.StatusCreated,
		codes:   []string{"forbidden", "feature_unavailable", "limit_exceeded", "share_policy", "group_deleted"},
		summary: "Share a group",
		about: "Makes a link for whoever has it: to look at the group and those nested in it, and to download their files. It needs the right to share the group; a link never allows what whoever made it may not do any more. " +
			"A link without a password asks for the group's share_password, if there is one. What is no end, or left out, is the longest life that the licence allows, max_group_share_hours from now; a longer one is refused.",
	}, h.createOfGroup)
	register(api, operation{
		id: "listGroupShares", method: http.MethodGet, path: groupPath + "/shares", tag: tagShares, codes: []string{"forbidden"},
		summary: "The links of a group", about: "Lists links, newest first: those that work or, with ended=true, all.",
	}, h.ofGroup)
	register(api, operation{
		id: "replaceGroupShare", method: http.MethodPut, path: groupSharePath, tag: tagShares,
		codes:   []string{"forbidden", "feature_unavailable", "limit_exceeded", "share_policy", "share_revoked", "group_deleted"},
		summary: "Change a link of a group",
		about:   "Replaces what can be set of a link: what is left out is at its default. Only the password stays as it is if it is left out, since nobody can see it; null takes it away.",
	}, h.replaceOfGroup)
	register(api, operation{
		id: "revokeGroupShare", method: http.MethodDelete, path: groupSharePath, tag: tagShares, status: http.StatusNoContent, codes: []string{"forbidden"},
		summary: "Revoke a link of a group", about: "Ends a link for good, from its next use on. Revoking twice is no error.",
	}, h.revokeOfGroup)
}

type createGroupShareInput struct {
	GroupInput
	OnceInput
	Body struct{ ShareRulesInput }
}

func (h shareRoutes) createOfGroup(ctx context.Context, in *createGroupShareInput) (*createdShareOutput, error) {
	wish, err := once(ctx, in.OnceInput, showIssuedShare)
	if err != nil {
		return nil, err
	}
	return h.created(ctx, share.CreateInput{GroupID: in.GroupID, Kind: core.ShareDownload, RulesInput: in.Body.rules(true), Once: wish})
}

type groupSharesInput struct {
	GroupInput
	SharesInput
}

func (h shareRoutes) ofGroup(ctx context.Context, in *groupSharesInput) (*sharesOutput, error) {
	return h.list(ctx, in.SharesInput, func(l share.ListInput) ([]share.Shared, error) {
		return h.shares.OfGroup(ctx, actorOf(ctx), in.GroupID, l)
	})
}

// GroupShareInput names a link of a group.
type GroupShareInput struct {
	GroupInput
	ShareInput
	MatchInput
}

// versionOf returns the version of a link of that group that If-Match asks for.
func (h shareRoutes) versionOf(ctx context.Context, in GroupShareInput) (int64, error) {
	s, err := h.shares.Get(ctx, actorOf(ctx), in.ShareID)
	if err != nil {
		return 0, err
	}
	if s.Link.GroupID != in.GroupID {
		return 0, core.ErrNotFound
	}
	return h.expected(ctx, in.ShareID, in.IfMatch)
}

type replaceGroupShareInput struct {
	GroupShareInput
	Body struct{ ShareRulesInput }
}

func (h shareRoutes) replaceOfGroup(ctx context.Context, in *replaceGroupShareInput) (*shareOutput, error) {
	version, err := h.versionOf(ctx, in.GroupShareInput)
	if err != nil {
		return nil, err
	}
	s, err := h.shares.Update(ctx, actorOf(ctx), in.ShareID, version, func(_ core.ShareKind, r *share.RulesInput) { *r = in.Body.rules(true) })
	if err != nil {
		return nil, err
	}
	return shareAnswer(s), nil
}

func (h shareRoutes) revokeOfGroup(ctx context.Context, in *GroupShareInput) (*struct{}, error) {
	version, err := h.versionOf(ctx, *in)
	if err != nil {
		return nil, err
	}
	return nil, h.shares.Revoke(ctx, actorOf(ctx), in.ShareID, version)
}
