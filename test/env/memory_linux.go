package env

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
)

// tmpfs is the kind of a file system in memory, see statfs(2).
const tmpfs = 0x01021994

// MemoryDir returns a directory whose files are in memory, if there is room for that
// many bytes, else "". What is there is gone after a power cut, not when a process
// ends: crashes of servers are told there as well as on a disk.
func MemoryDir(room uint64) string {
	const dir = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	// the size of a tmpfs is a limit: nobody has set the memory aside
	if availableMemory() < room {
		return ""
	}
	return dir
}

// availableMemory is how many bytes can be had without swapping, see proc_meminfo(5).
func availableMemory() uint64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // it was only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kb uint64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}
