package e2e

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestMetadataAndTagsFindAFile(t *testing.T) {
	tell(t, nil, func(t *testing.T, s *server) {
		ana := s.signUp("ana")
		path := "/api/orgs/" + ana.org + "/assets"
		asset := ana.create(object{"name": "Beach_100%.JPG", "content_type": "image/jpeg", "size_bytes": 1, "metadata": object{
			"tags": []string{" holiday", "2026", "holiday", "caf\u00e9"}, "custom_fields": object{"camera": "X100", "iso": 200, "raw": false, "lens": nil},
		}})
		ana.create(object{"name": "Beach_1000.txt", "content_type": "text/plain", "size_bytes": 1})
		one := path + "/" + asset.text("asset.id")
		if tags := asset.text("asset.metadata.tags"); tags != "[2026 café holiday]" {
			t.Errorf("tags %s", tags)
		}
		for query, want := range map[string]string{
			"tag=holiday": "Beach_100%.JPG", "tag=cafe%CC%81": "Beach_100%.JPG", "tag=holi": "", "tag=Holiday": "", "type=image": "Beach_100%.JPG", "type=image/jpeg": "Beach_100%.JPG",
			"type=image/png": "", "type=imag": "", "q=beach": "Beach_1000.txt Beach_100%.JPG", "q=100%25": "Beach_100%.JPG", "q=beach_": "Beach_1000.txt Beach_100%.JPG",
			"q=each%25": "", "q=b_ach": "", "q=%5C": "", "q='": "", "q=%22": "", "status=ready": "", "status=pending&tag=2026": "Beach_100%.JPG",
		} {
			if got := strings.Join(ana.want(http.StatusOK, "GET", path+"?"+query, nil).list("name"), " "); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "GET", path+"?status=trashed", nil)

		same := ana.want(http.StatusOK, "PATCH", one, object{"name": "sea.jpg"})
		if same.text("metadata.custom_fields.camera") != "X100" || same.get("metadata.custom_fields.lens") != nil || same.number("metadata.custom_fields.iso") != 200 {
			t.Errorf("left out, so unchanged: %s", same.body)
		}
		cleared := ana.want(http.StatusOK, "PATCH", one, object{"metadata": nil})
		if cleared.text("metadata.tags") != "[]" || cleared.text("metadata.custom_fields") != "map[]" || cleared.text("name") != "sea.jpg" {
			t.Errorf("null, so cleared: %s", cleared.body)
		}
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", one, object{"name": nil})
		ana.refused(http.StatusUnprocessableEntity, "validation_failed", "PATCH", one, object{"metadata": object{"tags": slices.Repeat([]string{"x"}, 101)}})
		before := ana.want(http.StatusOK, "GET", one, nil)
		unchanged := ana.want(http.StatusOK, "PATCH", one, object{})
		if !bytes.Equal(unchanged.body, before.body) {
			t.Errorf("nothing changed: %s, before %s", unchanged.body, before.body)
		}
	})
}
