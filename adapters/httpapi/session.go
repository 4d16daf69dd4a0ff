package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/app/identity"
	"github.com/seed-755a8038/coffer/core"
)

type sessionRoutes struct{ identity *identity.Service }

func (h sessionRoutes) mount(api huma.API) {
	register(api, operation{
		id: "listSessions", method: http.MethodGet, path: "/api/me/sessions", tag: tagMe,
		summary: "Where the user is signed in", about: "Lists the user's live sessions on one page, in the order in which they began.",
	}, h.list)
	register(api, operation{
		id: "endOtherSessions", method: http.MethodDelete, path: "/api/me/sessions", tag: tagMe, status: http.StatusNoContent,
		summary: "Sign out everywhere else", about: "Ends all of the user's sessions but the one that asks. Their tokens stop working at once.",
	}, h.endOthers)
	register(api, operation{
		id: "endSession", method: http.MethodDelete, path: "/api/me/sessions/{session_id}", tag: tagMe, status: http.StatusNoContent,
		summary: "End a session", about: "Ends one of the user's sessions, which may be the one that asks. Its tokens stop working at once.",
	}, h.end)
}

type sessionBody struct {
	ID         core.SessionID `json:"id" format:"uuid" doc:"Identifies the session" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e18"`
	UserAgent  string         `json:"user_agent" doc:"What the client that used it last calls itself" example:"curl/8.14"`
	Address    string         `json:"address" doc:"Where it was last used from" example:"192.0.2.7"`
	CreatedAt  time.Time      `json:"created_at" doc:"When the user signed in"`
	LastSeenAt time.Time      `json:"last_seen_at" doc:"When its refresh token was last exchanged"`
	ExpiresAt  time.Time      `json:"expires_at" doc:"When it ends unless it is used"`
	Current    bool           `json:"current" doc:"Whether it is the one that asks"`
}

type sessionsOutput struct{ Body page[sessionBody] }

func (h sessionRoutes) list(ctx context.Context, _ *struct{}) (*sessionsOutput, error) {
	actor := actorOf(ctx)
	live, err := h.identity.Sessions(ctx, actor)
	if err != nil {
		return nil, err
	}
	return &sessionsOutput{page[sessionBody]{Items: each(live, func(s *core.Session) sessionBody {
		return sessionBody{
			ID: s.ID, UserAgent: s.UserAgent, Address: s.Address, CreatedAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, ExpiresAt: s.ExpiresAt,
			Current: s.ID == actor.SessionID,
		}
	})}}, nil
}

func (h sessionRoutes) endOthers(ctx context.Context, _ *struct{}) (*struct{}, error) {
	return nil, h.identity.EndSessions(ctx, actorOf(ctx), core.SessionID{})
}

type endSessionInput struct {
	SessionID core.SessionID `path:"session_id" format:"uuid" doc:"The session" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e18"`
}

func (h sessionRoutes) end(ctx context.Context, in *endSessionInput) (*struct{}, error) {
	if in.SessionID.IsZero() { // which would stand for all others
		return nil, core.ErrNotFound
	}
	return nil, h.identity.EndSessions(ctx, actorOf(ctx), in.SessionID)
}
