package httpapi

import "context"

// PageInput is what every list takes.
type PageInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most"`
	Cursor string `query:"cursor" maxLength:"4096" doc:"The next_cursor of the answer before; leave it out for the first page"`
}

// page is a part of a list.
type page[T any] struct {
	Items      []T     `json:"items" doc:"What is on this page"`
	NextCursor *string `json:"next_cursor" maxLength:"4096" doc:"Leads to the next page; null on the last one"`
}

// more is how many rows to ask for: one more than there is room for says
// whether another page follows.
func (in PageInput) more() int { return in.Limit + 1 }

// pageOf makes a page of rows that were asked for with more.
func pageOf[E, T, P any](
	ctx context.Context, in PageInput, c codec[P], rows []E, show func(E) T, position func(E) P,
) (page[T], error) {
	var next *string
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		cursor, err := c.seal(ctx, position(rows[len(rows)-1]))
		if err != nil {
			return page[T]{}, err
		}
		next = &cursor
	}
	return page[T]{Items: each(rows, show), NextCursor: next}, nil
}

// each shows all of in, and never returns nil.
func each[E, T any](in []E, show func(E) T) []T {
	out := make([]T, len(in))
	for i, e := range in {
		out[i] = show(e)
	}
	return out
}

// same shows what is in its form already.
func same[T any](v T) T { return v }
