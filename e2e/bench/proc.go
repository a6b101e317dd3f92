//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc: USER_HZ, 100 on every Linux.
const tick = 10 * time.Millisecond

var processors = float64(runtime.NumCPU())

// stat returns the fields of a process's stat file after its name; nil if it
// has gone. Field 1 is the parent, 11 to 14 are the user and system times of
// the process and of its children that ended.
func stat(pid int) []string {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	end := bytes.LastIndexByte(content, ')')
	return strings.Fields(string(content[end+1:]))
}

func ticks(fields []string, from, to int) time.Duration {
	var sum int64
	for _, field := range fields[from : to+1] {
		n, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
		sum += n
	}
	return time.Duration(sum) * tick
}

// cpuSelf returns the processor time of one process.
func cpuSelf(pid int) time.Duration {
	if fields := stat(pid); fields != nil {
		return ticks(fields, 11, 12)
	}
	return 0
}

// cpuTree returns the processor time of a process and all its children, also
// those that ended.
func cpuTree(pid int) time.Duration {
	fields := stat(pid)
	if fields == nil {
		return 0
	}
	sum := ticks(fields, 11, 14)
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, entry := range entries {
		child, err := strconv.Atoi(filepath.Base(entry))
		if err != nil {
			continue
		}
		if f := stat(child); f != nil && f[1] == strconv.Itoa(pid) {
			sum += cpuTree(child)
		}
	}
	return sum
}

// cpuMachine returns the processor time that the machine has used.
func cpuMachine() time.Duration {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(content), "\n")
	f := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal
	return ticks(f, 1, 3) + ticks(f, 6, 8)
}

// memory returns the resident memory of a process, in bytes.
func memory(pid int) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(content), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10
		}
	}
	return 0
}
