//go:build !faultpoints

package faultpoint

// Hit does nothing: this is not a build for tests.
func Hit(string) {}
