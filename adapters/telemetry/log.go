// Package telemetry is how the server tells its operators what it does: logs
// (zap), traces (OpenTelemetry) and metrics (Prometheus).
package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"math"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// NewLogger returns a logger that writes entries from level (debug, info, warn,
// error) up to w, one per line: JSON for machines, or text for people. No
// secret gets through it: see redactor.
func NewLogger(w io.Writer, level string, json bool) (*zap.Logger, error) {
	lowest, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	c := zap.NewProductionEncoderConfig()
	c.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	c.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(c)
	if !json {
		c.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		c.EncodeLevel = zapcore.CapitalLevelEncoder
		c.ConsoleSeparator = "  "
		encoder = zapcore.NewConsoleEncoder(c)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), lowest)
	return zap.New(redactor{Core: core}, zap.AddStacktrace(zapcore.DPanicLevel)), nil
}

// NewSlog returns a view of log for libraries that speak slog. What they write
// is redacted in the same way.
func NewSlog(log *zap.Logger) *slog.Logger {
	const never = slog.Level(math.MaxInt32) // a library's error is no reason for a stack trace
	return slog.New(zapslog.NewHandler(log.Core(), zapslog.WithName(log.Name()), zapslog.AddStacktraceAt(never)))
}
