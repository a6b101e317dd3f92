package boot

import (
	"os"
	"runtime/debug"
)

// The garbage collector of a server: it runs a quarter as often as by default,
// because the heap is small beside what a request costs in time, and turns
// back to often once the heap nears the limit.
const (
	gcPercent   = 400
	memoryLimit = 1 << 30 // bytes; soft
)

// TuneMemory sets the garbage collector for a server, unless the operator did
// by GOGC or GOMEMLIMIT.
func TuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
