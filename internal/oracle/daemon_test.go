package oracle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// buildProgram builds the program.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "odsd")
	build := exec.CommandContext(t.Context(), "go", "build", raceFlag, "-o", program, "odsd/cmd/odsd")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the daemon: %v\n%s", err, out)
	}
	return program
}

// daemon is `odsd run` of a project, started and ended many times. Lives do not
// overlap. One goroutine starts and ends it; any may ask for its address.
type daemon struct {
	program string
	dir     string
	env     []string
	logFile string

	cmd   *exec.Cmd
	ended chan struct{} // closed when the process is gone
	err   error         // how it ended; read after ended
	lives int

	mu      sync.Mutex
	address address
}

// address is where a life of the daemon answers, and which one it is.
type address struct {
	GraphQL string `json:"graphql"`
	life    int
}

// where says where the daemon answers; GraphQL is empty while it does not.
func (d *daemon) where() address {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}

func (d *daemon) setAddress(a address) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.address = a
}

// start starts a life and does not wait until it answers.
func (d *daemon) start() error {
	log, err := os.OpenFile(d.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(d.program, "-C", d.dir, "run", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), d.env...)
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	d.lives++
	fmt.Fprintf(log, "--- life %d\n", d.lives)
	if err := cmd.Start(); err != nil {
		return err
	}
	d.cmd, d.ended = cmd, make(chan struct{})
	life, ended := d.lives, d.ended
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			a := address{life: life}
			if json.Unmarshal(lines.Bytes(), &a) == nil {
				d.setAddress(a)
			}
		}
		d.err = cmd.Wait()
		d.setAddress(address{})
	}()
	return nil
}

// kill ends the life by SIGKILL. A daemon that had ended by itself is an error.
func (d *daemon) kill() error {
	select {
	case <-d.ended:
		return fmt.Errorf("the daemon ended by itself: %v", d.err)
	default:
	}
	_ = d.cmd.Process.Kill()
	<-d.ended
	if status, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && !status.Signaled() {
		return fmt.Errorf("the daemon ended by itself: %v", d.err)
	}
	return nil
}

// stop asks the daemon to end, which must be a good end.
func (d *daemon) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	<-d.ended
	if d.err != nil {
		return fmt.Errorf("the daemon ended badly after SIGTERM: %w", d.err)
	}
	return nil
}

// command runs another command of the program on the same project.
func (d *daemon) command(ctx context.Context, args ...string) (stdout []byte, err error) {
	cmd := exec.CommandContext(ctx, d.program, append([]string{"-C", d.dir}, args...)...)
	cmd.Env = append(os.Environ(), d.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("odsd %s: %w\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	return out.Bytes(), nil
}

// complaints are the lines of the log that no crash of anything excuses.
func (d *daemon) complaints() (string, error) {
	text, err := os.ReadFile(d.logFile)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, sign := range []string{"DATA RACE", "panic:", "fatal error:", "source halted", "view failed"} {
		if at := bytes.Index(text, []byte(sign)); at >= 0 {
			from := max(0, bytes.LastIndexByte(text[:at], '\n'))
			return string(text[from:min(len(text), at+4000)]), nil
		}
	}
	return "", nil
}
