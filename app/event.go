package app

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Emit tells those outside of what happens in an org, in the unit of work in
// which it does. It costs one statement; webhooks are told once it has committed.
func Emit(ctx context.Context, tx ports.Tx, events ...*core.Event) error {
	return tx.Events.Add(ctx, events...)
}

// Announce tells those outside of what the audit log has, by the same name and
// with who did it and what has changed. data says what it was done to.
func Announce(ctx context.Context, tx ports.Tx, id [16]byte, e *core.AuditEntry, data map[string]any) error {
	actor := map[string]any{"kind": string(e.ActorKind)}
	if !e.ActorID.IsZero() {
		actor["account_id"] = e.ActorID.String()
	}
	data["actor"] = actor
	if len(e.Changes) > 0 {
		data["changes"] = e.Changes
	}
	return Emit(ctx, tx, core.NewEvent(id, e.OrgID, e.Action, data, e.At))
}

// NodeData is what an event tells of a node.
func NodeData(n *core.Node) map[string]any {
	data := map[string]any{"node_id": n.ID.String(), "drive_id": n.DriveID.String(), "kind": string(n.Kind), "name": n.Name}
	if !n.ParentID.IsZero() {
		data["parent_id"] = n.ParentID.String()
	}
	return data
}

// EventBody returns an event as those outside get it, in compact JSON: by
// webhooks and by streams alike. Its data says which org it is of.
func EventBody(e *core.Event) ([]byte, error) {
	data := map[string]any{"org_id": e.OrgID.String()}
	maps.Copy(data, e.Data)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Type      string         `json:"type"`
		Timestamp time.Time      `json:"timestamp"`
		Data      map[string]any `json:"data"`
	}{e.Type, e.At, data})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
