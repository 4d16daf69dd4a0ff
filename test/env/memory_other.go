//go:build !linux

package env

// MemoryDir returns "": there is no directory in memory that every such system has.
func MemoryDir(uint64) string { return "" }
