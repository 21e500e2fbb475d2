package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// daemon is a build of odsd with some of the example project's views, or none:
// then it keeps base rows alone.
type daemon struct {
	world   *world
	program program
	kind    string
	views   []string
	profile string // folder for profiles of the last run; empty: none
}

func (d *daemon) name() string {
	if d.program.label == "" {
		return d.kind
	}
	return d.kind + " (" + d.program.label + ")"
}

// base is where the store with the base rows, and the views built from them, is kept.
func (d *daemon) base() string { return d.world.path("base " + d.name()) }

// prepare makes the store that every run begins with. The first daemon of all
// copies the tables; the views of the others are built from a copy of its store.
func (d *daemon) prepare(ctx context.Context) error {
	copied := d.world.path("copied")
	if _, err := os.Stat(copied); errors.Is(err, os.ErrNotExist) {
		if err := d.settleIn(ctx, copied, nil); err != nil {
			return fmt.Errorf("copy the tables: %w", err)
		}
		if err := d.world.keepSlots(ctx); err != nil {
			return err
		}
	}
	if err := os.CopyFS(d.base(), os.DirFS(copied+"/data")); err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	if len(d.views) == 0 {
		return nil
	}
	if err := d.world.resetSlots(ctx, daemonSlot); err != nil {
		return err
	}
	project := d.world.path("project")
	if err := os.RemoveAll(project); err != nil {
		return err
	}
	if err := os.CopyFS(project+"/data", os.DirFS(d.base())); err != nil {
		return fmt.Errorf("copy the store: %w", err)
	}
	if err := d.settleIn(ctx, project, d.views); err != nil {
		return fmt.Errorf("build the views: %w", err)
	}
	if err := os.RemoveAll(d.base()); err != nil {
		return err
	}
	return os.Rename(project+"/data", d.base())
}

// settleIn runs a daemon in a project until it has nothing left to do.
func (d *daemon) settleIn(ctx context.Context, dir string, views []string) error {
	p, err := d.start(ctx, dir, views)
	if err != nil {
		return err
	}
	err = p.wait(ctx, (*status).settled)
	if endErr := p.end(); err == nil {
		err = endErr
	}
	return err
}

func (d *daemon) run(ctx context.Context, check bool) (m measurement, err error) {
	if err := d.world.resetSlots(ctx, daemonSlot); err != nil {
		return m, err
	}
	project := d.world.path("project")
	if err := os.RemoveAll(project); err != nil {
		return m, err
	}
	if err := os.CopyFS(project+"/data", os.DirFS(d.base())); err != nil {
		return m, fmt.Errorf("copy the store: %w", err)
	}
	sent := d.world.sourceCPU()
	began := time.Now()
	p, err := d.start(ctx, project, d.views)
	if err != nil {
		return m, err
	}
	defer func() {
		if endErr := p.end(); err == nil {
			err = endErr
		}
	}()
	profiled := p.profile(ctx, d.profile, d.world.settings.ProfileSeconds)
	if err := p.wait(ctx, d.applied); err != nil {
		return m, err
	}
	m.Seconds = time.Since(began).Seconds()
	m.CPUSeconds, m.PeakBytes = processCPU(p.pid()), peakMemory(p.pid())
	m.SourceCPUSeconds = d.world.sourceCPU() - sent
	if err := profiled(); err != nil {
		return m, err
	}
	if check {
		m.Checked, err = d.verify(ctx, project)
	}
	return m, err
}

// applied says whether every source's frontier has passed the backlog's end.
func (d *daemon) applied(s *status) bool {
	for _, source := range s.Sources {
		if source.position() < d.world.backlog.end[source.Name] {
			return false
		}
	}
	return true
}

// verify has the daemon compare its rows with the databases and its documents
// with the naive evaluator's.
func (d *daemon) verify(ctx context.Context, project string) (string, error) {
	cmd := exec.CommandContext(ctx, d.program.path, "-C", project, "verify", "--json")
	cmd.Env = append(os.Environ(), d.world.databases.DSNs.Environment()...)
	output, err := cmd.Output()
	var report struct{ OK bool }
	if jsonErr := json.Unmarshal(output, &report); jsonErr != nil || !report.OK {
		return "", fmt.Errorf("odsd verify: %w: %s", errors.Join(err, jsonErr), output)
	}
	return "odsd verify: ok", nil
}

func (d *daemon) close(context.Context) error { return nil }

// getJSON asks a running daemon.
func getJSON(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}
