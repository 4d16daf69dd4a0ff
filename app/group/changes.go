package group

import (
	"reflect"

	"github.com/seed-755a8038/coffer/core"
)

// groupChanges is what the audit log has of a change.
func groupChanges(before, after *core.Group) map[string]core.Change {
	changes := make(map[string]core.Change)
	differ := func(name string, from, to any) {
		if !reflect.DeepEqual(from, to) {
			changes[name] = core.Change{From: from, To: to}
		}
	}
	differ("name", before.Name, after.Name)
	differ("description", before.Description, after.Description)
	differ("parent_id", before.ParentID.String(), after.ParentID.String())
	differ("cover_asset_id", before.CoverAssetID.String(), after.CoverAssetID.String())
	differ("is_public", before.IsPublic, after.IsPublic)
	differ("tags", words(before.Metadata.Tags), words(after.Metadata.Tags))
	differ("custom_fields", fields(before.Metadata.CustomFields), fields(after.Metadata.CustomFields))
	differ("sections", words(before.Order.Sections), words(after.Order.Sections))
	differ("default_sort", string(before.Order.Sort), string(after.Order.Sort))
	differ("layout", string(before.Order.Layout), string(after.Order.Layout))
	if before.SharePasswordHash != after.SharePasswordHash { // told of, and never shown
		changes["share_password"] = core.Change{From: set(before.SharePasswordHash), To: set(after.SharePasswordHash)}
	}
	return changes
}

// set says of a secret whether there is one.
func set(secret string) any {
	if secret == "" {
		return nil
	}
	return "set"
}

// words and fields make nothing of what is empty, however that came.
func words(list []string) []string {
	if len(list) == 0 {
		return []string{}
	}
	return list
}

func fields(m map[string]any) map[string]any {
	if len(m) == 0 {
		return map[string]any{}
	}
	return m
}
