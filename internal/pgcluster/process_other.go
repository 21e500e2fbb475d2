//go:build unix && !linux

package pgcluster

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent: only the guard stops the server after us here.
func dieWithParent(*syscall.SysProcAttr) {}

func childrenOf(pid int) ([]int, error) {
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) { // 1: none
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var children []int
	for _, line := range strings.Fields(string(out)) {
		if child, err := strconv.Atoi(line); err == nil {
			children = append(children, child)
		}
	}
	return children, nil
}

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }
