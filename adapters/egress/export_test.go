package egress

import "net"

// Resolve makes the dialer look names up elsewhere.
func (d *Dialer) Resolve(r *net.Resolver) { d.dialer.Resolver = r }
