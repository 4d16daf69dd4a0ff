package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

func (h adminRoutes) mountStats(api huma.API) {
	register(api, operation{
		id: "getStats", method: http.MethodGet, path: "/api/admin/stats", tag: tagAdmin, codes: []string{"forbidden"},
		summary: "What the server has",
		about:   "Counts organisations, users, drives, files, uploads, sessions and jobs. It takes two statements and time in proportion to organisations, users, drives, uploads and sessions, not to files; after five seconds it gives up.",
	}, h.stats)
}

type statsBody struct {
	Orgs struct {
		Live     int64 `json:"live" doc:"Those of several people" example:"12"`
		Personal int64 `json:"personal" doc:"Those of one user alone" example:"340"`
		Deleted  int64 `json:"deleted" doc:"Those that are closed, whose data is still there" example:"1"`
	} `json:"orgs" doc:"Organisations"`
	Users struct {
		Total          int64 `json:"total" doc:"All, the disabled ones too" example:"340"`
		Disabled       int64 `json:"disabled" doc:"Those who are shut out" example:"2"`
		PlatformAdmins int64 `json:"platform_admins" doc:"Those who run the server" example:"2"`
	} `json:"users" doc:"Users who are not deleted"`
	Drives  int64 `json:"drives" doc:"How many drives" example:"364"`
	Assets  int64 `json:"assets" doc:"How many files, those in the trash and those being uploaded too" example:"81200"`
	Used    int64 `json:"used_bytes" doc:"All versions of all files, those in the trash and those being uploaded too" example:"5000000"`
	Uploads struct {
		InProgress    int64 `json:"in_progress" doc:"How many wait for their bytes" example:"3"`
		ReservedBytes int64 `json:"reserved_bytes" doc:"What they have reserved; part of used_bytes" example:"64000000"`
	} `json:"uploads" doc:"Uploads"`
	Sessions int64 `json:"sessions" doc:"How many sessions neither have ended nor expired" example:"410"`
	Queue    struct {
		Ready   int64 `json:"ready" doc:"Jobs that could run now" example:"0"`
		Running int64 `json:"running" doc:"Jobs that run" example:"1"`
		Retry   int64 `json:"retry" doc:"Jobs that wait to run, most of them after a failure" example:"0"`
		Dead    int64 `json:"dead" doc:"Jobs that failed for good" example:"0"`
	} `json:"queue" doc:"Background jobs"`
	At time.Time `json:"at" doc:"When it was counted"`
}

type statsOutput struct{ Body statsBody }

func (h adminRoutes) stats(ctx context.Context, _ *struct{}) (*statsOutput, error) {
	s, err := h.admin.Stats(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	body := statsBody{Drives: s.Drives, Assets: s.Assets, Used: s.UsedBytes, Sessions: s.Sessions, At: s.At}
	body.Orgs.Live, body.Orgs.Personal, body.Orgs.Deleted = s.Orgs, s.PersonalOrgs, s.DeletedOrgs
	body.Users.Total, body.Users.Disabled, body.Users.PlatformAdmins = s.Users, s.DisabledUsers, s.Admins
	body.Uploads.InProgress, body.Uploads.ReservedBytes = s.Uploads, s.UploadBytes
	body.Queue.Ready, body.Queue.Running, body.Queue.Retry, body.Queue.Dead = s.Queue.Ready, s.Queue.Running, s.Queue.Retry, s.Queue.Dead
	return &statsOutput{body}, nil
}
