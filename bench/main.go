package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// settings of a benchmark, as they stand in its result.
type settings struct {
	Workload     string   `json:"workload"`
	Transactions int      `json:"transactions"`
	Customers    int      `json:"customers"`
	Seed         uint64   `json:"seed"`
	Rounds       int      `json:"rounds"`
	Views        []string `json:"views"`
	Contenders   []string `json:"contenders"`
	// Check says whether what a contender arrived at in its last run was compared
	// with the databases.
	Check          bool `json:"check"`
	ProfileSeconds int  `json:"-"`
}

type options struct {
	settings
	programs []program // builds of odsd; none: the working tree is built
	out      string    // folder for results; empty: none are written
	profile  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = benchmark(ctx, o, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: error: %v\n", err)
		os.Exit(2)
	}
}

func parseOptions(arguments []string, stderr io.Writer) (options, error) {
	o := options{settings: settings{Workload: "backlog"}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.Transactions, "transactions", 500_000, "one-row transactions of the backlog")
	flags.IntVar(&o.Customers, "customers", 20_000, "customers of the base rows: five orders each, fifteen items, four shipments")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the base rows and of the backlog")
	flags.IntVar(&o.Rounds, "rounds", 3, "how often each contender runs, in turns")
	views := flags.String("views", "customer_360,order_board,daily_revenue", "views of the example project that odsd keeps")
	contenders := flags.String("contenders", "odsd,rows,recvlogical,subscription",
		"who runs: odsd (with the views), odsd:VIEW+VIEW (with these), rows (odsd without views), recvlogical, subscription")
	flags.Func("odsd", "a build of odsd as `LABEL=PATH`, instead of the working tree; may be repeated to compare builds", func(text string) error {
		label, path, ok := strings.Cut(text, "=")
		if !ok {
			return errors.New("write LABEL=PATH")
		}
		absolute, err := filepath.Abs(path)
		o.programs = append(o.programs, program{label, absolute})
		return err
	})
	flags.StringVar(&o.out, "out", "bench/results", "`folder` for the result; empty: none is written")
	flags.StringVar(&o.profile, "profile", "", "`folder` for processor and allocation profiles of odsd's last runs; they cost time")
	flags.IntVar(&o.ProfileSeconds, "profile-seconds", 20, "how long a processor profile is taken, from the daemon's start")
	flags.BoolVar(&o.Check, "check", true, "compare what each contender arrived at in the last round with the databases")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	o.Views, o.Contenders = strings.Split(*views, ","), strings.Split(*contenders, ",")
	if flags.NArg() > 0 || o.Transactions < 1000 || o.Customers < 1 || o.Rounds < 1 {
		return o, errors.New("there are flags alone, at least 1,000 transactions, one customer, one round")
	}
	return o, nil
}

// benchmark lets the contenders consume the same backlog in turns.
func benchmark(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	scratch, err := os.MkdirTemp("", "odsd-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if len(o.programs) == 0 {
		built, err := buildProgram(ctx, scratch)
		if err != nil {
			return err
		}
		o.programs = []program{built}
	}
	kind, err := readWorkload(o.Workload)
	if err != nil {
		return err
	}
	w, err := startWorld(ctx, o.settings, scratch, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.stop()) }()
	result, err := compete(ctx, w, kind, o, stderr)
	if err != nil {
		return err
	}
	return result.print(stdout)
}

// compete prepares the contenders, writes the backlog, and runs the rounds.
func compete(ctx context.Context, w *world, kind workload, o options, stderr io.Writer) (r *result, err error) {
	contenders, err := contendersOf(w, o.programs)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, c := range contenders {
			err = errors.Join(err, c.close(context.WithoutCancel(ctx)))
		}
	}()
	// A daemon's first start makes publications and slots.
	if err := (&daemon{world: w, program: o.programs[0], kind: "first"}).prepare(ctx); err != nil {
		return nil, err
	}
	for _, c := range contenders {
		fmt.Fprintf(stderr, "preparing %s\n", c.name())
		if err := c.prepare(ctx); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", c.name(), err)
		}
	}
	fmt.Fprintf(stderr, "writing the backlog\n")
	w.backlog, err = writeBacklog(ctx, w.databases.DSNs, kind, o.Transactions, o.Customers, o.Seed)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "wrote %d transactions in %.1f s\n", w.backlog.transactions, w.backlog.seconds)
	return rounds(ctx, w, contenders, o, stderr)
}

// rounds runs each contender once a round, each round begun by another one. What
// was found is written after each, so that a later failure does not cost it.
func rounds(ctx context.Context, w *world, contenders []contender, o options, stderr io.Writer) (*result, error) {
	r := newResult(w, contenders, time.Now())
	for round := range o.Rounds {
		for turn := range contenders {
			number := (round + turn) % len(contenders)
			c := contenders[number]
			if d, ok := c.(*daemon); ok && round == o.Rounds-1 && o.profile != "" {
				d.profile = filepath.Join(o.profile, strings.NewReplacer(":", "-", " ", "-").Replace(c.name()))
			}
			m, err := c.run(ctx, o.Check && round == o.Rounds-1)
			if err != nil {
				return nil, fmt.Errorf("round %d: %s: %w", round+1, c.name(), err)
			}
			fmt.Fprintf(stderr, "round %d: %s: %.1f s, %.1f s of processor time\n", round+1, c.name(), m.Seconds, m.CPUSeconds)
			r.add(number, m)
		}
		if err := r.write(o.out, stderr); err != nil {
			return nil, err
		}
	}
	return r, nil
}
