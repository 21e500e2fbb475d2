package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// What the kernel says of processes. Where there is no /proc, figures are 0 and
// are left out of the tables.

// ticks a second in which Linux tells processor time, on every machine that Go runs on.
const ticks = 100

// processCPU is the processor time of a process, threads included, without children.
func processCPU(pid int) float64 { return cpuOf(pid, 2) }

// familyCPU is the processor time of a server and its processes, those that
// have ended included.
func familyCPU(pid int) float64 {
	seconds := cpuOf(pid, 4)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, entry := range entries {
		child, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if fields := statFields(child); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			seconds += cpuOf(child, 4)
		}
	}
	return seconds
}

// cpuOf adds up the first of the four times: user, system, and those two of
// children that have ended.
func cpuOf(pid, times int) float64 {
	fields := statFields(pid)
	const user = 11
	if len(fields) < user+times {
		return 0
	}
	sum := 0
	for _, text := range fields[user : user+times] {
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0
		}
		sum += n
	}
	return float64(sum) / ticks
}

// statFields are the fields of a process's stat after its name, which may hold anything.
func statFields(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
}

// peakMemory is the largest resident size that a process has had, in bytes.
func peakMemory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// processorName is what the processor calls itself.
func processorName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
