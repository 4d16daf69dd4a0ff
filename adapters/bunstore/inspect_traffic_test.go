package bunstore_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/adapters/bunstore"
	"github.com/seed-755a8038/coffer/test/fixture"
)

// brokenTraffic makes a link's sums that break every invariant of theirs: of a
// quarter without its day, of a month without its country, of another org; more
// than was logged; a visitor and a salt of long ago.
const brokenTraffic = `
	INSERT INTO share_accesses (id, link_id, org_id, kind, refused, address, user_agent, referer, at)
		SELECT CAST('00000000-0000-7000-8000-0000000000e1' AS ID), id, org_id, 'password', '', '', '', '', 1 FROM share_links;
	INSERT INTO link_traffic (subject_id, org_id, dim, grain, bucket, key, views, visitors, downloads)
		SELECT id, CAST('00000000-0000-7000-8000-0000000000a2' AS ID), 'total', 1, 9000000000, '', 1, 0, 0 FROM share_links;
	INSERT INTO link_traffic (subject_id, org_id, dim, grain, bucket, key, views, visitors, downloads)
		SELECT id, org_id, 'total', 3, 0, '', 1, 0, 0 FROM share_links;
	INSERT INTO link_visitors (visitor, subject_id, via, org_id, first, country, device)
		SELECT token_hash, id, '', org_id, 1, '', '' FROM share_links;
	INSERT INTO visitor_salts (day, salt) SELECT 0, token_hash FROM share_links;`

func TestInvariantsOfTraffic(t *testing.T) {
	for id, open := range map[string]func(t *testing.T) *bunstore.Store{
		"text": onDisk,
		"uuid": func(t *testing.T) *bunstore.Store { t.Helper(); return fixture.Postgres(t, 4) },
	} {
		t.Run(id, func(t *testing.T) {
			s := open(t)
			exec(t, s, broken)
			exec(t, s, foreignShare, []byte("hash"))
			exec(t, s, strings.ReplaceAll(brokenTraffic, "AS ID", "AS "+id))
			want := []string{
				"traffic is the same summed up by quarters of an hour, days and months", "traffic is the same told apart by country, device or link",
				"a view or download that was granted counts once", "who came is forgotten within three days", "traffic has the org of its link or group",
			}
			var found []string
			for v, err := range s.Violations(t.Context(), time.Now(), time.Now().Add(-time.Hour)) {
				if err != nil {
					t.Fatal(err)
				}
				if slices.Contains(want, v.Invariant) && !slices.Contains(found, v.Invariant) {
					found = append(found, v.Invariant)
				}
			}
			if !slices.Equal(found, want) {
				t.Errorf("found %q, want %q", found, want)
			}
		})
	}
}
