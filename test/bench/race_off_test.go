//go:build !race

package bench

const mostAllocations = 49
