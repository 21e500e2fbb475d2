package demo_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"odsd/internal/demo"
	"odsd/internal/pgcluster"
	"odsd/internal/pgcluster/pgtest"
)

func TestEveryActionWorks(t *testing.T) {
	dsns := seeded(t, 100, 1)
	worker := demo.NewWorker(dsns, 1)
	defer worker.Close()
	done, commits := map[string]int{}, 0
	for range 4000 {
		step := worker.Step(t.Context())
		if step.Err != nil {
			t.Fatalf("%s: %v", step.Action, step.Err)
		}
		if step.Commits > 0 {
			done[step.Action]++
		}
		commits += step.Commits
	}
	for _, name := range demo.ActionNames() {
		if done[name] == 0 {
			t.Errorf("no %s", name)
		}
	}
	if commits < 3500 {
		t.Errorf("only %d commits in 4000 steps: %v", commits, done)
	}
	assertPlausible(t, dsns)
	if got := one[int](t, dsns[demo.Shop], "select count(*)::int from orders"); got < 300 || got > 900 {
		t.Errorf("500 orders have become %d", got)
	}
}

func TestTheSameSeedDecidesTheSame(t *testing.T) {
	steps := func() []demo.Step {
		worker := demo.NewWorker(seeded(t, 40, 1), 5)
		defer worker.Close()
		var steps []demo.Step
		for range 200 {
			steps = append(steps, worker.Step(t.Context()))
		}
		return steps
	}
	first, second := steps(), steps()
	for i := range first {
		if first[i] != second[i] {
			t.Fatalf("step %d: %+v, then %+v", i, first[i], second[i])
		}
	}
}

func TestWorkloadKeepsItsRate(t *testing.T) {
	dsns := seeded(t, 100, 1)
	workload := demo.NewWorkload(dsns, 600, 1) // three workers
	const span = 3 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	workload.Run(ctx)
	stats := workload.Stats()
	if stats.Failures > 0 {
		t.Errorf("%d failures, the last: %s", stats.Failures, stats.LastFailure)
	}
	// Some actions find nothing to do; a busy machine does less.
	if stats.Commits < 300 || stats.Commits > 2200 {
		t.Errorf("%d commits in %v", stats.Commits, span)
	}
	assertPlausible(t, dsns)
	if text := stats.String(); !strings.Contains(text, " commits: ") || !strings.Contains(text, " placed orders") {
		t.Errorf("stats read %q", text)
	}
}

func TestWorkloadAtRateZeroWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	workload := demo.NewWorkload(demo.DSNs{}, 0, 1)
	workload.Run(ctx)
	if stats := workload.Stats(); stats.Commits != 0 {
		t.Errorf("got %+v", stats)
	}
}

func TestWorkloadSurvivesACrash(t *testing.T) {
	cluster := pgtest.Start(t, pgcluster.Options{})
	dsns, err := demo.OneCluster(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Seed(t.Context(), dsns, 40, 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	workload := demo.NewWorkload(dsns, 1000, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		workload.Run(ctx)
	}()
	for _, crash := range []func() error{cluster.Kill, func() error { return cluster.Crash(t.Context()) }} {
		worksOn(t, workload)
		if err := crash(); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	worksOn(t, workload)
	cancel()
	<-ended
	for _, check := range []struct {
		what                        string
		part, whole                 string
		partDatabase, wholeDatabase string
	}{
		{"orders' customers", "select customer_id from orders", "select id from customers", demo.Shop, demo.CRM},
		{"shipments' orders", "select order_id from shipments", "select id from orders", demo.Shipping, demo.Shop},
	} {
		assertSubset(t, check.what, rows[int64](t, dsns[check.partDatabase], check.part), rows[int64](t, dsns[check.wholeDatabase], check.whole))
	}
}

// worksOn waits until the workload has made commits from now on.
func worksOn(t *testing.T, workload *demo.Workload) {
	t.Helper()
	wanted := workload.Stats().Commits + 50
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for workload.Stats().Commits < wanted {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the workload stands still: %+v", workload.Stats())
		}
	}
}
