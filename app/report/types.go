package report

import "github.com/seed-755a8038/coffer/ports"

// Query is a page of reports, by the name the ways in know it by.
type Query = ports.ReportQuery

// RunQuery is a page of runs, likewise.
type RunQuery = ports.ReportRunQuery
