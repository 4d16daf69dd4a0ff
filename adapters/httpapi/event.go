package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/app/event"
	"github.com/seed-755a8038/coffer/core"
)

type eventRoutes struct {
	events  *event.Service
	timeout time.Duration // of writing
}

const (
	eventStreamType = "text/event-stream"
	heartbeat       = 15 * time.Second
	eventRetry      = 2_000 // milliseconds until a client comes back
)

func (h eventRoutes) mount(api huma.API) {
	register(api, operation{
		id: "followEvents", method: http.MethodGet, path: "/api/orgs/{org_id}/events", tag: tagEvents,
		codes:   []string{"validation_failed", "cursor_expired", "too_many_streams"},
		summary: "Follow what happens",
		about:   "Server-Sent Events, each about a second after it has happened: id is that of the event, data what webhooks get. Owners and admins hear of everything; others of files, folders and drives that they may read now. A stream ends after an hour, with your token, when the server stops, or when you have no place in the organisation any more: come back with Last-Event-ID, and nothing is missed. At its start and every 15 seconds there is a comment with the id of the last event, which may be one that you do not hear of. At most 8 streams of a user, and 200 of an organisation, run at once.",
		answer: func(huma.Registry) map[string]*huma.MediaType {
			return map[string]*huma.MediaType{eventStreamType: {Schema: &huma.Schema{
				Type: huma.TypeString, Description: "Events, each with id, event (its type) and data (JSON), and comments with an id",
			}}}
		},
	}, h.follow)
}

type followEventsInput struct {
	OrgInput
	Types []string     `query:"types" maxItems:"50" doc:"Only these types, with commas between them, or a noun with a dot and a star; left out: all" example:"asset.*"`
	After core.EventID `header:"Last-Event-ID" format:"uuid" doc:"The last event that you have: those after it come first; left out: from now on" example:"0199f2b4-7c1e-7a60-9d52-3f1c6a0b8e33"`
}

func (h eventRoutes) follow(ctx context.Context, in *followEventsInput) (*writtenOutput, error) {
	stream, err := h.events.Follow(ctx, actorOf(ctx), event.FollowInput{OrgID: in.OrgID, Types: in.Types, After: in.After})
	if err != nil {
		return nil, err
	}
	return &writtenOutput{func(c huma.Context) {
		defer stream.Close()
		c.SetHeader("Content-Type", eventStreamType)
		c.SetHeader("Cache-Control", "no-store")
		c.SetHeader("X-Accel-Buffering", "no") // nginx would keep events back
		c.SetStatus(http.StatusOK)
		requestOf(ctx).failed = h.write(connOf(ctx), c, stream)
	}}, nil
}

// write sends events until the stream or the client ends. A client that takes
// nothing for the time of a request loses the stream.
func (h eventRoutes) write(ctx context.Context, c huma.Context, stream *event.Stream) error {
	response := http.NewResponseController(humaecho.UnwrapV4(c).Response().Writer)
	out := &patientWriter{w: c.BodyWriter(), patience: h.timeout, deadlines: response}
	if _, err := fmt.Fprintf(out, ": following\nretry: %d\n", eventRetry); err != nil {
		return err
	}
	if err := writePlace(ctx, out, stream); err != nil {
		return err
	}
	for {
		if err := response.Flush(); err != nil {
			return err
		}
		events, err := stream.Next(ctx, heartbeat)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(events) > 0 {
			err = writeEvents(out, events)
		} else {
			err = writePlace(ctx, out, stream)
		}
		if err != nil {
			return err
		}
	}
}

// writePlace writes a comment, and the id of what the client need not hear of
// any more when it comes back.
func writePlace(ctx context.Context, w io.Writer, stream *event.Stream) error {
	id, err := stream.Place(ctx)
	if err != nil {
		return err
	}
	text := ":\n\n"
	if !id.IsZero() {
		text = ":\nid: " + id.String() + "\n\n"
	}
	_, err = io.WriteString(w, text)
	return err
}

func writeEvents(w io.Writer, events []*core.Event) error {
	for _, e := range events {
		body, err := app.EventBody(e)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", e.ID, e.Type, body); err != nil {
			return err
		}
	}
	return nil
}
