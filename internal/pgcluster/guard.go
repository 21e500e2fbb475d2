package pgcluster

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// guardScript reads what we tell it; when the pipe ends without "release" we are
// dead, and it stops the server and removes the files.
const guardScript = `
dir=$1 pid=
while read -r word value; do
	case $word in
	runs) pid=$value ;;
	gone) pid= ;;
	release) exit 0 ;;
	esac
done
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	tries=0
	while kill -0 "$pid" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -eq 50 ] && kill -KILL "$pid" 2>/dev/null
		[ $tries -ge 60 ] && break
		sleep 0.1
	done
fi
[ -z "$dir" ] && exit 0
tries=0
while [ -e "$dir" ] && [ $tries -lt 50 ]; do
	rm -rf -- "$dir" 2>/dev/null || sleep 0.1
	tries=$((tries + 1))
done
`

// guard cleans up after us should we die without doing so.
type guard struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

func startGuard(dir string, keep bool) (*guard, error) {
	if keep {
		dir = ""
	}
	cmd := exec.Command("/bin/sh", "-c", guardScript, "odsd-guard", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // out of reach of a terminal's Ctrl-C
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the guard of a PostgreSQL cluster: %w", err)
	}
	return &guard{cmd: cmd, pipe: pipe}, nil
}

// serverRuns and serverGone tell what there is to stop. A guard that was killed
// cannot be told; that makes nothing worse.
func (g *guard) serverRuns(pid int) { _, _ = fmt.Fprintf(g.pipe, "runs %d\n", pid) }

func (g *guard) serverGone() { _, _ = io.WriteString(g.pipe, "gone\n") }

// release ends the guard: there is nothing left to clean up.
func (g *guard) release() {
	if g == nil {
		return
	}
	_, _ = io.WriteString(g.pipe, "release\n")
	_ = g.pipe.Close()
	_ = g.cmd.Wait() // its exit code says nothing that matters any more
}
