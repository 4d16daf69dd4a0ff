package env

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// AxeVersion is the version of axe-core that pages are examined with.
const AxeVersion = "4.14.1"

// Chromium returns the path of a headless browser: TEST_CHROMIUM, or one that is
// installed.
func Chromium(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("TEST_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no Chromium: run tools/setup.sh, or set TEST_CHROMIUM to the path of one")
	return ""
}

// Axe returns the source of axe-core, which tells what in a page people with
// disabilities could not use.
func Axe(t testing.TB) string {
	t.Helper()
	path, err := axePath()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no axe-core at %s: run tools/setup.sh, or set TEST_AXE to the path of axe.min.js", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// axePath is where tools/setup.sh leaves axe-core.
func axePath() (string, error) {
	if path := os.Getenv("TEST_AXE"); path != "" {
		return path, nil
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "coffer-tests", "axe-core-"+AxeVersion, "axe.min.js"), nil
}
