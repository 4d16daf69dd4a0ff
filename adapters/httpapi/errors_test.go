package httpapi

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/app"
	"github.com/seed-755a8038/coffer/core"
)

// failing mounts an operation that ends as fn does.
func (f *fixture) failing(fn func(ctx context.Context) error) {
	register(f.api, operation{id: "fail", method: http.MethodPost, path: "/fail", tag: tagHealth, public: true},
		func(ctx context.Context, _ *struct{}) (*healthOutput, error) { return nil, fn(ctx) })
}

func TestEveryKindOfErrorHasItsStatus(t *testing.T) {
	for kind, want := range map[core.Kind]int{
		core.KindMalformed: 400, core.KindInvalid: 422, core.KindUnauthenticated: 401, core.KindPayment: 402, core.KindForbidden: 403,
		core.KindNotFound: 404, core.KindConflict: 409, core.KindGone: 410, core.KindPrecondition: 412, core.KindTooLarge: 413,
		core.KindLocked: 423, core.KindRateLimited: 429, core.KindUnavailable: 503, core.KindInternal: 500,
	} {
		if got := statusOf(&core.Error{Kind: kind, Code: "any"}); got != want {
			t.Errorf("kind %d: status %d, want %d", kind, got, want)
		}
	}
}

func TestDetailsOfAnErrorAreMembersOfTheProblem(t *testing.T) {
	f := newFixture(t)
	f.failing(func(context.Context) error {
		return fmt.Errorf("creating: %w", core.CheckLimit("max_assets_count", 100, 100, 1))
	})
	p := problemIn(t, f.call("POST", "/fail", ""), 403, "limit_exceeded")
	if p["limit"] != "max_assets_count" || p["max"] != 100.0 || p["used"] != 100.0 || p["requested"] != 1.0 {
		t.Errorf("got %v", p)
	}
}

func TestAnUnnamedErrorIsHiddenAndLogged(t *testing.T) {
	f := newFixture(t)
	f.failing(func(context.Context) error { return errSecret })
	w := f.call("POST", "/fail", "")
	problemIn(t, w, 500, "internal")
	if strings.Contains(w.Body.String(), "users") {
		t.Errorf("the answer tells: %s", w.Body)
	}
	if log := f.log.String(); !strings.Contains(log, "relation") || !strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the log does not: %s", log)
	}
}

func TestAPanicIsAProblem(t *testing.T) {
	f := newFixture(t)
	f.failing(func(context.Context) error { panic("boom") })
	problemIn(t, f.call("POST", "/fail", ""), 500, "internal")
	if !strings.Contains(f.log.String(), "boom") || !strings.Contains(f.log.String(), "errors_test.go") {
		t.Errorf("log: %s", f.log)
	}
}

func TestATimeoutIsUnavailable(t *testing.T) {
	f := newFixture(t, func(_ *Services, o *Options) { o.Timeout = 20 * time.Millisecond })
	f.failing(func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("interrupted (9)") // as a driver says it
	})
	w := f.call("POST", "/fail", "")
	problemIn(t, w, 503, "timeout")
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After = %q", w.Header().Get("Retry-After"))
	}
}

func TestAClientThatIsGoneMakesNoNoise(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.failing(func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	r := httptest.NewRequest(http.MethodPost, "/fail", nil).WithContext(ctx)
	f.ServeHTTP(httptest.NewRecorder(), r)
	if log := f.log.String(); strings.Contains(log, "ERROR") || !strings.Contains(log, `"status":499`) {
		t.Errorf("log: %s", log)
	}
}

func TestAReplayIsTheAnswerOfBefore(t *testing.T) {
	f := newFixture(t)
	f.failing(func(context.Context) error {
		return fmt.Errorf("again: %w", &app.Replay{Status: 201, Answer: []byte(`{"id":1}`)})
	})
	w := f.call("POST", "/fail", "")
	if w.Code != 201 || w.Body.String() != `{"id":1}` || w.Header().Get("Idempotency-Replayed") != "true" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestRoutesThatAreNotThere(t *testing.T) {
	f := newFixture(t)
	problemIn(t, f.call("GET", "/api/nothing", ""), 404, "not_found")
	problemIn(t, f.call("GET", "/", ""), 404, "not_found")
	w := f.call("DELETE", "/api/auth/login", "")
	problemIn(t, w, 405, "method_not_allowed")
	if !strings.Contains(w.Header().Get("Allow"), "POST") {
		t.Errorf("Allow = %q", w.Header().Get("Allow"))
	}
}

func TestAPathThatCannotBeAnIDIsNotFound(t *testing.T) {
	f := newFixture(t)
	missing := f.call("GET", "/api/assets/00000000-0000-0000-0000-0000000000ff/download", "", signedIn)
	malformed := f.call("GET", "/api/assets/x%00y/download", "", signedIn)
	a, b := problemIn(t, missing, 404, "not_found"), problemIn(t, malformed, 404, "not_found")
	if a["detail"] != b["detail"] || a["title"] != b["title"] || b["errors"] != nil {
		t.Errorf("they can be told apart: %v, %v", a, b)
	}
	problemIn(t, f.call("POST", "/api/assets/00000000-0000-0000-0000-000000000005/versions/99999999999/restore", "", signedIn), 404, "not_found")
	problemIn(t, f.call("GET", "/api/drives/00000000-0000-0000-0000-000000000005/nodes?parent_id=x", "", signedIn), 422, "validation_failed")
}

func TestValidationNamesTheFieldsAndRepeatsNoValues(t *testing.T) {
	f := newFixture(t)
	w := f.call("POST", "/api/auth/signup", `{"email":"a","password":"hunter2","nick":"x","name":5}`)
	p := problemIn(t, w, 422, "validation_failed")
	got := fmt.Sprint(p["errors"])
	for _, want := range []string{"body.email", "body.password", "body.nick", "body.name"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if strings.Contains(w.Body.String(), "hunter2") || strings.Contains(f.log.String(), "hunter2") {
		t.Error("the password is repeated")
	}
	w = f.call("POST", "/api/auth/signup", `{"email":"ana@example.com"}`)
	if got := fmt.Sprint(problemIn(t, w, 422, "validation_failed")["errors"]); got != "[map[location:body.password message:is required]]" {
		t.Errorf("errors = %s", got)
	}
}

// Whoever adds an error has to explain it.
func TestEveryCodeHasAMeaning(t *testing.T) {
	found := map[string]bool{}
	for _, dir := range []string{"../../core", "../../app", "."} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if kv, ok := n.(*ast.KeyValueExpr); ok && fmt.Sprint(kv.Key) == "Code" {
					if lit, ok := kv.Value.(*ast.BasicLit); ok {
						code, _ := strconv.Unquote(lit.Value)
						found[code] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	delete(found, errGone.Code)                                                                          // nobody is there to read it
	maps.DeleteFunc(found, func(code string, _ bool) bool { return strings.HasPrefix(code, "bundle_") }) // of `coffer import`, which is no request
	if len(found) < 30 {
		t.Fatalf("found only %d codes", len(found))
	}
	for code := range found {
		if _, ok := meanings[code]; !ok {
			t.Errorf("the code %s has no meaning", code)
		}
	}
	for code, m := range meanings {
		if !found[code] || m.title == "" || m.advice == "" || m.status < 400 {
			t.Errorf("nothing has the code %s, or it is not explained", code)
		}
	}
}
