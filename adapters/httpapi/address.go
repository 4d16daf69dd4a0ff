package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// address returns where the request comes from: the peer, or, as far as
// trusted proxies vouch for it, who spoke to them.
func (s *server) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	client := peer.Addr().Unmap().WithZone("")
	if len(s.TrustedProxies) == 0 || !s.trusts(client) {
		return client.String()
	}
	// Each proxy appends whom it heard from, so only the end of the list, back
	// to the first address that is no proxy of ours, is not the client's word.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(client); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop
	}
	return client.String()
}

// parseHop reads an address with or without a port.
func parseHop(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), nil
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap().WithZone(""), err
}

func (s *server) trusts(a netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// network is what counts as one client: an IPv4 address, or the /64 that an
// IPv6 client can choose addresses from.
func network(address string) string {
	const ipv6Network = 64 // bits
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() {
		return address
	}
	p, err := a.Prefix(ipv6Network)
	if err != nil {
		return address
	}
	return p.String()
}
