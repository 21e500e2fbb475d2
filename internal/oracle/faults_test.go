package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"odsd/engine"
	"odsd/internal/demo"
)

// fault is something that goes wrong. It returns when all that it stopped is
// started again.
type fault struct {
	name   string
	weight int
	do     func(ctx context.Context, w *world, random *rand.Rand) error
}

var faults = []fault{
	{"daemon killed", 10, killDaemon},
	{"daemon killed at its start", 5, killDaemonStarting},
	{"daemon killed, view redefined", 4, redefineView},
	{"daemon killed, database down at its start", 1, killBoth},
	{"view redefined, reloaded", 4, reloadView},
	{"view rebuilt", 2, rebuildView},
	{"daemon told to end", 2, stopDaemon},
	{"stream cut", 6, cutStreams},
	{"source copied anew", 2, copyAnew},
	{"verified meanwhile", 1, verifyMeanwhile},
	{"checkpoint", 2, checkpoint},
	{"database stopped at once", 1, crashDatabase},
	{"database killed", 1, killDatabase},
}

func chooseFault(of []fault, random *rand.Rand) fault {
	total := 0
	for _, f := range of {
		total += f.weight
	}
	n := random.IntN(total)
	for _, f := range of {
		if n < f.weight {
			return f
		}
		n -= f.weight
	}
	return of[0] // not reached
}

// randomMoment passes some time, short ones more often; what the others do in it is
// the point, none waits for it.
func randomMoment(ctx context.Context, random *rand.Rand, longest time.Duration) {
	f := random.Float64()
	timer := time.NewTimer(time.Duration(f * f * float64(longest)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func killDaemon(_ context.Context, w *world, _ *rand.Rand) error {
	if err := w.daemon.kill(); err != nil {
		return err
	}
	return w.daemon.start()
}

// killDaemonStarting finds it opening its store, copying or building.
func killDaemonStarting(ctx context.Context, w *world, random *rand.Rand) error {
	for range 1 + random.IntN(4) {
		if err := killDaemon(ctx, w, random); err != nil {
			return err
		}
		randomMoment(ctx, random, 2*time.Second)
	}
	return killDaemon(ctx, w, random)
}

func redefineView(_ context.Context, w *world, random *rand.Rand) error {
	if err := w.daemon.kill(); err != nil {
		return err
	}
	if err := w.redefine(random); err != nil {
		return err
	}
	return w.daemon.start()
}

// reloadView changes a definition under the running daemon, and sometimes kills it while
// it builds.
func reloadView(ctx context.Context, w *world, random *rand.Rand) error {
	if err := w.redefine(random); err != nil {
		return err
	}
	if err := w.command(ctx, "reload", "--json"); err != nil {
		return err
	}
	return sometimesKill(ctx, w, random)
}

// rebuildView has a view built anew, and with it what stands on it.
func rebuildView(ctx context.Context, w *world, random *rand.Rand) error {
	all, err := w.views()
	if err != nil {
		return err
	}
	if err := w.command(ctx, "rebuild", "--detach", all[random.IntN(len(all))].Name); err != nil {
		return err
	}
	return sometimesKill(ctx, w, random)
}

func sometimesKill(ctx context.Context, w *world, random *rand.Rand) error {
	if random.IntN(2) == 0 {
		return nil
	}
	randomMoment(ctx, random, time.Second/2)
	return killDaemon(ctx, w, random)
}

// command has the daemon told something, once it can be.
func (w *world) command(ctx context.Context, args ...string) error {
	if err := w.listening(ctx); err != nil {
		return err
	}
	return wait(ctx, func() error {
		_, err := w.daemon.command(ctx, args...)
		return err
	})
}

// stopDaemon finds it listening: before, a signal ends it like any program.
func stopDaemon(ctx context.Context, w *world, _ *rand.Rand) error {
	if err := w.listening(ctx); err != nil {
		return err
	}
	if err := w.daemon.stop(); err != nil {
		return err
	}
	return w.daemon.start()
}

// cutStreams ends the walsenders, and whatever else the daemon does in the databases.
func cutStreams(ctx context.Context, w *world, random *rand.Rand) error {
	conn, err := pgx.Connect(ctx, w.cluster.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	which := "backend_type = 'walsender'"
	if random.IntN(3) == 0 {
		which += " or application_name like 'odsd%'"
	}
	if _, err := conn.Exec(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where "+which); err != nil {
		return fmt.Errorf("end the walsenders: %w", err)
	}
	return nil
}

func checkpoint(ctx context.Context, w *world, _ *rand.Rand) error {
	conn, err := pgx.Connect(ctx, w.cluster.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "checkpoint")
	return err
}

func crashDatabase(ctx context.Context, w *world, _ *rand.Rand) error {
	if err := w.cluster.Crash(ctx); err != nil {
		return err
	}
	return w.cluster.Restart(ctx)
}

func killDatabase(ctx context.Context, w *world, _ *rand.Rand) error {
	if err := w.cluster.Kill(); err != nil {
		return err
	}
	return w.cluster.Restart(ctx)
}

// killBoth lets the daemon start before its databases do.
func killBoth(ctx context.Context, w *world, random *rand.Rand) error {
	if err := w.daemon.kill(); err != nil {
		return err
	}
	if err := w.cluster.Kill(); err != nil {
		return err
	}
	if err := w.daemon.start(); err != nil {
		return err
	}
	randomMoment(ctx, random, time.Second)
	return w.cluster.Restart(ctx)
}

// copyAnew has one source copied anew, and waits for the copy or kills the
// daemon in the middle of it.
func copyAnew(ctx context.Context, w *world, random *rand.Rand) error {
	if err := w.listening(ctx); err != nil {
		return err
	}
	source := demo.Names()[random.IntN(len(demo.Names()))]
	before, err := w.copies(source)
	if err != nil {
		return err
	}
	if _, err := w.daemon.command(ctx, "resync", source); err != nil {
		return err
	}
	if random.IntN(2) == 0 {
		randomMoment(ctx, random, time.Second)
		return killDaemon(ctx, w, random)
	}
	return wait(ctx, func() error {
		now, err := w.copies(source)
		if err == nil && now == before {
			err = fmt.Errorf("%s is not copied anew", source)
		}
		return err
	})
}

// copies is how often a source was copied, by the daemon's log: where few rows differ from what
// was served, nothing else tells it.
func (w *world) copies(source string) (int, error) {
	log, err := os.ReadFile(w.daemon.logFile)
	return bytes.Count(log, fmt.Appendf(nil, `"msg":"copied","source":%q`, source)), err
}

// listening waits until the daemon can be asked.
func (w *world) listening(ctx context.Context) error {
	return wait(ctx, func() error {
		if w.daemon.where().GraphQL == "" {
			return errors.New("the daemon does not answer")
		}
		return nil
	})
}

// verifyMeanwhile compares while all goes on. Differences are wrong at any time;
// what cannot be compared at the moment is none.
func verifyMeanwhile(ctx context.Context, w *world, _ *rand.Rand) error {
	var report engine.VerifyReport
	return wait(ctx, func() error {
		out, err := w.daemon.command(ctx, "verify", "--json", "--values")
		if len(out) == 0 {
			return err
		}
		if err := json.Unmarshal(out, &report); err != nil {
			return err
		}
		if len(report.Differences) > 0 {
			return &wrong{fmt.Errorf("odsd verify: %.3000s", out)}
		}
		return nil
	})
}
