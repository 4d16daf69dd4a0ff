package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/seed-755a8038/coffer/test/env"
)

// visitor is somebody with a browser of their own, who has not been here before.
type visitor struct {
	t         *testing.T
	s         *server
	ctx       context.Context //nolint:containedctx // the browser is one
	downloads string          // where what is downloaded goes

	mu       sync.Mutex
	problems []string // what the browser complains of: refused by the policy, broken scripts
}

const browserTimeout = 5 * time.Minute // of a whole visit, with room for a loaded machine

// visitor opens a browser. When the test ends, it must have had nothing to
// complain of.
func (s *server) visitor() *visitor {
	s.t.Helper()
	v := &visitor{t: s.t, s: s, downloads: s.t.TempDir()}
	profile := s.t.TempDir()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(env.Chromium(s.t)), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("headless", "new"),
	)
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.t.Context()), browserTimeout)
	allocator, stopAllocator := chromedp.NewExecAllocator(ctx, opts...)
	tab, closeTab := chromedp.NewContext(allocator)
	s.t.Cleanup(func() {
		closeTab()
		stopAllocator() // waits for the browser's end, before its profile goes
		stop()
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, p := range v.problems {
			s.t.Errorf("the browser complains: %s", p)
		}
	})
	v.ctx = tab
	if err := chromedp.Listen(tab, v.listen); err != nil {
		s.t.Fatalf("start the browser: %v", err)
	}
	tell := true
	if _, err := chromedp.CallBrowser(tab, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: v.downloads, EventsEnabled: &tell,
	}); err != nil {
		s.t.Fatalf("start the browser: %v", err)
	}
	call(v, log.Enable, cdp.Empty{})
	v.window(1280, 900)
	return v
}

// listen collects what is wrong with a page.
func (v *visitor) listen(event any) {
	var problem string
	switch e := event.(type) {
	case *log.EventEntryAdded:
		// An answer that refuses something is logged, too, and is none of the page's mistakes.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork || e.Entry.Source == log.EntrySourceSecurity {
			problem = string(e.Entry.Source) + ": " + e.Entry.Text
		}
	case *runtime.EventExceptionThrown:
		problem = e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			problem = "console: " + string(e.Type)
		}
	}
	if problem != "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.problems = append(v.problems, problem)
	}
}

func (v *visitor) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		v.t.Fatalf("in the browser, at %q: %v", v.title(), err)
	}
}

// get runs an action that has a result.
func get[T any](v *visitor, action chromedp.Action[T]) T {
	v.t.Helper()
	out, err := chromedp.Run(v.ctx, action)
	if err != nil {
		v.t.Fatalf("in the browser, at %q: %v", v.title(), err)
	}
	return out
}

// call sends the browser a command.
func call[P, R any](v *visitor, command cdp.Command[P, R], params P) {
	v.t.Helper()
	if _, err := chromedp.Call(v.ctx, command, params); err != nil {
		v.t.Fatalf("in the browser: %s: %v", command.Method, err)
	}
}

func (v *visitor) title() string {
	ctx, stop := context.WithTimeout(v.ctx, 5*time.Second)
	defer stop()
	title, _ := chromedp.Run(ctx, chromedp.Title()) // for a message only
	return title
}

// open goes to a path of the server.
func (v *visitor) open(path string) {
	v.t.Helper()
	v.do(chromedp.Navigate(v.s.url + path))
}

// click clicks what leads to another page and waits for that.
func (v *visitor) click(selector string) {
	v.t.Helper()
	if _, err := chromedp.RunResponse(v.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		v.t.Fatalf("click %s at %q: %v", selector, v.title(), err)
	}
}

// link clicks the link of that text.
func (v *visitor) link(text string) {
	v.t.Helper()
	path := chromedp.Search(fmt.Sprintf(`//main//a[normalize-space(.)=%q]`, text))
	if _, err := chromedp.RunResponse(v.ctx, chromedp.Click(path)); err != nil {
		v.t.Fatalf("follow %q at %q: %v", text, v.title(), err)
	}
}

// eval returns the value of an expression in the page.
func eval[T any](v *visitor, expression string) T {
	v.t.Helper()
	return get(v, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// text returns what an element says; "" if there is none.
func (v *visitor) text(selector string) string {
	v.t.Helper()
	return eval[string](v, fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? "").trim()`, selector))
}

// says checks that an element has the text in it.
func (v *visitor) says(selector, want string) {
	v.t.Helper()
	if got := v.text(selector); !strings.Contains(got, want) {
		v.t.Errorf("at %q %s says %q, want %q", v.title(), selector, got, want)
	}
}

// count returns how many elements there are.
func (v *visitor) count(selector string) int {
	v.t.Helper()
	return eval[int](v, fmt.Sprintf(`document.querySelectorAll(%q).length`, selector))
}

// window makes the window that large.
func (v *visitor) window(width, height int64) {
	v.t.Helper()
	const phone = 600
	call(v, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < phone,
	})
}

// scheme lets the page be light or dark.
func (v *visitor) scheme(name string) {
	v.t.Helper()
	call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// fits checks that nothing is wider than the window.
func (v *visitor) fits(state string) {
	v.t.Helper()
	if wide := eval[int](v, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
		v.t.Errorf("%s: the page is %d pixels wider than the window", state, wide)
	}
}

// good examines the page as it is now, light and dark, on a screen and on a
// phone: axe finds nothing, nothing is wider than the window. Screenshots go to
// TEST_SCREENSHOTS if that names a directory.
func (v *visitor) good(state string) {
	v.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		v.scheme(scheme)
		for name, width := range map[string]int64{"wide": 1280, "phone": 320} {
			v.window(width, 900) //nolint:mnd // enough
			at := state + "-" + scheme + "-" + name
			v.fits(at)
			v.axe(at)
			v.screenshot(at)
		}
	}
	v.scheme("light")
	v.window(1280, 900)
}

func (v *visitor) axe(state string) {
	v.t.Helper()
	if !eval[bool](v, `typeof axe === "object"`) {
		eval[bool](v, env.Axe(v.t)+"; true")
	}
	found := eval[[]string](v, `axe.run({resultTypes: ["violations"]}).then(r => r.violations.map(f =>
		f.id + ": " + f.help + f.nodes.map(n => "\\n" + n.html + "\\n" + n.failureSummary).join("")))`)
	for _, f := range found {
		v.t.Errorf("%s: axe: %s", state, f)
	}
}

func (v *visitor) screenshot(name string) {
	v.t.Helper()
	dir := os.Getenv("TEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture := get(v, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// downloaded clicks what begins a download and returns its name and bytes.
func (v *visitor) downloaded(selector string) (name string, content []byte) {
	v.t.Helper()
	done := make(chan string, 1)
	var mu sync.Mutex
	names := map[string]string{}
	ctx, stop := context.WithCancel(v.ctx)
	defer stop()
	if err := chromedp.ListenBrowser(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *cdpbrowser.EventDownloadWillBegin:
			names[e.GUID] = e.SuggestedFilename
		case *cdpbrowser.EventDownloadProgress:
			if e.State != cdpbrowser.DownloadProgressStateInProgress {
				select {
				case done <- names[e.GUID]:
				default:
				}
			}
		}
	}); err != nil {
		v.t.Fatal(err)
	}
	v.do(chromedp.Click(chromedp.CSS(selector)))
	select {
	case name = <-done:
	case <-time.After(startTimeout):
		v.t.Fatalf("nothing is downloaded by %s", selector)
	}
	content, err := os.ReadFile(filepath.Join(v.downloads, name))
	if err != nil {
		v.t.Fatal(err)
	}
	return name, content
}
