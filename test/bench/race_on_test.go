//go:build race

package bench

// The race detector lets pools lose some of what they keep, at random.
const mostAllocations = 62
