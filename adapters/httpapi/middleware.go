package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/seed-755a8038/coffer/core"
)

// statusClientGone is what the log says of a request whose client did not wait.
const statusClientGone = 499

// handle is the middleware around every request. It is one, because each costs
// an allocation on every request.
func (s *server) handle(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.Clock.Now()
		r := c.Request()
		address := s.address(r)
		req := &request{
			id: requestID(r.Header), types: s.types,
			client: core.Client{Address: address, Network: network(address), UserAgent: userAgent(r.Header)},
		}
		req.conn = context.WithValue(r.Context(), requestKey{}, req)
		ctx, cancel := context.WithTimeout(req.conn, s.Timeout)
		defer cancel()
		req.http = r.WithContext(ctx)
		c.SetRequest(req.http)
		s.setHeaders(c.Response().Header(), req.id)
		defer s.finish(c, req, start)
		if err := s.serve(c, req, next, start); err != nil {
			s.fail(err, c)
		}
		return nil
	}
}

// serve answers the request, or returns why it does not.
func (s *server) serve(c echo.Context, req *request, next echo.HandlerFunc, now time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.recovered(c, req, p)
		}
	}()
	if s.cors.answer(c.Response(), req.http) {
		return nil
	}
	s.identify(req, now)
	if err := s.limit(c, req, now); err != nil {
		return err
	}
	if err := checkAddress(req.http); err != nil {
		return err
	}
	return next(c)
}

// panicError is a panic that has been caught.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

func (s *server) recovered(c echo.Context, req *request, value any) error {
	if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(value)
	}
	err := &panicError{value, debug.Stack()}
	if c.Response().Committed {
		// Half an answer is out: the client must not take it for a whole one.
		req.failed = err
		panic(http.ErrAbortHandler)
	}
	return err
}

// finish tells the log and the metrics of a request that has ended.
func (s *server) finish(c echo.Context, req *request, start time.Time) {
	took := s.Clock.Now().Sub(start)
	status := c.Response().Status
	if errors.Is(req.http.Context().Err(), context.Canceled) && !c.Response().Committed {
		status = statusClientGone
	}
	route := req.route
	if route == "" {
		route = "unmatched"
	}
	if req.actor.ByKey() {
		s.known.learn(req.actor, status)
	}
	if s.Observe != nil {
		s.Observe(req.http.Method, route, status, took)
	}
	// An answer that began well can break off, because of us or of the client.
	broken := req.failed != nil && status < http.StatusBadRequest && req.conn.Err() == nil
	level := slog.LevelInfo
	// Who examines what the server depends on logs what is down, once.
	if broken || status >= http.StatusInternalServerError && !errors.Is(req.failed, errNotReady) {
		level = slog.LevelError
	}
	ctx := req.http.Context()
	if !s.Log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 13)
	attrs = append(attrs,
		slog.String("request_id", req.id), slog.String("method", req.http.Method), slog.String("route", route),
		slog.String("url", s.loggable(req.http)), slog.Int("status", status), slog.Duration("took", took),
		slog.Int64("bytes", c.Response().Size), slog.String("address", req.client.Address),
	)
	if !req.actor.UserID.IsZero() {
		attrs = append(attrs, slog.String("user_id", req.actor.UserID.String()))
	}
	told := false
	if req.actor.ByKey() {
		attrs = append(attrs, slog.String("key_prefix", req.actor.Key.Prefix))
	}
	if e, ok := errors.AsType[*core.Error](req.failed); ok {
		attrs = append(attrs, slog.String("code", e.Code))
		told = req.failed.Error() == e.Message
	}
	// The client is not told why a token or a sign-in is not good; who has set
	// up an issuer wants to know.
	if req.failed != nil && (level == slog.LevelError || !told) {
		attrs = append(attrs, slog.String("error", req.failed.Error()))
	}
	if req.note.Key != "" {
		attrs = append(attrs, req.note)
	}
	s.Log.LogAttrs(ctx, level, "request", attrs...)
}

func (s *server) loggable(r *http.Request) string {
	if s.LogURL == nil {
		return r.URL.Path
	}
	return s.LogURL(r.URL)
}
