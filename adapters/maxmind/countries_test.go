package maxmind_test

import (
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/seed-755a8038/coffer/adapters/maxmind"
	"github.com/seed-755a8038/coffer/core"
)

// write makes a database file of networks and their records.
func write(t *testing.T, file string, networks map[string]mmdbtype.Map) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for text, record := range networks {
		_, network, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, record); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(file + ".new")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func in(key, code string) mmdbtype.Map {
	return mmdbtype.Map{mmdbtype.String(key): mmdbtype.Map{"iso_code": mmdbtype.String(code)}}
}

func TestCountriesOfAddresses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.mmdb")
	write(t, file, map[string]mmdbtype.Map{
		"192.0.2.0/25": in("country", "DE"), "192.0.2.128/25": in("registered_country", "FR"), "2001:db8::/32": in("country", "NP"),
		"198.51.100.0/25": in("country", "x; DROP"), "198.51.100.128/25": {"country": mmdbtype.String("odd")},
	})
	c, err := maxmind.Open(file, time.Now, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"192.0.2.1": "DE", "::ffff:192.0.2.1": "DE", "192.0.2.200": "FR", "2001:db8::1": "NP", "2001:db8::1%eth0": "NP",
		"203.0.113.1": core.CountryUnknown, "198.51.100.1": core.CountryUnknown, "198.51.100.200": core.CountryUnknown,
		"": core.CountryUnknown, "192.0.2.1:80": core.CountryUnknown, "nobody": core.CountryUnknown,
	} {
		if got := c.Country(address); got != want {
			t.Errorf("%q is in %s, want %s", address, got, want)
		}
	}
}

func TestNoFileKnowsNothing(t *testing.T) {
	c, err := maxmind.Open("", time.Now, func(err error) { t.Error(err) })
	if err != nil || c.Country("192.0.2.1") != core.CountryUnknown {
		t.Error(err)
	}
	for _, content := range []string{"", "not a database"} {
		file := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := maxmind.Open(file, time.Now, func(error) {}); err == nil {
			t.Errorf("%q was taken", content)
		}
	}
	if _, err := maxmind.Open(filepath.Join(t.TempDir(), "missing"), time.Now, func(error) {}); err == nil {
		t.Error("a missing file was taken")
	}
}

// TestAnotherFileTakesItsPlace: it is read again, unless it is no database.
func TestAnotherFileTakesItsPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.mmdb")
	write(t, file, map[string]mmdbtype.Map{"192.0.2.0/24": in("country", "DE")})
	var seconds atomic.Int64
	reported := make(chan error, 1)
	c, err := maxmind.Open(file, func() time.Time { return time.Unix(seconds.Load(), 0) }, func(err error) { reported <- err })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	seconds.Add(59)
	c.Country("192.0.2.1")
	seconds.Add(1)
	c.Country("192.0.2.1")
	if err := <-reported; err == nil {
		t.Error("nothing was wrong")
	}
	if got := c.Country("192.0.2.1"); got != "DE" {
		t.Errorf("in %s after a bad file", got)
	}
	write(t, file, map[string]mmdbtype.Map{"192.0.2.0/24": in("country", "FR")})
	seconds.Add(60)
	for range 1_000 {
		if c.Country("192.0.2.1") == "FR" {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the new file is not read")
}
