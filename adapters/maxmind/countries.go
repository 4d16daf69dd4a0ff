// Package maxmind finds countries in a database file of MaxMind's format, as
// MaxMind, DB-IP and IPinfo publish them.
package maxmind

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/seed-755a8038/coffer/core"
)

// checkEvery is how often the file is looked at for having changed.
const checkEvery = time.Minute

// Countries is a ports.Countries. It is safe for concurrent use.
type Countries struct {
	file   string // empty: no country is known
	now    func() time.Time
	report func(error)

	reader  atomic.Pointer[maxminddb.Reader]
	checked atomic.Int64 // when, in seconds

	mu    sync.Mutex
	state fileState
}

type fileState struct {
	at   time.Time
	size int64
}

// Open reads a database file (empty: there is none, and no country is known).
// Another file that takes its place is read within a minute of the next
// question; what goes wrong then is reported, and the one before stays.
func Open(file string, now func() time.Time, report func(error)) (*Countries, error) {
	c := &Countries{file: file, now: now, report: report}
	if file == "" {
		return c, nil
	}
	c.checked.Store(now().Unix())
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("read the countries of addresses: %w", err)
	}
	return c, nil
}

// load reads the file if it has changed. It is read at once, so that whoever
// writes into it takes nothing away from under us.
func (c *Countries) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.file)
	if err != nil {
		return err
	}
	state := fileState{info.ModTime(), info.Size()}
	if c.state == state {
		return nil
	}
	content, err := os.ReadFile(c.file)
	if err != nil {
		return err
	}
	reader, err := maxminddb.OpenBytes(content)
	if err != nil {
		return err
	}
	c.state = state
	c.reader.Store(reader)
	return nil
}

// Country implements ports.Countries.
func (c *Countries) Country(address string) string {
	if c.file == "" {
		return core.CountryUnknown
	}
	now, last := c.now().Unix(), c.checked.Load()
	if now-last >= int64(checkEvery/time.Second) && c.checked.CompareAndSwap(last, now) {
		go func() { // nobody waits for it
			if err := c.load(); err != nil {
				c.report(fmt.Errorf("read the countries of addresses again: %w", err))
			}
		}()
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return core.CountryUnknown
	}
	var found struct {
		Country    country `maxminddb:"country"`
		Registered country `maxminddb:"registered_country"`
	}
	if err := c.reader.Load().Lookup(ip.Unmap().WithZone("")).Decode(&found); err != nil {
		return core.CountryUnknown
	}
	if code := found.Country.code(); code != "" {
		return code
	}
	if code := found.Registered.code(); code != "" {
		return code
	}
	return core.CountryUnknown
}

type country struct {
	ISO string `maxminddb:"iso_code"`
}

// code returns the code, if it is one.
func (c country) code() string {
	if len(c.ISO) != 2 || strings.Trim(c.ISO, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return c.ISO
}
