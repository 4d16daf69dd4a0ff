// Package reportfile makes files of analytics: CSV for programs and
// spreadsheets, PDF for people.
package reportfile

import (
	"context"
	"fmt"
	"io"

	"github.com/seed-755a8038/coffer/core"
	"github.com/seed-755a8038/coffer/ports"
)

// Files implements ports.ReportFiles. It is safe for concurrent use.
type Files struct{}

// Write implements ports.ReportFiles.
func (Files) Write(ctx context.Context, w io.Writer, f core.ReportFormat, d ports.ReportDocument) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch f {
	case core.ReportCSV:
		return writeCSV(w, d)
	case core.ReportPDF:
		return writePDF(ctx, w, d)
	}
	return fmt.Errorf("no such format: %q", f)
}
