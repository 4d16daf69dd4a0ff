package webhook

import "github.com/seed-755a8038/coffer/ports"

// Query is a page of webhooks, by the name the ways in know it by.
type Query = ports.WebhookQuery

// DeliveryQuery is a page of deliveries, likewise.
type DeliveryQuery = ports.DeliveryQuery
