package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"odsd/engine"
	"odsd/project"
)

type backupFlags struct {
	hold, held bool
	release    string
}

func backupCommand(c *cli) *cobra.Command {
	var flags backupFlags
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the store, also while the daemon runs",
		Long: "Writes a consistent copy of the store into the folder DIR, which must not exist: the state\n" +
			"of one commit, while the daemon goes on; a daemon that does not run is not needed. With\n" +
			"--hold-slots each source's replication slot is copied first, so that `odsd restore DIR` goes on\n" +
			"from there; without, it copies anew the sources whose slots have moved on.\n\n" +
			"A held slot keeps log on its database until it is released: --held lists them, --release\n" +
			"drops those of a backup, which can be restored all the same. Exit code 1 when a slot could not\n" +
			"be held. DIR is the running daemon's, which writes it: all rows are in it.",
		Args: func(cmd *cobra.Command, args []string) error {
			if flags.held || flags.release != "" {
				return noArguments(cmd, args)
			}
			return exactArguments(1, "a folder")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			switch {
			case flags.held:
				return c.listHeld(ctx)
			case flags.release != "":
				return c.releaseHeld(ctx, flags.release)
			}
			return c.backup(ctx, args[0], flags.hold)
		},
	}
	cmd.Flags().BoolVar(&flags.hold, "hold-slots", false, "copy each source's slot, so that a restore goes on from there")
	cmd.Flags().BoolVar(&flags.held, "held", false, "list the slots that backups hold in the sources' databases")
	cmd.Flags().StringVar(&flags.release, "release", "", "drop the slots that the backup in this `DIR` holds")
	cmd.MarkFlagsMutuallyExclusive("hold-slots", "held", "release")
	return cmd
}

func (c *cli) backup(ctx context.Context, dir string, hold bool) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find %s: %w", dir, err)
	}
	dataDir, err := c.dataDir()
	if err != nil {
		return err
	}
	request := backupRequest{Dir: dir, HoldSlots: hold}
	bar := newProgress(c.stderr)
	defer bar.end()
	show := func(done, known int64) { bar.show("bytes", done, known) }
	var report *backupReport
	if d := atSocket(filepath.Join(dataDir, socketName)); d.listens(ctx) {
		report, err = d.backup(ctx, request, show)
	} else {
		report, err = c.backupClosed(ctx, dataDir, request, show)
	}
	if err != nil {
		return err
	}
	bar.end()
	if c.json {
		err = c.printJSON(report)
	} else {
		err = report.print(c.stdout)
	}
	if err == nil && hold && !report.held() {
		err = outcome(exitFindings)
	}
	return err
}

// backupClosed makes a backup of a store that no daemon has open.
func (c *cli) backupClosed(ctx context.Context, dataDir string, r backupRequest, show func(done, known int64)) (*backupReport, error) {
	if there, err := anyStore(dataDir); err != nil || !there {
		if err == nil {
			err = hintf("is data_dir of odsd.yaml the one that is meant? 'odsd run' makes a store").errorf("there is no store in %s", dataDir)
		}
		return nil, err
	}
	log := c.warnings()
	store, err := openStore(dataDir, log)
	if err != nil {
		return nil, err
	}
	scratch, err := emptyScratch(dataDir)
	var report *backupReport
	if err == nil {
		report, err = newBackups(store, c.projectSources(), scratch, log).make(ctx, r, show)
	}
	if closeErr := store.Close(); err == nil {
		err = closeErr
	}
	return report, err
}

// warnings are for what a command's store has to tell, above all why it cannot be written: the command
// ends there.
func (c *cli) warnings() *slog.Logger {
	return slog.New(collapse(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: worded})))
}

// projectSources are the folder's sources, to ask their databases; those whose files
// have errors say so themselves.
func (c *cli) projectSources() []engine.Source {
	p, found := project.Load(c.dir, os.LookupEnv)
	found = append(found, p.Resolve(os.LookupEnv)...)
	return sourcesOf(p, found, "", nil, slog.New(slog.DiscardHandler))
}

func (r *backupReport) print(w io.Writer) error {
	keeping := false
	t := &table{head: []string{"SOURCE", "LSN", "LOG KEPT", "A RESTORE"}, right: []int{2}}
	for _, s := range r.Sources {
		t.add(s.Name, s.lsn(), s.keptLog(), s.future())
		keeping = keeping || s.Held != ""
	}
	if _, err := fmt.Fprintf(w, "backup of %s in %s\n\n", bytesText(r.Bytes), r.Dir); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	t.print(w)
	if keeping {
		fmt.Fprintf(w, "\nHeld slots keep log on the databases' disks until\n  odsd backup --release %s\n", shellWord(r.Dir))
	}
	return nil
}
