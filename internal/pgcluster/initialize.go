package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// initialize runs initdb: half a second, and a system identifier of its own,
// which a copy of a template would not have.
func (c *Cluster) initialize(ctx context.Context) error {
	c.password = newPassword()
	if err := os.WriteFile(c.passwordFile(), []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the password: %w", err)
	}
	if err := c.account.own(c.passwordFile()); err != nil {
		return err
	}
	// It takes half a second and is not interrupted by ctx: its servers, killed,
	// would leave shared memory behind.
	cmd := serverCommand(c.account, c.dir, filepath.Join(c.binaries.Dir, "initdb"),
		"--pgdata="+c.data(), "--username="+superuser, "--pwfile="+c.passwordFile(), "--auth=scram-sha-256",
		"--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions")
	// The kernel ends a child with the *thread* that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("initdb in %s: %w: %s", c.data(), err, lastLines(string(out), 5))
	}
	return includeSettings(c.data())
}

// reopen takes up the cluster that is kept in the directory.
func (c *Cluster) reopen() error {
	password, err := os.ReadFile(c.passwordFile())
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s holds a PostgreSQL cluster that odsd did not make: choose another directory", c.dir)
	}
	if err != nil {
		return fmt.Errorf("open the cluster in %s: %w", c.dir, err)
	}
	c.password = strings.TrimSpace(string(password))
	return nil
}

func (c *Cluster) passwordFile() string { return filepath.Join(c.dir, "password") }

// majorOf is the major version asked for: a kept cluster's own, if there is one.
func majorOf(o Options) (int, error) {
	if o.Dir == "" {
		return o.Major, nil
	}
	text, err := os.ReadFile(filepath.Join(o.Dir, "data", "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return o.Major, nil
	}
	if err != nil {
		return 0, fmt.Errorf("open the cluster in %s: %w", o.Dir, err)
	}
	kept, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("open the cluster in %s: PG_VERSION is not a number", o.Dir)
	}
	if o.Major != 0 && o.Major != kept {
		return 0, fmt.Errorf("the cluster in %s is of PostgreSQL %d, asked for is %d: choose another directory", o.Dir, kept, o.Major)
	}
	return kept, nil
}

// serverCommand is a command run by the server's account, in a clean
// environment and a process group of its own: a terminal's Ctrl-C is for us, and
// we stop the server when we are done with it.
func serverCommand(a *account, dir, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir // ours may be closed to that account
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "TMPDIR=" + a.tempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential(), Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	return cmd
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
