// Package useragent tells devices from User-Agents.
package useragent

import (
	"github.com/mileusna/useragent"

	"github.com/seed-755a8038/coffer/core"
)

// Devices is a ports.Devices.
type Devices struct{}

// Device implements ports.Devices.
func (Devices) Device(userAgent string) core.Device {
	ua := useragent.Parse(userAgent)
	switch {
	case ua.Bot:
		return core.DeviceBot
	case ua.Tablet:
		return core.DeviceTablet
	case ua.Mobile:
		return core.DeviceMobile
	case ua.Desktop:
		return core.DeviceDesktop
	}
	return core.DeviceUnknown
}
