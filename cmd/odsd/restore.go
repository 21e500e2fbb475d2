package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"odsd/engine"
	"odsd/storage"
	"odsd/storage/backup"
)

func restoreCommand(c *cli) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "restore DIR",
		Short: "Put a backup in the place of the store",
		Long: "Copies the store out of a backup into data_dir, checks every byte of it, and puts it into its\n" +
			"place at once. Then `odsd run` serves it, and each source goes on from its own slot where that has\n" +
			"all that follows, else from the slot that the backup holds; one for which nothing has it is\n" +
			"copied anew, the restored rows served meanwhile. The daemon must not run.",
		Args: exactArguments(1, "a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return c.restore(ctx, args[0], force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the store that data_dir holds")
	return cmd
}

// restoreReport is what `odsd restore --json` prints.
type restoreReport backupReport

func (c *cli) restore(ctx context.Context, dir string, force bool) error {
	m, err := backup.Read(dir)
	if err != nil {
		return err
	}
	dataDir, err := c.dataDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	bar := newProgress(c.stderr)
	defer bar.end()
	err = replacement{os.Rename}.replace(dataDir, force, func(to string) error {
		if err := backup.CopyStore(ctx, dir, m, to, func(done, known int64) { bar.show("bytes", done, known) }); err != nil {
			return err
		}
		return markRestored(to, m, c.restoreEnds(to))
	})
	if err != nil {
		return err
	}
	bar.end()
	report := restoreReport{
		Dir: dir, Bytes: m.Bytes, Files: len(m.Files), Made: m.Made, Odsd: m.Odsd,
		Sources: keptSources(ctx, m, c.projectSources(), nil),
	}
	if c.json {
		return c.printJSON(report)
	}
	return report.print(c.stdout)
}

func (r restoreReport) print(w io.Writer) error {
	t := &table{head: []string{"SOURCE", "LSN", "ODSD RUN"}}
	for _, s := range r.Sources {
		t.add(s.Name, s.lsn(), s.future())
	}
	if _, err := fmt.Fprintf(w, "restored %s as of %s from %s\n\n", bytesText(r.Bytes), r.Made.Format("2006-01-02 15:04:05Z"), r.Dir); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	t.print(w)
	return nil
}

// restoreEnds ends the command where what was copied cannot be written, and leaves nothing of it: the disk that
// is full would stay so.
func (c *cli) restoreEnds(dir string) func(error) {
	return func(err error) {
		os.Exit(c.report(errors.Join(fmt.Errorf("restore: %w", err), os.RemoveAll(dir))))
	}
}

// markRestored opens what was copied, which checks its format, and notes in it what was held.
func markRestored(dir string, m *backup.Manifest, fatal func(error)) error {
	store, err := storage.Open(dir, storage.Options{Fatal: fatal})
	if err != nil {
		return err
	}
	held := map[string]string{}
	for _, s := range m.Sources {
		held[s.Name] = s.Held
	}
	return errors.Join(engine.MarkRestored(store, held), store.Close())
}
