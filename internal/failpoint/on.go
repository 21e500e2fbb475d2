//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

var (
	passes  atomic.Int64
	setting = sync.OnceValues(func() (Name, int64) {
		name, count, _ := strings.Cut(os.Getenv(Setting), ":")
		n, _ := strconv.ParseInt(count, 10, 64)
		return Name(name), n
	})
)

// At ends the process where it is the place that the environment names, passed as often as
// it says. Nothing that follows is done by any goroutine but what the system lets slip.
func At(place Name) {
	name, n := setting()
	if place != name || passes.Add(1) != n {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint %s\n", name)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// LoadBytes is how many bytes of copied rows are held in memory, where the environment says it.
func LoadBytes(otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(LoadSetting)); err == nil {
		return n
	}
	return otherwise
}
