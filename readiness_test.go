package coffer

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestWhatIsDownIsLoggedWhenItChanges(t *testing.T) {
	refused, gone := errors.New("dial 10.0.0.9: refused"), errors.New("bucket is gone")
	down := map[string]error{}
	ask := func(name string) func(context.Context) error {
		return func(ctx context.Context) error { return errors.Join(ctx.Err(), down[name]) }
	}
	var log bytes.Buffer
	r := &readiness{log: slog.New(slog.NewTextHandler(&log, nil)), asks: map[string]func(context.Context) error{
		"database": ask("database"), "blob_store": ask("blob_store"), "server": ask("server"),
	}}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	for _, step := range []struct {
		down  map[string]error
		level string   // of the one line; none if empty
		says  []string // what is in it
	}{
		{nil, "", nil},
		{map[string]error{"database": refused}, "WARN", []string{"database: dial 10.0.0.9: refused"}},
		{map[string]error{"database": refused, "blob_store": gone}, "WARN", []string{"database: dial", "blob_store: bucket is gone"}},
		{map[string]error{"blob_store": errors.New("it is still gone")}, "WARN", []string{"blob_store: it is still gone"}},
		{nil, "INFO", []string{"again"}},
		{map[string]error{"server": errLeaving}, "", nil},
	} {
		down = step.down
		log.Reset()
		for range 5 {
			found := r.check(impatient)
			for _, c := range r.components(impatient) {
				if ok := down[c.Name] == nil; c.OK != ok || (found[c.Name] == nil) != ok {
					t.Errorf("%v: %s is %v, %v", step.down, c.Name, c.OK, found[c.Name])
				}
			}
		}
		lines := strings.Count(log.String(), "\n")
		if step.level == "" && lines != 0 || step.level != "" && (lines != 1 || !strings.Contains(log.String(), "level="+step.level)) {
			t.Errorf("%v: log %q", step.down, log.String())
		}
		for _, want := range step.says {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%v: log %q, want %q", step.down, log.String(), want)
			}
		}
	}
}
