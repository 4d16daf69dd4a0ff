//go:build faults_root

// What needs root, e2fsprogs and strace: `task faults-root`.

package faults

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/seed-755a8038/coffer/test/env"
)

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// disk is an ext4 file system on a file.
var cuts = flag.Int("faults.cuts", 50, "how often the power of a disk is cut under SQLite; a fifth of it under PostgreSQL")

type disk struct {
	t     testing.TB
	image string
	at    string // where it is mounted
}

func newDisk(t testing.TB) *disk {
	t.Helper()
	// Not the test's own directory, which PostgreSQL's user could not enter.
	dir, err := os.MkdirTemp("", "coffer-disk") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &disk{t: t, image: filepath.Join(dir, "image"), at: filepath.Join(dir, "disk")}
	const size = 2 << 30 // with holes
	if err := errors.Join(os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, size), os.Mkdir(d.at, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", d.image)
	d.mount()
	t.Cleanup(func() { _ = syscall.Unmount(d.at, syscall.MNT_DETACH) })
	return d
}

func (d *disk) mount() {
	d.t.Helper()
	run(d.t, "mount", "-o", "loop", d.image, d.at)
}

// cut ends the life of the file system as a power cut does: what was not written
// to the disk, the journal included, never will be.
func (d *disk) cut() {
	d.t.Helper()
	const (
		shutdown   = 0x8004587d // EXT4_IOC_SHUTDOWN
		noLogFlush = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
	)
	f, err := os.Open(d.at)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	flags := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), shutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		d.t.Fatalf("EXT4_IOC_SHUTDOWN: %v", errno)
	}
}

// back mounts the disk anew, once nobody has it any more.
func (d *disk) back() {
	d.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := syscall.Unmount(d.at, 0)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			d.t.Fatalf("unmount %s: %v", d.at, err)
		}
	}
	d.mount()
}

// canary is a file that nobody has synced: if it survives, the power was not cut.
func (d *disk) canary() func() {
	path, body := filepath.Join(d.at, fmt.Sprintf("canary-%d", rand.Uint64())), content(rand.Uint64(), 50_000)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		d.t.Fatal(err)
	}
	return func() {
		d.t.Helper()
		if got, err := os.ReadFile(path); err == nil && bytes.Equal(got, body) {
			d.t.Error("what was not synced has survived: the power was not cut")
		}
	}
}

func TestAPowerCutLosesNothing(t *testing.T) {
	t.Parallel()
	for _, wi := range []struct {
		name     string
		postgres bool
		cuts     int
	}{{"SQLite and disk", false, *cuts}, {"PostgreSQL and disk", true, (*cuts + 4) / 5}} {
		t.Run(wi.name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			extra, start, kill := settings{}, func() {}, func() {}
			if wi.postgres {
				dir := filepath.Join(d.at, "pg")
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				pg := env.NewDurable(t, dir)
				extra["COFFER_DATABASE_URL"], start, kill = pg.DSN, pg.Start, pg.Kill
			}
			s := newServer(t, plain, d.at, extra)
			s.start()
			w := newWorld(t, s)
			for i := range wi.cuts {
				var canary func()
				w.during(func() {
					w.someWork(120)
					canary = d.canary()
					d.cut()
					s.kill()
					kill()
				})
				d.back()
				canary()
				start()
				s.start()
				w.check(fmt.Sprintf("after power cut %d", i+1), i == wi.cuts-1)
			}
			s.stop()
			kill()
			t.Logf("%d power cuts, %d acknowledged writes, %d without an answer", wi.cuts, w.written.Load(), w.lost.Load())
		})
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, "mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", dir)
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := newServer(t, plain, dir)
	s.start()
	w := newWorld(t, s)
	for _, f := range w.filers {
		f.large = false
	}
	rounds := max(4, *cuts/5)
	for i := range rounds {
		filler := filepath.Join(dir, "filler")
		w.during(func() {
			w.someWork(20)
			fill(t, filler, int64(rand.IntN(300_000)))
			time.Sleep(1500 * time.Millisecond)
			if i%2 == 1 {
				s.kill()
			}
			if err := os.Remove(filler); err != nil {
				t.Error(err)
			}
		})
		if i%2 == 1 {
			s.start()
		}
		w.heals()
		w.check("after the disk was full", false)
		w.calm("the disk was full")
	}
	s.kill()
	s.start()
	w.check("at the end", true)
	s.stop()
	t.Logf("%d times, %d acknowledged writes, %d without an answer", rounds, w.written.Load(), w.lost.Load())
}

// fill takes all there is of the disk but some bytes.
func fill(t testing.TB, path string, but int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	n, err := io.Copy(f, rand.NewChaCha8([32]byte{}))
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the disk is not full: %v", err)
	}
	if err := f.Truncate(max(0, n-but)); err != nil {
		t.Error(err)
	}
}

// Under strace(1), calls of the kernel fail that never do on a healthy disk.
func TestADiskThatFailsLosesNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t, plain, t.TempDir())
	s.start()
	w := newWorld(t, s)
	rounds := max(1, *cuts/10)
	for range rounds {
		for _, what := range []string{
			"fsync,fdatasync:error=EIO:when=1+3", "fsync,fdatasync:error=EIO", "pwrite64:error=EIO:when=1+5", "pwrite64:error=ENOSPC:when=2+7", "renameat,linkat:error=EIO:when=1+2",
		} {
			w.during(func() {
				w.someWork(20)
				stop := inject(t, s.cmd.Process.Pid, what)
				time.Sleep(1500 * time.Millisecond)
				stop()
			})
			w.heals()
			w.check("after "+what, false)
			w.calm(what)
			// What the database took back is not to come again from its log.
			s.kill()
			s.start()
			w.check("killed after "+what, true)
		}
	}
	w.check("at the end", true)
	s.stop()
	t.Logf("%d rounds, %d acknowledged writes, %d without an answer", rounds*5, w.written.Load(), w.lost.Load())
}

// inject makes calls of a process fail until the function it returns is called.
func inject(t testing.TB, pid int, what string) func() {
	t.Helper()
	calls, _, _ := bytes.Cut([]byte(what), []byte(":"))
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-q", "-p", fmt.Sprint(pid), "-o", os.DevNull, "-e", "trace="+string(calls), "-e", "inject="+what)
	if err := cmd.Start(); err != nil {
		t.Errorf("strace: %v", err)
		return func() {}
	}
	return func() {
		_ = cmd.Process.Signal(os.Interrupt) // it lets go of the process
		_ = cmd.Wait()
	}
}
