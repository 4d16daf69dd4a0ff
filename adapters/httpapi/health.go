package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-755a8038/coffer/core"
)

type healthRoutes struct {
	ready   func(ctx context.Context) []Component
	version string
}

func (h healthRoutes) mount(api huma.API) {
	register(api, operation{
		id: "getHealth", method: http.MethodGet, path: "/healthz", tag: tagHealth, public: true,
		summary: "Whether the process is alive", about: "Asks nothing of the database or the blob store. Requests are not limited.",
	}, h.health)
	register(api, operation{
		id: "getReadiness", method: http.MethodGet, path: "/readyz", tag: tagHealth, public: true, codes: []string{"not_ready"},
		summary: "Whether the server can work",
		about:   "Asks everything the server depends on. If something is down, the answer is 503 and `components` says what. Requests are not limited.",
	}, h.readiness)
}

type healthBody struct {
	Status  string `json:"status" enum:"ok" doc:"Always ok" example:"ok"`
	Version string `json:"version" doc:"The version of the server" example:"1.4.2"`
}

type healthOutput struct{ Body healthBody }

func (h healthRoutes) health(context.Context, *struct{}) (*healthOutput, error) {
	return &healthOutput{healthBody{Status: "ok", Version: h.version}}, nil
}

type componentBody struct {
	Name string `json:"name" doc:"What was asked" example:"database"`
	OK   bool   `json:"ok" doc:"Whether it works"`
}

type readinessBody struct {
	Status     string          `json:"status" enum:"ok" doc:"Always ok" example:"ok"`
	Components []componentBody `json:"components" doc:"What the server depends on"`
}

type readinessOutput struct{ Body readinessBody }

var errNotReady = &core.Error{Kind: core.KindUnavailable, Code: "not_ready", Message: "something the server depends on is down; see components"}

func (h healthRoutes) readiness(ctx context.Context, _ *struct{}) (*readinessOutput, error) {
	body := readinessBody{Status: "ok", Components: []componentBody{}}
	ready := true
	if h.ready != nil {
		for _, c := range h.ready(ctx) {
			body.Components = append(body.Components, componentBody(c))
			ready = ready && c.OK
		}
	}
	if !ready { // why is for the operator's log: anybody can ask here
		return nil, errNotReady.With("components", body.Components)
	}
	return &readinessOutput{body}, nil
}
