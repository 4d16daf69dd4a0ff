package webhook

import "github.com/seed-755a8038/coffer/ports"

// What the ways in hand over, by the names they know it by.
type (
	Query         = ports.WebhookQuery
	DeliveryQuery = ports.DeliveryQuery
)
