package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"odsd/examples"
	"odsd/storage/relation"
)

// pollInterval is how often a consumer is asked how far it is: the error of its
// time, and rarely enough not to show in it.
const pollInterval = 50 * time.Millisecond

// daemonProcess is a running odsd.
type daemonProcess struct {
	cmd     *exec.Cmd
	GraphQL string `json:"graphql"`
	Admin   string `json:"admin"`
}

// start writes the example project with these views alone beside the store and
// starts the daemon in it; it is back when the daemon listens.
func (d *daemon) start(ctx context.Context, dir string, views []string) (*daemonProcess, error) {
	if err := writeProject(dir, views); err != nil {
		return nil, fmt.Errorf("write the project: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "odsd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := &daemonProcess{cmd: exec.CommandContext(ctx, d.program.path, "-C", dir, "run", "--json",
		"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")}
	p.cmd.Env = append(os.Environ(), d.world.databases.DSNs.Environment()...)
	p.cmd.Stderr = log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, p)
	}
	if err != nil {
		text, _ := os.ReadFile(log.Name()) // best effort: the error stands without it
		return nil, errors.Join(fmt.Errorf("start odsd: %w: %s", err, text), p.end())
	}
	return p, nil
}

// writeProject writes the example project, without tests and other views.
func writeProject(dir string, views []string) error {
	return fs.WalkDir(examples.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path == "tests" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(dir, path), 0o755)
		}
		if folder, name, _ := strings.Cut(path, "/"); folder == "views" && !slices.Contains(views, strings.TrimSuffix(name, ".yaml")) {
			return nil
		}
		text, err := fs.ReadFile(examples.Files, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path), text, 0o644)
	})
}

func (p *daemonProcess) pid() int { return p.cmd.Process.Pid }

// end tells the daemon to end and waits for it.
func (p *daemonProcess) end() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("odsd ended: %w", err)
	}
	return nil
}

// status is what /statusz says, as far as it matters here.
type status struct {
	Ready   bool
	Sources []sourceStatus
	Views   []struct{ State string }
}

type sourceStatus struct {
	Name, State, LSN string
	Error            *struct{ Message string }
}

// position is 0 before there is one.
func (s sourceStatus) position() relation.Position {
	p, err := relation.ParsePosition(s.LSN)
	if err != nil {
		return 0
	}
	return p
}

// settled says whether all sources stream and all views are built.
func (s *status) settled() bool {
	for _, source := range s.Sources {
		if source.State != "streaming" {
			return false
		}
	}
	for _, view := range s.Views {
		if view.State != "ready" {
			return false
		}
	}
	return s.Ready
}

// wait asks for the status until it is as wanted.
func (p *daemonProcess) wait(ctx context.Context, wanted func(*status) bool) error {
	url := strings.TrimSuffix(p.GraphQL, "/graphql") + "/statusz"
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		var s status
		if err := getJSON(ctx, url, &s); err != nil {
			return fmt.Errorf("ask odsd for its status: %w", err)
		}
		for _, source := range s.Sources {
			if source.State == "halted" {
				return fmt.Errorf("source %s halted: %s", source.Name, source.Error.Message)
			}
		}
		if wanted(&s) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// profile has the daemon profiled from now on, where a folder is given for it.
// The function that it returns waits for the profiles.
func (p *daemonProcess) profile(ctx context.Context, folder string, seconds int) func() error {
	if folder == "" {
		return func() error { return nil }
	}
	taken := make(chan error, 1)
	go func() { // joined by the function returned
		taken <- p.fetch(ctx, fmt.Sprintf("debug/pprof/profile?seconds=%d", seconds), filepath.Join(folder, "cpu.prof"))
	}()
	return func() error {
		if err := <-taken; err != nil {
			return err
		}
		return errors.Join(
			p.fetch(ctx, "debug/pprof/allocs", filepath.Join(folder, "allocs.prof")),
			p.fetch(ctx, "metrics", filepath.Join(folder, "metrics.txt")))
	}
}

func (p *daemonProcess) fetch(ctx context.Context, what, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(p.Admin, "/")+"/"+what, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("profile odsd: %w", err)
	}
	defer response.Body.Close()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, response.Body)
	return errors.Join(err, out.Close())
}
