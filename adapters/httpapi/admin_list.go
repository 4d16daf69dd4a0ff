package httpapi

import (
	"context"
	"time"

	"github.com/seed-755a8038/coffer/core"
)

func (h adminRoutes) listOrgs(ctx context.Context, in *searchInput) (*adminOrgsOutput, error) {
	after, err := h.orgs.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.admin.Orgs(ctx, actorOf(ctx), in.Text, after, in.more())
	if err != nil {
		return nil, err
	}
	bodies := make([]adminOrgBody, len(rows))
	for i, o := range rows {
		bodies[i] = adminOrgBody{
			ID: o.Org.ID, Name: o.Org.Name, Slug: o.Org.Slug, IsPersonal: o.Org.IsPersonal, License: o.License,
			Usage:     showUsage(o.Usage),
			DeletedAt: timeOrNull(o.Org.DeletedAt), CreatedAt: o.Org.CreatedAt,
		}
	}
	p, err := pageOf(ctx, in.PageInput, h.orgs, bodies, same, func(b adminOrgBody) core.OrgID { return b.ID })
	return &adminOrgsOutput{p}, err
}

type adminUsersOutput struct{ Body page[adminUserBody] }

func (h adminRoutes) listUsers(ctx context.Context, in *searchInput) (*adminUsersOutput, error) {
	after, err := h.users.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.admin.Users(ctx, actorOf(ctx), in.Text, after, in.more())
	if err != nil {
		return nil, err
	}
	p, err := pageOf(ctx, in.PageInput, h.users, rows, showAdminUser, func(u *core.User) core.UserID { return u.ID })
	return &adminUsersOutput{p}, err
}

type jobBody struct {
	ID       int64     `json:"id" doc:"Identifies the job" example:"4711"`
	Kind     string    `json:"kind" doc:"What it does" example:"asset.remove_blobs"`
	Attempts int       `json:"attempts" doc:"How often it was tried" example:"12"`
	Error    string    `json:"error" doc:"Why the last attempt failed"`
	DiedAt   time.Time `json:"died_at" doc:"When it was given up"`
}

type jobsInput struct{ PageInput }

type jobsOutput struct{ Body page[jobBody] }

func (h adminRoutes) listJobs(ctx context.Context, in *jobsInput) (*jobsOutput, error) {
	before, err := h.jobs.open(ctx, in.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.admin.DeadJobs(ctx, actorOf(ctx), before, in.more())
	if err != nil {
		return nil, err
	}
	bodies := make([]jobBody, len(rows))
	for i, j := range rows { // the payload may hold what is nobody's business here
		bodies[i] = jobBody{ID: j.ID, Kind: j.Kind, Attempts: j.Attempts, Error: j.Error, DiedAt: j.DiedAt}
	}
	p, err := pageOf(ctx, in.PageInput, h.jobs, bodies, same, func(b jobBody) int64 { return b.ID })
	return &jobsOutput{p}, err
}

type retryInput struct {
	JobID int64 `path:"job_id" minimum:"1" doc:"The job" example:"4711"`
}

func (h adminRoutes) retry(ctx context.Context, in *retryInput) (*struct{}, error) {
	return nil, h.admin.RetryJob(ctx, actorOf(ctx), in.JobID)
}
