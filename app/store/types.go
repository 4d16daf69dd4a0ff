package store

import "github.com/seed-755a8038/coffer/ports"

type (
	// ProductQuery is a page of products.
	ProductQuery = ports.ProductQuery
	// TransactionQuery is a page of transactions.
	TransactionQuery = ports.TransactionQuery
	// SubscriptionQuery is a page of memberships.
	SubscriptionQuery = ports.SubscriptionQuery
	// Position is a place in a folder that was bought.
	Position = ports.ContentsPosition
	// LinkedNode is what a product consists of.
	LinkedNode = ports.LinkedNode
	// Sale is a transaction with who has bought.
	Sale = ports.TransactionEntry
	// Held is what a buyer has.
	Held = ports.Held
	// Entry is a file or folder.
	Entry = ports.Entry
	// SalesRow is what a product has brought in a period.
	SalesRow = ports.Sales
)
