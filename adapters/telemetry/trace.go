package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Tracing makes spans, or none if there is nobody to send them to.
type Tracing struct {
	Provider   trace.TracerProvider
	Propagator propagation.TextMapPropagator // W3C trace context

	shutdown func(context.Context) error
}

// NewTracing sends spans in the background to the OTLP/HTTP collector at
// endpoint, its base URL; an empty endpoint makes no spans. The standard
// OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER and OTEL_RESOURCE_ATTRIBUTES
// are honoured. A collector that is down costs spans, never a request.
func NewTracing(ctx context.Context, endpoint, version string, log *slog.Logger) (*Tracing, error) {
	t := &Tracing{
		Provider: noop.NewTracerProvider(), Propagator: propagation.TraceContext{},
		shutdown: func(context.Context) error { return nil },
	}
	if endpoint == "" {
		return t, nil
	}
	target, err := url.JoinPath(endpoint, "v1", "traces")
	if err != nil {
		return nil, fmt.Errorf("OTLP endpoint: %w", err)
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(target))
	if err != nil {
		return nil, fmt.Errorf("OTLP exporter: %w", err)
	}
	res, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", "coffer"), attribute.String("service.version", version)),
		resource.WithFromEnv(), // last: the operator may rename the service
	)
	if err != nil {
		return nil, fmt.Errorf("describe the service for traces: %w", err)
	}
	// Errors of the exporter reach the operator this way only.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	t.Provider, t.shutdown = provider, provider.Shutdown
	return t, nil
}

// Shutdown sends what is waiting, until ctx ends.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if err := t.shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}
