package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// commitsPerWorker is what one worker does well, each commit with its round trips.
const commitsPerWorker = 250

// Workload keeps the databases busy as the teams' services would. Its state is
// the databases', so that it goes on whatever else writes to them, and
// whenever one of them is away.
type Workload struct {
	dsns DSNs
	rate int
	seed uint64

	mu    sync.Mutex
	stats Stats
}

// Stats say what a workload has done.
type Stats struct {
	Commits  int64
	Failures int64            // actions that broke off: a database went away, most likely
	Actions  map[string]int64 // those that did something, by name
	// LastFailure is why the last one broke off.
	LastFailure string
}

// String lists the actions, the most frequent first.
func (s Stats) String() string {
	names := slices.SortedFunc(maps.Keys(s.Actions), func(a, b string) int {
		if s.Actions[a] != s.Actions[b] {
			return int(s.Actions[b] - s.Actions[a])
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%d commits", s.Commits)
	if s.Failures > 0 {
		fmt.Fprintf(&b, ", %d broken off", s.Failures)
	}
	separator := ": "
	for _, name := range names {
		fmt.Fprintf(&b, "%s%d %s", separator, s.Actions[name], name)
		separator = ", "
	}
	return b.String()
}

// NewWorkload makes a workload of about rate commits per second over all
// databases; at a rate of 0 it does nothing. The same seed decides the same way.
func NewWorkload(dsns DSNs, rate int, seed uint64) *Workload {
	return &Workload{dsns: dsns, rate: rate, seed: seed, stats: Stats{Actions: map[string]int64{}}}
}

// Stats of what was done so far.
func (w *Workload) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Actions = maps.Clone(s.Actions)
	return s
}

// Run works until ctx ends.
func (w *Workload) Run(ctx context.Context) {
	if w.rate <= 0 {
		<-ctx.Done()
		return
	}
	workers := 1 + (w.rate-1)/commitsPerWorker
	pause := time.Second * time.Duration(workers) / time.Duration(w.rate)
	var all errgroup.Group
	for n := range workers {
		all.Go(func() error {
			w.work(ctx, NewWorker(w.dsns, w.seed+uint64(n)), pause)
			return nil
		})
	}
	_ = all.Wait() // nobody fails
}

// work does an action when it is due: each commit takes its time from the
// schedule. What was missed while a database was away is not made up for.
func (w *Workload) work(ctx context.Context, worker *Worker, pause time.Duration) {
	defer worker.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		// What has begun ends: an order that is shipped has its shipment, though the two are in different databases.
		step := worker.Step(context.WithoutCancel(ctx))
		w.count(ctx, step)
		due = due.Add(pause * time.Duration(max(1, step.Commits)))
		if late := time.Since(due); late > time.Second {
			due = due.Add(late)
		}
		timer.Reset(time.Until(due))
	}
}

func (w *Workload) count(ctx context.Context, step Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Commits += int64(step.Commits)
	switch {
	case step.Err == nil && step.Commits > 0:
		w.stats.Actions[step.Action]++
	case step.Err != nil && ctx.Err() == nil && !errors.Is(step.Err, errAway):
		w.stats.Failures++
		w.stats.LastFailure = step.Action + ": " + step.Err.Error()
	}
}
