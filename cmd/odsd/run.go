package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// daemonFlags are those of the commands that start a daemon.
type daemonFlags struct {
	listen, adminListen string
	logFormat, logLevel string
}

func (f *daemonFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.listen, "listen", "", "`host:port` of GraphQL, console and health; port 0 picks one (default: odsd.yaml's)")
	cmd.Flags().StringVar(&f.adminListen, "admin-listen", "", "`host:port` of metrics and profiles; port 0 picks one (default: odsd.yaml's)")
	cmd.Flags().StringVar(&f.logFormat, "log-format", "", "`text` or json (default: text on a terminal)")
	cmd.Flags().StringVar(&f.logLevel, "log-level", "info", "`debug`, info, warn or error")
}

func runCommand(c *cli) *cobra.Command {
	var flags daemonFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon of the project",
		Long: "Runs the daemon of the project until it is told to end by Ctrl-C or SIGTERM. With --json\n" +
			"it prints one line on stdout once it listens; logs go to stderr.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			log, err := newLogger(c.stderr, flags.logFormat, flags.logLevel)
			if err != nil {
				return err
			}
			err = serve(ctx, serveOptions{
				dir: c.dir, env: os.LookupEnv, listen: flags.listen, adminListen: flags.adminListen, log: log,
				listening: func(a addresses) error { return c.announce(a.redacted(), log) },
			})
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // told to end while still starting
			}
			return err
		},
	}
	flags.add(cmd)
	return cmd
}

// redacted are the addresses without the passwords in DSNs.
func (a addresses) redacted() addresses {
	a.Sources = maps.Clone(a.Sources)
	for name, dsn := range a.Sources {
		a.Sources[name] = redactDSN(dsn)
	}
	return a
}

// announce says where the daemon listens: by a banner or, with --json, a line on
// stdout, and in the log.
func (c *cli) announce(a addresses, log *slog.Logger) error {
	log.Info("listening", "graphql", a.GraphQL, "admin", a.Admin)
	if c.json {
		return c.printJSON(a)
	}
	if _, err := io.WriteString(c.stdout, a.banner()); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}

func (a addresses) banner() string {
	var w strings.Builder
	fmt.Fprintf(&w, "\n  odsd %s\n\n", buildVersion().Version)
	fmt.Fprintf(&w, "  GraphQL, GraphiQL   %s\n", a.GraphQL)
	fmt.Fprintf(&w, "  metrics, profiles   %s\n", a.Admin)
	for i, name := range slices.Sorted(maps.Keys(a.Sources)) {
		label := ""
		if i == 0 {
			label = "sources"
		}
		fmt.Fprintf(&w, "  %-19s %-10s %s\n", label, name, a.Sources[name])
	}
	w.WriteString("\n  Ctrl-C ends it.\n\n")
	return w.String()
}
