package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
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
	err = replaceStore(dataDir, force, func(to string) error {
		if err := backup.CopyStore(ctx, dir, m, to, func(done, known int64) { bar.show("bytes", done, known) }); err != nil {
			return err
		}
		return markRestored(to, m)
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

// markRestored opens what was copied, which checks its format, and notes in it what was held.
func markRestored(dir string, m *backup.Manifest) error {
	store, err := storage.Open(dir, storage.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	held := map[string]string{}
	for _, s := range m.Sources {
		held[s.Name] = s.Held
	}
	return errors.Join(engine.MarkRestored(store, held), store.Close())
}

// holdsStore says whether there is a store in a data directory.
func holdsStore(dataDir string) (bool, error) {
	entries, err := os.ReadDir(filepath.Join(dataDir, "store"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a store: %w", err)
	}
	return len(entries) > 0, nil
}

// replaceStore has make put a store beside the one in dataDir, and then in its place: until
// then nothing of what is there is touched. What is replaced is removed last, and what a killed
// restore left is removed by the next.
func replaceStore(dataDir string, force bool, make func(to string) error) error {
	store, coming, going := filepath.Join(dataDir, "store"), filepath.Join(dataDir, "store.restoring"), filepath.Join(dataDir, "store.replaced")
	full, err := holdsStore(dataDir)
	if err != nil {
		return err
	}
	if full {
		// Held to the end: a daemon that runs is not to lose its store, nor one to start in between.
		unlock, err := storage.Lock(store)
		if err != nil {
			return err
		}
		defer unlock()
		if !force {
			return hintf("move %s away, or replace it: odsd restore --force", store).errorf("%s holds a store", dataDir)
		}
	}
	if err := errors.Join(os.RemoveAll(coming), os.RemoveAll(going)); err != nil {
		return fmt.Errorf("remove what an interrupted restore left: %w", err)
	}
	if err := make(coming); err != nil {
		return errors.Join(err, os.RemoveAll(coming))
	}
	if full {
		if err := os.Rename(store, going); err != nil {
			return fmt.Errorf("put the store into its place: %w", err)
		}
	} else if err := os.Remove(store); err != nil && !errors.Is(err, fs.ErrNotExist) { // empty
		return fmt.Errorf("put the store into its place: %w", err)
	}
	if err := os.Rename(coming, store); err != nil {
		return fmt.Errorf("put the store into its place: %w", err)
	}
	folder, err := os.Open(dataDir)
	if err != nil {
		return fmt.Errorf("sync the data directory: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close(), os.RemoveAll(going)); err != nil {
		return fmt.Errorf("put the store into its place: %w", err)
	}
	return nil
}
