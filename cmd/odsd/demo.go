package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"odsd/examples"
	"odsd/internal/demo"
	"odsd/project"
)

type demoFlags struct {
	daemonFlags
	customers int
	rate      int
	seed      uint64
	keep      string
	install   bool
}

func demoCommand(c *cli) *cobra.Command {
	var flags demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything on throw-away databases with a live workload",
		Long: "Starts PostgreSQL clusters for four teams on this machine, fills them, keeps them busy, and\n" +
			"runs the daemon of the example project on them. Ctrl-C ends it and removes all of it.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if flags.customers < 1 || flags.rate < 0 {
				return withHint(errors.New("--customers must be at least 1, --rate at least 0"), "run 'odsd demo --help'")
			}
			log, err := newLogger(c.stderr, flags.logFormat, flags.logLevel)
			if err != nil {
				return err
			}
			dir := ""
			if cmd.Flags().Changed("dir") {
				dir = c.dir
			}
			err = c.demo(ctx, flags, dir, log)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // told to end while still starting
			}
			return err
		},
	}
	flags.add(cmd)
	cmd.Flags().IntVar(&flags.customers, "customers", 10_000, "how `many` customers there are; scales everything")
	cmd.Flags().IntVar(&flags.rate, "rate", 200, "`commits` a second of the workload; 0 for none")
	cmd.Flags().Uint64Var(&flags.seed, "seed", 1, "the `number` that all rows are made from")
	cmd.Flags().StringVar(&flags.keep, "keep", "", "keep databases and store in this `folder`, and go on with those found in it")
	cmd.Flags().BoolVar(&flags.install, "install", false, "allow installing PostgreSQL by the system's package manager")
	return cmd
}

func (c *cli) demo(ctx context.Context, flags demoFlags, dir string, log *slog.Logger) (err error) {
	place, err := makeDemoPlace(flags.keep, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.remove()) }()
	listening := serveOptions{dir: place.project, env: demoEnvironment(nil), listen: flags.listen, adminListen: flags.adminListen}
	ports, err := takePorts(listening)
	if err != nil {
		return err
	}
	defer ports.close()
	options := demo.Options{
		Customers: flags.customers, Seed: flags.seed, Install: flags.install,
		Progress: notes{c}, Dir: place.databases,
	}
	return demo.Run(ctx, options, flags.rate, func(ctx context.Context, d *demo.Databases, w *demo.Workload) error {
		err := serve(ctx, serveOptions{
			dir: place.project, env: demoEnvironment(d.DSNs), storeDir: place.store, log: log,
			opened:    ports,
			listening: func(a addresses) error { return c.announce(a, log) },
			ready: func() error {
				if c.json {
					return nil
				}
				return printSamples(c.stdout, programName(), place.project)
			},
		})
		log.Info("ending", "workload", w.Stats().String())
		return err
	})
}

// takePorts opens the listeners of a project before its databases are there: a
// port in use is told at once, not after they were filled.
func takePorts(o serveOptions) (*listeners, error) {
	p, found := project.Load(o.dir, o.env)
	if err := configError(append(found, p.Resolve(o.env)...)); err != nil {
		return nil, err
	}
	return openListeners(p, o)
}

// demoEnvironment is the environment with the variables that the example sources read.
func demoEnvironment(dsns demo.DSNs) project.Env {
	own := map[string]string{}
	for _, pair := range dsns.Environment() {
		name, value, _ := strings.Cut(pair, "=")
		own[name] = value
	}
	return func(name string) (string, bool) {
		if value, ok := own[name]; ok {
			return value, true
		}
		return os.LookupEnv(name)
	}
}

// notes passes what the databases tell of their start to stderr, line by line.
type notes struct{ c *cli }

func (n notes) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		n.c.note("%s", strings.TrimRight(line, "\n"))
	}
	return len(text), nil
}

// demoPlace is where the demo puts its files.
type demoPlace struct {
	project   string // the project folder
	store     string
	databases string // "" for temporary ones
	temporary string // removed at the end; "" when all is kept
	socketDir string // removed at the end if the demo made it; "" if it was there
}

// makeDemoPlace finds the example project, in the folder given or below the
// current one, or unpacks the one in the binary, and a place for the store.
func makeDemoPlace(keep, dir string) (*demoPlace, error) {
	place := &demoPlace{}
	base := keep
	if keep == "" {
		temporary, err := os.MkdirTemp("", "odsd-demo-")
		if err != nil {
			return nil, fmt.Errorf("make a folder for the demo: %w", err)
		}
		place.temporary, base = temporary, temporary
	} else {
		absolute, err := filepath.Abs(keep)
		if err != nil {
			return nil, fmt.Errorf("find the folder to keep: %w", err)
		}
		base, place.databases = absolute, filepath.Join(absolute, "databases")
	}
	place.store = filepath.Join(base, "odsd")
	switch {
	case dir != "":
		place.project = dir
	case isProject("examples"):
		place.project = "examples"
	default:
		place.project = filepath.Join(base, "project")
		if err := unpackExamples(place.project); err != nil {
			return nil, errors.Join(err, place.remove())
		}
	}
	// Where the other commands look for the daemon.
	data := filepath.Join(place.project, "data")
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		place.socketDir = data
	}
	return place, nil
}

func isProject(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, project.ConfigFile))
	return err == nil
}

// unpackExamples writes the project in the binary to a folder, over one that an
// earlier demo kept there.
func unpackExamples(dir string) error {
	err := fs.WalkDir(examples.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := fs.ReadFile(examples.Files, name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
	if err != nil {
		return fmt.Errorf("unpack the example project: %w", err)
	}
	return nil
}

// remove leaves nothing behind of what was not to be kept.
func (p *demoPlace) remove() error {
	if p.socketDir != "" {
		_ = os.Remove(p.socketDir) // only when it is empty
	}
	if p.temporary == "" {
		return nil
	}
	if err := os.RemoveAll(p.temporary); err != nil {
		return fmt.Errorf("remove the demo's files: %w", err)
	}
	return nil
}
