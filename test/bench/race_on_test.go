//go:build race

package bench

// mostAllocations counts what the race detector's pools lose, too.
const mostAllocations = 129
