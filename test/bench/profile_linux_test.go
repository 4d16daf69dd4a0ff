package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// profileDir is a directory for processor profiles of the servers under load,
// taken apart from the measuring; empty: none.
var profileDir = os.Getenv("COFFER_BENCH_PROFILE")

// profile writes a profile of a server while run, which takes as long as it is
// told, puts it under load.
func profile(b *testing.B, s *server, name string, run func(time.Duration) result) {
	b.Helper()
	if profileDir == "" || s == nil { // nil: the load is in this process
		return
	}
	const took = 5 * time.Second
	failed := make(chan error, 1)
	go func() { failed <- fetch(s, name, took) }()
	run(took + time.Second)
	if err := <-failed; err != nil {
		b.Fatal(err)
	}
}

func fetch(s *server, name string, took time.Duration) error {
	client := &http.Client{Timeout: time.Minute}
	answer, err := client.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.ops, int(took.Seconds())))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	f, err := os.Create(filepath.Join(profileDir, strings.NewReplacer(" ", "-", "/", "-").Replace(name)+".pprof"))
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, answer.Body); err != nil {
		return err
	}
	return f.Close()
}
