package storage

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
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
