package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/seed-755a8038/coffer/adapters/telemetry"
)

func newLogger(t *testing.T, level string, asJSON bool) (*zap.Logger, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	log, err := telemetry.NewLogger(&out, level, asJSON)
	if err != nil {
		t.Fatal(err)
	}
	return log, &out
}

func decode(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

func TestProductionWritesJSON(t *testing.T) {
	log, out := newLogger(t, "info", true)
	log.Debug("too fine")
	log.With(zap.String("request_id", "r1")).Info("answered", zap.Int("status", 200), zap.Duration("took", 1500*time.Microsecond),
		zap.Bool("ok", true), zap.Strings("tags", []string{"a", "b"}), zap.Time("at", time.Unix(0, 0).UTC()))
	got := decode(t, out.Bytes())
	for key, want := range map[string]any{"msg": "answered", "level": "info", "request_id": "r1", "status": 200.0, "took": "1.5ms", "ok": true, "at": "1970-01-01T00:00:00Z"} {
		if got[key] != want {
			t.Errorf("%s = %v, want %v", key, got[key], want)
		}
	}
	if fmt.Sprint(got["tags"]) != "[a b]" {
		t.Errorf("tags = %v", got["tags"])
	}
	if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got["ts"])); err != nil {
		t.Errorf("ts = %v", got["ts"])
	}
}

func TestDevelopmentWritesText(t *testing.T) {
	log, out := newLogger(t, "debug", false)
	log.Debug("hello", zap.String("name", "ana"))
	if line := out.String(); !strings.Contains(line, "DEBUG  hello  ") || !strings.Contains(line, `{"name": "ana"}`) {
		t.Errorf("line: %s", line)
	}
}

func TestAnUnknownLevelIsAnError(t *testing.T) {
	if _, err := telemetry.NewLogger(&bytes.Buffer{}, "loud", true); err == nil {
		t.Error("no error")
	}
}

type credentials struct {
	User     string
	Password string
	Nested   map[string]any
}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (c credentials) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("user", c.User)
	enc.AddString("password", c.Password)
	return enc.AddReflected("nested", c.Nested)
}

type broken struct{}

// MarshalLogObject implements zapcore.ObjectMarshaler.
func (broken) MarshalLogObject(zapcore.ObjectEncoder) error {
	return errors.New("cannot: password=WOULDLEAK")
}

func TestNoSecretReachesTheLog(t *testing.T) {
	const leak = "WOULDLEAK"
	signed, _ := url.Parse("https://h/k?X-Amz-Signature=" + leak + "&x=1")
	failed := &url.Error{Op: "Get", URL: signed.String(), Err: errors.New("refused")}
	who := credentials{User: "ana", Password: leak, Nested: map[string]any{"session": map[string]string{"refresh_token": leak}}}
	header := http.Header{"Authorization": {"Bearer " + leak}, "Cookie": {"a=" + leak}, "Accept": {"text/html"}}
	for name, field := range map[string]zap.Field{
		"string":         zap.String("access_token", leak),
		"bytes":          zap.ByteString("password", []byte(leak)),
		"binary":         zap.Binary("secret", []byte(leak)),
		"text":           zap.ByteString("body", []byte("password="+leak)),
		"header":         zap.Any("header", header),
		"object":         zap.Object("who", who),
		"inline":         zap.Inline(who),
		"array":          zap.Objects("all", []credentials{who, who}),
		"struct":         zap.Reflect("who", struct{ Password string }{leak}),
		"pointer":        zap.Any("who", &struct{ APIKey *string }{new(leak)}),
		"map":            zap.Any("map", map[string]any{"a": []any{map[string]any{"secret": leak}}}),
		"dict":           zap.Dict("dict", zap.String("token", leak)),
		"strings":        zap.Strings("tokens", []string{leak}),
		"texts":          zap.Strings("urls", []string{signed.String()}),
		"stringer":       zap.Stringer("url", signed),
		"any url":        zap.Any("url", signed),
		"error":          zap.Error(failed),
		"wrapped error":  zap.Error(fmt.Errorf("download: %w", failed)),
		"errors":         zap.Errors("errors", []error{failed, failed}),
		"broken object":  zap.Object("who", broken{}),
		"slog attribute": zap.Any("attr", slog.GroupValue(slog.String("password", leak))),
		"url in a text":  zap.String("note", "see "+signed.String()),
	} {
		for _, asJSON := range []bool{true, false} {
			log, out := newLogger(t, "debug", asJSON)
			log.Info("given at once", field, zap.Int("n", 7))
			log.With(field, zap.Int("n", 7)).Info("given before")
			if strings.Contains(out.String(), leak) {
				t.Errorf("%s leaks: %s", name, out)
			}
			if strings.Count(out.String(), `"n":`) != 2 {
				t.Errorf("%s: other fields are lost: %s", name, out)
			}
		}
	}
}

func TestTheRestOfAValueStays(t *testing.T) {
	log, out := newLogger(t, "info", true)
	log.Info("x", zap.Object("who", credentials{User: "ana", Password: "x"}), zap.Any("header", http.Header{"Accept": {"text/html"}}),
		zap.Error(errors.New("plain")), zap.Any("took", map[string]any{"t": time.Second, "n": int64(1) << 60}), zap.Error(nil))
	for _, want := range []string{
		`"who":{"nested":{},"password":"[redacted]","user":"ana"}`, `"header":{"Accept":["text/html"]}`, `"error":"plain"`,
		`"took":{"n":1152921504606846976,"t":"1s"}`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, out)
		}
	}
}

func TestMessagesAreScrubbed(t *testing.T) {
	log, out := newLogger(t, "info", true)
	log.Info("sent Bearer WOULDLEAK to h")
	log.Sugar().Infof("token=%s", "WOULDLEAK")
	zap.NewStdLog(log).Print("http: password=WOULDLEAK")
	if strings.Contains(out.String(), "WOULDLEAK") {
		t.Errorf("leaks: %s", out)
	}
}

func TestANamespaceOfSecretsIsHiddenWhole(t *testing.T) {
	log, out := newLogger(t, "info", true)
	log.With(zap.Namespace("credentials"), zap.String("value", "WOULDLEAK")).Info("x", zap.String("more", "WOULDLEAK"), zap.Inline(credentials{User: "WOULDLEAK"}))
	log.Info("x", zap.Namespace("token"), zap.String("value", "WOULDLEAK"))
	if strings.Contains(out.String(), "WOULDLEAK") {
		t.Errorf("leaks: %s", out)
	}
}

func TestLibrariesThatSpeakSlogAreRedactedToo(t *testing.T) {
	log, out := newLogger(t, "info", true)
	lib := telemetry.NewSlog(log.Named("jobs"))
	lib.Debug("too fine")
	lib.With("refresh_token", "WOULDLEAK").WithGroup("request").Error("failed", "cookie", "WOULDLEAK", "n", 3,
		slog.Group("g", "password", "WOULDLEAK"), "err", errors.New("password=WOULDLEAK"))
	got := decode(t, out.Bytes())
	if strings.Contains(out.String(), "WOULDLEAK") || got["msg"] != "failed" || got["level"] != "error" || got["logger"] != "jobs" {
		t.Errorf("line: %s", out)
	}
	if _, ok := got["stacktrace"]; ok {
		t.Errorf("an error of a library has a stack trace: %s", out)
	}
}

func BenchmarkRequestLine(b *testing.B) {
	log, err := telemetry.NewLogger(discard{}, "info", true)
	if err != nil {
		b.Fatal(err)
	}
	u, _ := url.Parse("/api/orgs/0199/assets?limit=50&cursor=abc")
	b.ReportAllocs()
	for b.Loop() {
		log.Info("request", zap.String("method", "GET"), zap.String("url", telemetry.SafeURL(u)), zap.Int("status", 200),
			zap.Duration("took", time.Millisecond), zap.String("request_id", "0199d3a0-0000-7000-8000-000000000000"))
	}
}

type discard struct{}

// Write implements io.Writer.
func (discard) Write(p []byte) (int, error) { return len(p), nil }
