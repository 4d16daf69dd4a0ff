// Package arch checks who depends on whom, through everything that is imported in turn.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/seed-755a8038/coffer"

// pkg is a package as `go list` describes it.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string // by its own files
	Deps       []string // by those of its imports too
}

// name is the package's path within this module; it is "" for the root package and
// for those of other modules.
func (p pkg) name() string {
	name, ok := strings.CutPrefix(p.ImportPath, module+"/")
	if !ok {
		return ""
	}
	return name
}

// in reports whether the package is one of these of this module, or below one.
func (p pkg) in(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return p.ImportPath == module+"/"+name || strings.HasPrefix(p.ImportPath, module+"/"+name+"/")
	})
}

// ours reports whether the package is of this module.
func (p pkg) ours() bool {
	return p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/")
}

// layer is a rule: which packages the packages of a layer may depend on.
type layer struct {
	name string
	has  func(p pkg) bool
	may  func(p, dep pkg) bool
}

var layers = []layer{
	{
		name: "core depends on the standard library only",
		has:  func(p pkg) bool { return p.in("core") },
		may:  func(_, dep pkg) bool { return dep.Standard || dep.in("core") },
	},
	{
		name: "ports depend on core and the standard library only",
		has:  func(p pkg) bool { return p.in("ports") },
		may:  func(_, dep pkg) bool { return dep.Standard || dep.in("core", "ports") },
	},
	{
		name: "a noun of app depends on core, ports and what all nouns share, never on another noun",
		has:  func(p pkg) bool { return p.in("app") },
		may: func(p, dep pkg) bool {
			return dep.Standard || dep.in("core", "ports") || dep.name() == "app" || p.name() != "app" && dep.in(branch(p))
		},
	},
	{
		name: "a driven adapter depends on core, ports, its libraries, and on how pictures are made",
		has:  func(p pkg) bool { return p.in("adapters") && !p.in("adapters/httpapi", "adapters/picture") },
		may:  func(p, dep pkg) bool { return !dep.ours() || dep.in("core", "ports", "adapters/picture", branch(p)) },
	},
	{
		name: "how pictures are made depends on nothing of this module",
		has:  func(p pkg) bool { return p.in("adapters/picture") },
		may:  func(_, dep pkg) bool { return !dep.ours() || dep.in("adapters/picture") },
	},
	{
		name: "httpapi depends on app and what app depends on",
		has:  func(p pkg) bool { return p.in("adapters/httpapi") },
		may:  func(_, dep pkg) bool { return !dep.ours() || dep.in("core", "ports", "app", "adapters/httpapi") },
	},
	{
		name: "the command line of those who use a server depends on the client alone, so that it could be a program of its own",
		has:  func(p pkg) bool { return p.in("cmd/coffer/cli") },
		may:  func(_, dep pkg) bool { return !dep.ours() || dep.in("client", "cmd/coffer/cli") },
	},
	{
		name: "migrations depend on nothing of this module",
		has:  func(p pkg) bool { return p.in("migrations") },
		may:  func(_, dep pkg) bool { return !dep.ours() || dep.in("migrations") },
	},
	{
		name: "the contract suites depend on core, ports and what compares and generates values",
		has:  func(p pkg) bool { return p.in("test/contract") },
		may: func(_, dep pkg) bool {
			return dep.Standard || dep.in("core", "ports", "test/contract") ||
				strings.HasPrefix(dep.ImportPath, "github.com/google/go-cmp/") || dep.ImportPath == "pgregory.net/rapid"
		},
	},
	{
		name: "what runs in production depends on nothing for tests",
		has:  func(p pkg) bool { return p.ours() && !p.in("test") },
		may:  func(_, dep pkg) bool { return !dep.in("test") && dep.ImportPath != "testing" },
	},
}

func TestEveryLayerDependsOnlyOnWhatItMay(t *testing.T) {
	packages := list(t)
	for _, l := range layers {
		t.Run(l.name, func(t *testing.T) {
			for _, p := range packages {
				if !l.has(p) {
					continue
				}
				for _, path := range p.Deps {
					if dep := packages[path]; !l.may(p, dep) {
						t.Errorf("%s depends on %s", p.ImportPath, path)
					}
				}
			}
		})
	}
}

// The standard library imports these itself, so only core's own imports are looked at.
func TestCoreDoesNoIO(t *testing.T) {
	for _, p := range list(t) {
		if !p.in("core") {
			continue
		}
		for _, i := range p.Imports {
			switch {
			case i == "net", i == "net/http", i == "database/sql", i == "syscall",
				i == "os", strings.HasPrefix(i, "os/"), i == "log", strings.HasPrefix(i, "log/"):
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

func TestCommandsGetEverythingFromTheRoot(t *testing.T) {
	for _, p := range list(t) {
		if !p.in("cmd") {
			continue
		}
		for _, i := range p.Imports {
			dep := pkg{ImportPath: i}
			if dep.in("adapters", "migrations", "test") {
				t.Errorf("%s imports %s: the root package puts the adapters together", p.ImportPath, i)
			}
		}
	}
}

// homes says which packages may import a library. Test files are the linter's.
var homes = map[string][]string{
	"github.com/uptrace/bun":             {"adapters/bunstore"},
	"github.com/pressly/goose":           {"adapters/bunstore"},
	"modernc.org/sqlite":                 {"adapters/bunstore"},
	"github.com/labstack/echo":           {"adapters/httpapi"},
	"github.com/danielgtaylor/huma":      {"adapters/httpapi"},
	"github.com/aws/aws-sdk-go-v2":       {"adapters/s3blob", "test"},
	"github.com/spf13/viper":             {"cmd"},
	"github.com/riverqueue/river":        {"adapters/riverqueue", "adapters/river"},
	"github.com/stripe/stripe-go":        {"adapters/stripe"},
	"github.com/golang-jwt/jwt":          {"adapters"},
	"github.com/coreos/go-oidc":          {"adapters/oidc"},
	"github.com/ory/dockertest":          {"test/env"},
	"github.com/go-jose/go-jose":         {"adapters/oidc"},
	"golang.org/x/oauth2":                {"adapters/oidc"},
	"github.com/zitadel":                 {"test"},
	"github.com/wneessen/go-mail":        {"adapters/smtpmail"},
	"github.com/emersion":                {"test"},
	"github.com/standard-webhooks":       {"test"},
	"code.dny.dev/ssrf":                  {"adapters/egress"},
	"github.com/pquerna/otp":             {"adapters/totp"},
	"github.com/prometheus":              {"adapters", "cmd"},
	"github.com/pdfcpu/pdfcpu":           {"adapters/watermark"},
	"golang.org/x/image":                 {"adapters/watermark", "adapters/reportfile", "adapters/derive"},
	"go.n16f.net/thumbhash":              {"adapters/derive"},
	"github.com/ledongthuc/pdf":          {"test"},
	"go.opentelemetry.io/otel/exporters": {"adapters/telemetry"},
}

func TestEachLibraryStaysInItsPlace(t *testing.T) {
	for _, p := range list(t) {
		if !p.ours() {
			continue
		}
		for library, home := range homes {
			for _, i := range p.Imports {
				if (i == library || strings.HasPrefix(i, library+"/")) && !p.in(home...) {
					t.Errorf("%s imports %s, whose place is %v", p.ImportPath, i, home)
				}
			}
		}
	}
}

// branch is a package's first two names: "app/asset" of app/asset/preview.
func branch(p pkg) string {
	parts := strings.SplitN(p.name(), "/", 3)
	return path.Join(parts[:min(2, len(parts))]...)
}

// packages is the whole module, listed once.
var packages map[string]pkg

// list returns all packages of the module and all they depend on, by import path.
func list(t *testing.T) map[string]pkg {
	t.Helper()
	if packages != nil {
		return packages
	}
	found := map[string]pkg{}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps", module+"/...")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(out); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	packages = found
	return packages
}
