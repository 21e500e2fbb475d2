package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// receiver is pg_recvlogical, writing to /dev/null: what PostgreSQL can send to
// somebody who does nothing.
type receiver struct{ world *world }

func (r *receiver) name() string { return "pg_recvlogical" }

func (r *receiver) prepare(context.Context) error { return nil }

func (r *receiver) close(context.Context) error { return nil }

func receiverSlot(string) string { return "bench_receiver" }

func (r *receiver) run(ctx context.Context, _ bool) (m measurement, err error) {
	w := r.world
	if err := w.resetSlots(ctx, receiverSlot); err != nil {
		return m, err
	}
	sent := w.sourceCPU()
	began := time.Now()
	var mu sync.Mutex
	err = w.eachDatabase(ctx, func(ctx context.Context, database, dsn string) error {
		cmd := exec.CommandContext(ctx, filepath.Join(w.binaries.Dir, "pg_recvlogical"),
			"--dbname", dsn, "--slot", receiverSlot(database), "--start", "--no-loop", "--file", "/dev/null",
			"--endpos", w.backlog.end[database].String(),
			"--option", "proto_version=1", "--option", "publication_names="+publication(database))
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("pg_recvlogical of %s: %w: %s", database, err, output)
		}
		mu.Lock()
		defer mu.Unlock()
		m.CPUSeconds += (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			m.PeakBytes += usage.Maxrss << 10
		}
		return nil
	})
	m.Seconds = time.Since(began).Seconds()
	m.SourceCPUSeconds = w.sourceCPU() - sent
	if err != nil {
		return m, err
	}
	return m, w.dropSlots(ctx, receiverSlot)
}
