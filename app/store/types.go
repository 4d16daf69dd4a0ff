package store

import "github.com/seed-755a8038/coffer/ports"

// What the ways in hand over and get, by the names they know it by.
type (
	ProductQuery      = ports.ProductQuery
	TransactionQuery  = ports.TransactionQuery
	SubscriptionQuery = ports.SubscriptionQuery
	Position          = ports.ContentsPosition
	LinkedNode        = ports.LinkedNode
	Sale              = ports.TransactionEntry
	Held              = ports.Held
	Entry             = ports.Entry
	SalesRow          = ports.Sales
)
