package egress_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/seed-755a8038/coffer/adapters/egress"
	"github.com/seed-755a8038/coffer/core"
)

// listener counts who gets through.
func listener(t *testing.T, address string) (port string, accepted func() int) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conns := make(chan net.Conn, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, func() int {
		time.Sleep(20 * time.Millisecond)
		return len(conns)
	}
}

// connect says how connecting ends, without waiting for those who are not there.
func connect(t *testing.T, d *egress.Dialer, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

func TestAddressesThatAreNotEverybodysAreRefused(t *testing.T) {
	for _, private := range []bool{false, true} {
		d := egress.NewDialer(private)
		for address, never := range map[string]bool{
			"127.0.0.1": false, "127.8.9.10": false, "[::1]": false, "localhost": false,
			"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "[fc00::1]": false, "[fd12::1]": false,
			"169.254.169.254": true, "169.254.1.1": true, "[fe80::1]": true, "[fec0::1]": true,
			"100.64.0.1": true, "100.127.255.254": true, "100.100.100.200": true, "192.0.0.192": true,
			"168.63.129.16": true, "[::ffff:168.63.129.16]": true, "[fd00:ec2::254]": true, "[fd00:ec2::23]": true, "[fd20:ce::254]": true, "[fd00:c1::a9fe:a9fe]": true,
			"0.0.0.0": true, "0.1.2.3": true, "[::]": true,
			"224.0.0.1": true, "239.255.255.250": true, "[ff02::1]": true, "255.255.255.255": true, "240.0.0.1": true,
			"[64:ff9b::a9fe:a9fe]": true, "[64:ff9b::7f00:1]": true, "[64:ff9b:1::7f00:1]": true,
			"[2002:7f00:1::]": true, "[2001:0:7f00:1::]": true, "[100::1]": true, "[2001:db8::1]": true, "198.18.0.1": true, "192.0.2.1": true,
			"[::ffff:169.254.169.254]": true, "[::ffff:127.0.0.1]": false, "[::127.0.0.1]": true,
			"2130706433": false, "0x7f.1": false,
		} {
			if a, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil && d.Allows(a) != (private && !never) {
				t.Errorf("private %t, %s: allowed %t", private, address, d.Allows(a))
			}
			err := connect(t, d, address+":1")
			refused := errors.Is(err, core.ErrAddressRefused)
			var unknown *net.DNSError
			if err == nil && !private || never && !refused || !never && !private && !refused && !errors.As(err, &unknown) || !never && private && refused {
				t.Errorf("private %t, %s: %v", private, address, err)
			}
		}
	}
}

func TestListenersOnThisMachineAreNotReached(t *testing.T) {
	addresses := []string{"127.0.0.1"}
	if all, err := net.InterfaceAddrs(); err == nil {
		for _, a := range all {
			prefix, err := netip.ParsePrefix(a.String())
			if ip := prefix.Addr(); err == nil && (ip.IsPrivate() || ip == netip.IPv6Loopback()) {
				addresses = append(addresses, ip.String())
			}
		}
	}
	t.Logf("listening on %v", addresses)
	for _, ip := range addresses {
		port, accepted := listener(t, net.JoinHostPort(ip, "0"))
		address := net.JoinHostPort(ip, port)
		if err := connect(t, egress.NewDialer(false), address); !errors.Is(err, core.ErrAddressRefused) || accepted() != 0 {
			t.Errorf("%s: %v, %d connections", address, err, accepted())
		}
		if err := connect(t, egress.NewDialer(true), address); err != nil || accepted() != 1 {
			t.Errorf("opened, %s: %v, %d connections", address, err, accepted())
		}
	}
}

// rebinding answers each question for an address by the next one of a list.
func rebinding(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				next := answers[0]
				if len(answers) > 1 {
					answers = answers[1:]
				}
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: netip.MustParseAddr(next).As4()},
				}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// A name that leads to the internet when it is looked at, and to this machine
// when it is connected to, is refused all the same.
func TestANameThatRebindsIsRefused(t *testing.T) {
	port, accepted := listener(t, "127.0.0.1:0")
	resolver := rebinding(t, "93.184.215.14", "127.0.0.1")
	seen, err := resolver.LookupHost(t.Context(), "rebind.example")
	if err != nil || seen[0] != "93.184.215.14" {
		t.Fatal(seen, err)
	}
	d := egress.NewDialer(false)
	d.Resolve(resolver)
	if err := connect(t, d, "rebind.example:"+port); !errors.Is(err, core.ErrAddressRefused) || accepted() != 0 {
		t.Errorf("%v, %d connections", err, accepted())
	}
	open := egress.NewDialer(true)
	open.Resolve(resolver)
	if err := connect(t, open, "rebind.example:"+port); err != nil || accepted() != 1 {
		t.Errorf("opened: %v, %d connections", err, accepted())
	}
}

func TestOnlyTCPIsSpoken(t *testing.T) {
	for _, network := range []string{"udp", "unix"} {
		conn, err := egress.NewDialer(true).DialContext(t.Context(), network, "127.0.0.1:1")
		if !errors.Is(err, core.ErrAddressRefused) {
			t.Errorf("%s: %v", network, err)
		}
		if conn != nil {
			_ = conn.Close()
		}
	}
}
