// Package egress connects to addresses that users name. Whatever a name says, a
// connection is made only to an address that is everybody's: not to this machine,
// the network it is in, the metadata of a cloud, or a way around to them.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/seed-755a8038/coffer/core"
)

// connectTimeout is the longest that one address may take.
const connectTimeout = 5 * time.Second

// Dialer connects by TCP, to any port. It is safe for concurrent use.
type Dialer struct{ dialer net.Dialer }

// private are the networks that an operator may open: those of this machine, and
// of the networks it is in. Link-local addresses are never opened.
var (
	private4 = []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	}
	private6 = []netip.Prefix{netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7")}
)

// platform are the addresses at which clouds talk to their machines, metadata and
// all, beside the link-local one. They are in networks that are everybody's, or
// may be opened, and are never connected to.
var platform = []netip.Addr{
	netip.MustParseAddr("168.63.129.16"),      // Azure
	netip.MustParseAddr("fd00:ec2::254"),      // AWS
	netip.MustParseAddr("fd00:ec2::23"),       // AWS, of containers
	netip.MustParseAddr("fd20:ce::254"),       // Google
	netip.MustParseAddr("fd00:c1::a9fe:a9fe"), // Oracle
}

// NewDialer returns a dialer; private opens this machine and private networks,
// which is for development.
func NewDialer(private bool) *Dialer {
	options := []ssrf.Option{ssrf.WithAnyPort()}
	if private {
		options = append(options, ssrf.WithAllowedV4Prefixes(private4...), ssrf.WithAllowedV6Prefixes(private6...))
	}
	guard := ssrf.New(options...)
	// Control sees the address that is being connected to, after names were
	// resolved: a name that leads elsewhere the second time gains nothing.
	return &Dialer{net.Dialer{Timeout: connectTimeout, Control: func(network, address string, conn syscall.RawConn) error {
		if to, err := netip.ParseAddrPort(address); err == nil && slices.Contains(platform, to.Addr().Unmap()) {
			return ssrf.ErrProhibitedIP
		}
		return guard.Safe(network, address, conn)
	}}}
}

// Allows reports whether an address is one that is connected to.
func (d *Dialer) Allows(a netip.Addr) bool {
	const https = 443 // any port is like any other
	a = a.Unmap()     // as it would be on the wire
	network := "tcp6"
	if a.Is4() {
		network = "tcp4"
	}
	return d.dialer.Control(network, netip.AddrPortFrom(a, https).String(), nil) == nil
}

// DialContext connects to host:port, or returns an error that is
// core.ErrAddressRefused if every address of the host is refused.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dialer.DialContext(ctx, network, address)
	for _, refusal := range []error{ssrf.ErrProhibitedIP, ssrf.ErrProhibitedNetwork, ssrf.ErrProhibitedPort, ssrf.ErrInvalidHostPort} {
		if errors.Is(err, refusal) {
			return nil, fmt.Errorf("%w: %w", core.ErrAddressRefused, refusal)
		}
	}
	return conn, err
}
