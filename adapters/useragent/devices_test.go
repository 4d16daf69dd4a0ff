package useragent_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-755a8038/coffer/adapters/useragent"
	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

var devices ports.Devices = useragent.Devices{}

func TestDevicesAreKnown(t *testing.T) {
	for agent, want := range map[string]core.Device{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36":                               core.DeviceDesktop,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15":                         core.DeviceDesktop,
		"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0":                                                                        core.DeviceDesktop,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1":       core.DeviceMobile,
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36":                         core.DeviceMobile,
		"Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1":                core.DeviceTablet,
		"Mozilla/5.0 (compatible; SomeBot/2.1; +https://example.com/bot.html)":                                                                          core.DeviceBot,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/130.0.0.0 Safari/537.36": core.DeviceBot,
		"curl/8.5.0": core.DeviceUnknown, "": core.DeviceUnknown, "x": core.DeviceUnknown,
	} {
		if got := devices.Device(agent); got != want {
			t.Errorf("%q is %s, want %s", agent, got, want)
		}
	}
}

// TestAnythingMayCome: whatever a client sends has one of the devices.
func TestAnythingMayCome(t *testing.T) {
	part := rapid.OneOf(rapid.String(), rapid.SampledFrom(strings.Fields("Mozilla/5.0 ( ) ; / Android Mobile Safari/ Version/ Opera Windows like Gecko compatible bot iPhone OS X")))
	rapid.Check(t, func(t *rapid.T) {
		agent := strings.Join(rapid.SliceOf(part).Draw(t, "parts"), rapid.SampledFrom([]string{"", " ", ";"}).Draw(t, "between"))
		switch got := devices.Device(agent); got {
		case core.DeviceDesktop, core.DeviceMobile, core.DeviceTablet, core.DeviceBot, core.DeviceUnknown:
		default:
			t.Errorf("%q is %q", agent, got)
		}
	})
}
