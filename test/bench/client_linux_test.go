package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-755a8038/coffer/test/env"
)

const (
	smallFiles = 10_000
	smallSize  = 4 << 10
	largeSize  = 5 << 30
	smallTurns = 3
	largeTurns = 2 // each leaves two copies
)

// BenchmarkClient brings files to an S3 server: by `coffer upload`, through a
// server on PostgreSQL, and by rclone, which needs no server and keeps nothing of
// them but their bytes. BENCH_SMALL is how many small files there are, where there is
// no time for 10,000; BENCH_LARGE is the size of the large file in MB, where the disk
// has no room for several copies of 5 GB. Debian has rclone: apt-get install rclone.
func BenchmarkClient(b *testing.B) {
	if _, err := exec.LookPath("rclone"); err != nil {
		b.Fatal("rclone is not on this machine (Debian: apt-get install rclone)")
	}
	b.Run("small", func(b *testing.B) {
		files := smallFiles
		if n, err := strconv.Atoi(os.Getenv("BENCH_SMALL")); err == nil {
			files = n
		}
		dir := b.TempDir()
		for i := range files {
			randomFile(b, filepath.Join(dir, strconv.Itoa(i/100), strconv.Itoa(i)+".bin"), smallSize)
		}
		copies(b, dir, files, smallTurns)
	})
	b.Run("large", func(b *testing.B) {
		size := int64(largeSize)
		if mb, err := strconv.ParseInt(os.Getenv("BENCH_LARGE"), 10, 64); err == nil {
			size = mb * 1_000_000
		}
		dir := b.TempDir()
		randomFile(b, filepath.Join(dir, "large.bin"), size)
		copies(b, dir, 1, largeTurns)
	})
}

func randomFile(b *testing.B, path string, size int64) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	seed := [32]byte([]byte(fmt.Sprintf("%032d", len(path)+int(size))))
	copy(seed[:], filepath.Base(path))
	if _, err := io.CopyN(f, rand.NewChaCha8(seed), size); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// copies lets both copy a folder in turns, each time to another place.
func copies(b *testing.B, dir string, files, turns int) {
	b.Helper()
	s := startServer(b, b.TempDir(), onPostgres(b, startPostgres(b)))
	home := b.TempDir()
	token, org := signUp(b, s)
	var ours, theirs []time.Duration
	var client, server float64
	upload := func(to string) (took time.Duration, most, serverMost float64) {
		cmd := exec.CommandContext(b.Context(), s.cmd.Path, "upload", dir, "--to", to, "--json")
		cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "COFFER_SERVER=http://" + s.addr, "COFFER_TOKEN=" + token, "COFFER_ORG=" + org}
		return watched(b, cmd, s.pid())
	}
	for turn := range turns {
		took, most, serverMost := upload("/turn" + strconv.Itoa(turn))
		ours, client, server = append(ours, took), max(client, most), max(server, serverMost)

		bucket := env.S3(b)
		rclone := exec.CommandContext(b.Context(), "rclone", "copy", dir, "theirs:"+bucket.Bucket+"/turn", "--transfers", "8", "--s3-no-check-bucket",
			"--s3-chunk-size", "64M") // with the 5 MB that it has by itself it takes four times as long
		rclone.Env = []string{
			"HOME=" + home, "PATH=" + os.Getenv("PATH"), "RCLONE_CONFIG_THEIRS_TYPE=s3", "RCLONE_CONFIG_THEIRS_PROVIDER=Other",
			"RCLONE_CONFIG_THEIRS_ENDPOINT=" + bucket.Endpoint, "RCLONE_CONFIG_THEIRS_REGION=" + bucket.Region,
			"RCLONE_CONFIG_THEIRS_ACCESS_KEY_ID=" + bucket.AccessKeyID, "RCLONE_CONFIG_THEIRS_SECRET_ACCESS_KEY=" + bucket.SecretAccessKey,
		}
		took, _, _ = watched(b, rclone, s.pid())
		theirs = append(theirs, took)
	}
	profile(b, s, b.Name(), func(time.Duration) (r result) {
		upload("/profiled")
		return r
	})
	b.ReportMetric(float64(files)/median(ours).Seconds(), "files/s-coffer")
	b.ReportMetric(float64(files)/median(theirs).Seconds(), "files/s-rclone")
	b.ReportMetric(median(theirs).Seconds()/median(ours).Seconds(), "of-rclone")
	b.ReportMetric(client, "MB-client")
	b.ReportMetric(server, "MB-server")
	b.ReportMetric(0, "ns/op")
}

// watched runs a command and returns how long it took, and the most memory that
// it and another process had meanwhile.
func watched(b *testing.B, cmd *exec.Cmd, other int) (took time.Duration, most, others float64) {
	b.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			took = time.Since(begin)
			if err != nil {
				text := out.String()
				b.Fatalf("%s: %v\n%s", cmd.Args[:2], err, text[max(0, len(text)-2000):])
			}
			return took, most, others
		case <-time.After(50 * time.Millisecond):
			most, others = max(most, residentMB(cmd.Process.Pid)), max(others, residentMB(other))
		}
	}
}

func signUp(b *testing.B, s *server) (token, org string) {
	b.Helper()
	res, err := http.Post("http://"+s.addr+"/api/auth/signup", "application/json",
		strings.NewReader(`{"email": "ana@example.com", "password": "correct horse battery", "name": "Ana"}`))
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	var a struct {
		AccessToken string `json:"access_token"`
		Org         struct{ ID string }
	}
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil || a.AccessToken == "" {
		b.Fatalf("sign up: %d %v", res.StatusCode, err)
	}
	return a.AccessToken, a.Org.ID
}
