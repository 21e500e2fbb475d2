package pgcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// errPortTaken: somebody listens on the port that the server was given.
var errPortTaken = errors.New("the port is taken")

// orderlyGrace is how long a shutdown in order may take before the server is
// told to go at once: a replication client that reads no more would hold it for ever.
const orderlyGrace = 10 * time.Second

// server is a running postmaster. One goroutine owns the process: it starts it,
// stays on its thread (the kernel ends the child with the thread that started
// it), waits for it, and closes gone.
type server struct {
	pid  int
	gone chan struct{}
}

// startServer starts a postmaster and waits until it accepts connections.
func startServer(ctx context.Context, b Binaries, a *account, data, logFile string, g *guard) (*server, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close()
	logStart, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	cmd := serverCommand(a, data, filepath.Join(b.Dir, "postgres"), "-D", data)
	cmd.Stdout, cmd.Stderr = log, log
	s, err := own(cmd, g)
	if err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx, data); err != nil {
		s.signal(syscall.SIGQUIT)
		<-s.gone
		return nil, explainFailure(err, logFile, logStart)
	}
	return s, nil
}

// own starts the command under a goroutine that owns it and tells the guard.
func own(cmd *exec.Cmd, g *guard) (*server, error) {
	s := &server{gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(s.gone)
		err := cmd.Start()
		if err != nil {
			started <- err
			return
		}
		s.pid = cmd.Process.Pid
		g.serverRuns(s.pid)
		started <- nil
		_ = cmd.Wait() // how it ended stands in its log
		g.serverGone()
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return s, nil
}

// waitReady watches the pid file, whose last line is the server's state: asking
// by connection would fill the log with refusals.
func (s *server) waitReady(ctx context.Context, data string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.gone:
			return errors.New("the server ended at its start")
		case <-tick.C:
			file := readPIDFile(data)
			if file.pid == s.pid && file.state == "ready" {
				return nil
			}
		}
	}
}

// stop ends the server: in order for as long as ctx and the grace allow, else at
// once; by SIGKILL if that does not help either.
func (s *server) stop(ctx context.Context, inOrder bool) error {
	if inOrder {
		s.signal(syscall.SIGINT)
		select {
		case <-s.gone:
			return nil
		case <-ctx.Done():
		case <-time.After(orderlyGrace):
		}
	}
	s.signal(syscall.SIGQUIT)
	select {
	case <-s.gone:
		return nil
	case <-time.After(orderlyGrace):
		return s.kill()
	}
}

// kill ends the postmaster and its children by SIGKILL and waits until all are
// gone: one left behind would keep the shared memory from the next start.
func (s *server) kill() error {
	s.signal(syscall.SIGSTOP) // forks no more
	children, err := childrenOf(s.pid)
	s.signal(syscall.SIGKILL)
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL) // gone already is as good
	}
	<-s.gone
	return errors.Join(err, waitGone(children))
}

func waitGone(pids []int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(orderlyGrace)
	for _, pid := range pids {
		for running(pid) {
			select {
			case <-tick.C:
			case <-deadline:
				return fmt.Errorf("process %d does not end", pid)
			}
		}
	}
	return nil
}

// signal the postmaster, unless it is gone: its number may be somebody else's by then.
func (s *server) signal(sig syscall.Signal) {
	select {
	case <-s.gone:
	default:
		_ = syscall.Kill(s.pid, sig) // fails only if it is gone
	}
}

// pidFile is what postmaster.pid says.
type pidFile struct {
	pid          int
	sharedMemory int // System V identifier; -1: none
	state        string
}

func readPIDFile(data string) pidFile {
	file := pidFile{sharedMemory: -1}
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return file
	}
	lines := strings.Split(string(text), "\n")
	file.pid, _ = strconv.Atoi(strings.TrimSpace(lines[0]))
	if len(lines) > 6 {
		if fields := strings.Fields(lines[6]); len(fields) == 2 {
			if id, err := strconv.Atoi(fields[1]); err == nil {
				file.sharedMemory = id
			}
		}
	}
	if len(lines) > 7 {
		file.state = strings.TrimSpace(lines[7])
	}
	return file
}

// explainFailure adds what the server logged since it was started.
func explainFailure(err error, logFile string, from int64) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	text, readErr := os.ReadFile(logFile)
	if readErr != nil || int64(len(text)) < from {
		return err
	}
	text = text[from:]
	if bytes.Contains(text, []byte("could not bind")) {
		return fmt.Errorf("%w: %s", errPortTaken, lastLines(string(text), 5))
	}
	return fmt.Errorf("%w: %s", err, lastLines(string(text), 8))
}
