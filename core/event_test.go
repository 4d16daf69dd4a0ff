package core_test

import (
	"errors"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

func TestADriveDecidesWhoHearsOfWhatIsInIt(t *testing.T) {
	drive := core.DriveID{1}
	for _, c := range []struct {
		kind string
		data map[string]any
		want bool
	}{
		{"node.moved", map[string]any{"drive_id": drive.String()}, true},
		{"asset.uploaded", map[string]any{"drive_id": drive.String()}, true},
		{"drive.updated", map[string]any{"drive_id": drive.String()}, true},
		{"share.created", map[string]any{"drive_id": drive.String()}, false}, // who shares is not for everybody
		{"transaction.completed", map[string]any{"drive_id": drive.String()}, false},
		{"node.moved", map[string]any{"drive_id": "x"}, false},
		{"node.moved", map[string]any{"drive_id": 1}, false},
		{"node.moved", nil, false},
		{"nodes.moved", map[string]any{"drive_id": drive.String()}, false},
	} {
		got, ok := (&core.Event{Type: c.kind, Data: c.data}).InDrive()
		if ok != c.want || ok && got != drive {
			t.Errorf("%s %v: %s, %t", c.kind, c.data, got, ok)
		}
	}
	for role, want := range map[core.OrgRole]bool{core.OrgOwner: true, core.OrgAdmin: true, core.OrgMember: false, core.OrgViewer: false, "": false} {
		if got := core.HearsAll(core.OrgFacts{Role: role}); got != want {
			t.Errorf("%q hears all: %t", role, got)
		}
	}
	if !errors.Is(core.ErrEventExpired, core.ErrCursorExpired) {
		t.Error("an event that is not kept is not known as a cursor that is not")
	}
}
