package bench

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/seed-755a8038/coffer/core"
)

// tap is a proxy before PostgreSQL that sees what clients say. It counts round
// trips, and keeps each statement's text and the last arguments it got.
type tap struct {
	url string // of the database, through the tap

	mu         sync.Mutex
	roundTrips int
	prepared   map[string]string // name of a statement to its text
	args       map[string][]arg  // text of a statement to its last arguments
	used       []string          // texts in the order they were executed
}

// arg is an argument as text; nil: NULL.
type arg *string

// newTap returns a tap before the database at dsn, which goes with the test.
func newTap(tb testing.TB, dsn string) *tap {
	tb.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	target := u.Host
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	u.Host = l.Addr().String()
	t := &tap{url: u.String(), prepared: map[string]string{}, args: map[string][]arg{}}
	var wg sync.WaitGroup
	tb.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			wg.Go(func() { t.serve(c, target) })
		}
	})
	return t
}

// serve joins two connections until either ends.
func (t *tap) serve(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	t.listen(server, client)
	_ = server.Close()
	wg.Wait()
}

// listen passes messages on and looks at each.
func (t *tap) listen(server io.Writer, client io.Reader) {
	head := make([]byte, 0, 5)
	for first := true; ; first = false {
		head = head[:5]
		if first {
			head = head[:4] // the first message has no type
		}
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		message := slices.Grow(slices.Clone(head), 1<<10)
		size := int(binary.BigEndian.Uint32(head[len(head)-4:])) - 4
		message = append(message, make([]byte, size)...)
		body := message[len(head):]
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		if !first {
			t.see(head[0], body)
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// see takes note of a message. A client waits after Sync, Query and Flush.
func (t *tap) see(kind byte, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch kind {
	case 'S', 'Q', 'H':
		t.roundTrips++
	case 'P':
		var p pgproto3.Parse
		if p.Decode(body) == nil {
			t.prepared[p.Name] = p.Query
		}
	case 'B':
		var b pgproto3.Bind
		if b.Decode(body) == nil {
			text := t.prepared[b.PreparedStatement]
			t.used = append(t.used, text)
			t.args[text] = arguments(&b)
		}
	}
}

// arguments returns the arguments as text. The binary ones of a statement of
// ours are ids, numbers and booleans, told apart by their length.
func arguments(b *pgproto3.Bind) []arg {
	args := make([]arg, len(b.Parameters))
	for i, p := range b.Parameters {
		if p == nil {
			continue
		}
		format := int16(0)
		switch len(b.ParameterFormatCodes) {
		case 0:
		case 1:
			format = b.ParameterFormatCodes[0]
		default:
			format = b.ParameterFormatCodes[i]
		}
		text := string(p)
		if format == 1 {
			switch len(p) {
			case 16:
				text = core.ID[struct{}](p).String()
			case 8:
				text = strconv.FormatInt(int64(binary.BigEndian.Uint64(p)), 10)
			case 1:
				text = strconv.FormatBool(p[0] == 1)
			}
		}
		args[i] = &text
	}
	return args
}

// during returns how many round trips fn makes, and the statements in them.
func (t *tap) during(fn func()) (int, []string) {
	t.mu.Lock()
	t.roundTrips, t.used = 0, nil
	t.mu.Unlock()
	fn()
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.roundTrips, t.used
}
