package httpapi

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-755a8038/coffer/core"
)

// TestWhatALicenceLacksIsNull: an empty list would say that there was nothing.
func TestWhatALicenceLacksIsNull(t *testing.T) {
	for _, c := range []struct {
		analytics core.Analytics
		want      []string
	}{
		{core.Analytics{Level: core.AnalyticsBasic}, []string{`"popular_assets":null`, `"geographic_data":null`, `"device_types":null`, `"share_performance":null`}},
		{
			core.Analytics{Level: core.AnalyticsFull, Assets: []core.AssetTraffic{}, Countries: []core.CountryTraffic{}, Devices: []core.DeviceTraffic{}, Links: []core.LinkTraffic{}},
			[]string{`"popular_assets":[]`, `"geographic_data":[]`, `"device_types":[]`, `"share_performance":[]`, `"not_included":[]`},
		},
	} {
		var out bytes.Buffer
		if err := encode(&out, showAnalytics(&c.analytics)); err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %s in %s", want, out.String())
			}
		}
	}
}
