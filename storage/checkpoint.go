package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// Checkpoint writes the store as it is after the last commit into dir, which must not exist and
// must lie on the store's own disk: tables, which never change once they are written, are
// linked and not copied, so that it takes no longer for a large store. What it holds is
// durable in the store too. look reads that very state; no commit begins meanwhile.
func (s *Store) Checkpoint(dir string, look func(Reader) error) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if err := s.Damage(); err != nil {
		return err
	}
	if err := s.Sync(); err != nil {
		return err
	}
	snapshot := s.Snapshot()
	err := look(snapshot)
	if closeErr := snapshot.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := s.db.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		if pebble.IsCorruptionError(err) {
			return s.failure("copy store", err)
		}
		return fmt.Errorf("copy store %s to %s: %w", s.dir, dir, err)
	}
	return nil
}

// CheckTables reads every block of a checkpoint's tables and compares it with its checksum. A store that
// is damaged where nobody has read would go into each of its backups, until no good one is left.
func (s *Store) CheckTables(ctx context.Context, dir string) error {
	names, err := s.fs.List(dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.checkTable(ctx, s.fs.PathJoin(dir, name)); err != nil {
			return s.failure("read the tables of", fmt.Errorf("table %s: %w", name, err))
		}
	}
	return nil
}

func (s *Store) checkTable(ctx context.Context, path string) error {
	file, err := s.fs.Open(path)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	table, err := sstable.NewReader(ctx, readable, s.tables.MakeReaderOptions())
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	return errors.Join(table.ValidateBlockChecksums(), table.Close())
}
