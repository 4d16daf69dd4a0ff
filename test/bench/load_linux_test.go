package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// conn is a keep-alive connection of a client that does as little as possible,
// since it shares the processors with the server.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func newConn(c net.Conn) *conn { return &conn{c, bufio.NewReaderSize(c, 16<<10)} }

// exchange sends a request and reads the answer.
func (c *conn) exchange(request []byte) (status int, err error) {
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	status, length, err := c.head()
	if err != nil {
		return 0, err
	}
	if length == chunked {
		return status, c.skipChunks()
	}
	_, err = c.r.Discard(length)
	return status, err
}

// chunked stands for the length of an answer that comes in chunks.
const chunked = -1

func (c *conn) skipChunks() error {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		const end = 2 // CR LF
		if _, err := c.r.Discard(int(size) + end); err != nil || size == 0 {
			return err
		}
	}
}

// head reads the status and the headers.
func (c *conn) head() (status, length int, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("answer %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			return status, length, nil
		}
		const name = "content-length:"
		if len(line) > len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, 0, err
			}
		}
		if bytes.EqualFold(bytes.TrimSpace(line), []byte("transfer-encoding: chunked")) {
			length = chunked
		}
	}
}

// result is what a load has measured.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	server    time.Duration // processor time of the server, or of pgbench itself, for each request
	database  time.Duration // the same, of the database
}

// load sends requests over keep-alive connections for a while; next returns the
// request number n of a connection. Every answer must have the status want.
func load(b *testing.B, s *server, cpu func() time.Duration, took time.Duration, want int, next func(connection, n int) []byte) result {
	b.Helper()
	return loadAll(b, []*server{s}, cpu, took, want, next)
}

// loadAll is load of several servers on one database, each with its share of the
// connections.
func loadAll(b *testing.B, nodes []*server, cpu func() time.Duration, took time.Duration, want int, next func(connection, n int) []byte) result {
	b.Helper()
	const connections = 32
	busy := func() (all time.Duration) {
		for _, s := range nodes {
			all += processCPU(s.pid())
		}
		return all
	}
	var wg sync.WaitGroup
	all := make([][]time.Duration, connections)
	failed := make(chan error, connections)
	server, database := busy(), cpu()
	begin := time.Now()
	for i := range connections {
		wg.Go(func() {
			times, err := client(nodes[i%len(nodes)].addr, begin.Add(took), want, func(n int) []byte { return next(i, n) })
			if err != nil {
				failed <- err
			}
			all[i] = times
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	server, database = busy()-server, cpu()-database
	select {
	case err := <-failed:
		b.Fatal(err)
	default:
	}
	times := slices.Concat(all...)
	slices.Sort(times)
	n := len(times)
	return result{
		perSecond: float64(n) / elapsed.Seconds(), p50: times[n/2], p99: times[n*99/100],
		server: server / time.Duration(n), database: database / time.Duration(n),
	}
}

// client sends one request after another until the end, and returns how long each took.
func client(addr string, end time.Time, want int, next func(n int) []byte) ([]time.Duration, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	conn := newConn(c)
	times := make([]time.Duration, 0, 1<<14)
	for n := 0; ; n++ {
		request := next(n)
		begin := time.Now()
		if begin.After(end) {
			return times, nil
		}
		status, err := conn.exchange(request)
		if err != nil {
			return nil, err
		}
		if status != want {
			return nil, fmt.Errorf("status %d, want %d, of %q", status, want, request)
		}
		times = append(times, time.Since(begin))
	}
}

// median returns the middle of values.
func median[T float64 | time.Duration](values []T) T {
	s := slices.Sorted(slices.Values(values))
	return s[len(s)/2]
}
