package egress_test

import (
	"net/netip"
	"testing"

	"github.com/seed-755a8038/coffer/adapters/egress"
)

// FuzzAllows: no form of an address that is not everybody's is connected to.
func FuzzAllows(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "::1", "10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:a9fe:a9fe::", "fe80::1", "fc00::1", "8.8.8.8", "2606:4700::1111", "0.0.0.0", "::", "224.0.0.1", "2001:0:7f00:1::", "::127.0.0.1", "168.63.129.16"} {
		f.Add(netip.MustParseAddr(text).AsSlice())
	}
	public, private := egress.NewDialer(false), egress.NewDialer(true)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		for _, form := range forms(a) {
			never := form.IsLinkLocalUnicast() || form.IsMulticast() || form.IsUnspecified()
			if never && (public.Allows(a) || private.Allows(a)) || (form.IsLoopback() || form.IsPrivate()) && public.Allows(a) {
				t.Errorf("%v, which leads to %v, is connected to", a, form)
			}
		}
		if public.Allows(a) && !private.Allows(a) {
			t.Errorf("%v is everybody's, and closed where private ones are open", a)
		}
	})
}

// forms are an address, and those that it can stand for.
func forms(a netip.Addr) []netip.Addr {
	out := []netip.Addr{a.Unmap()}
	b := a.As16()
	for prefix, at := range map[string]int{"64:ff9b::/96": 12, "2002::/16": 2} {
		if netip.MustParsePrefix(prefix).Contains(a) {
			out = append(out, netip.AddrFrom4([4]byte(b[at:at+4])))
		}
	}
	return out
}
