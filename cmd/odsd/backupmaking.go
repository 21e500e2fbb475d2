package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"odsd/engine"
	"odsd/engine/postgres"
	"odsd/storage"
	"odsd/storage/backup"
	"odsd/storage/relation"
)

// askSlots is how long one database may take to be asked for its slots.
const askSlots = 15 * time.Second

// backups makes backups of an open store, one at a time.
type backups struct {
	store   *storage.Store
	sources []engine.Source
	scratch string // on the store's disk
	log     *slog.Logger
	busy    chan struct{}
}

func newBackups(store *storage.Store, sources []engine.Source, scratch string, log *slog.Logger) *backups {
	return &backups{store: store, sources: sources, scratch: scratch, log: log, busy: make(chan struct{}, 1)}
}

// backupRequest is the body of POST /backup.
type backupRequest struct {
	Dir       string `json:"dir"` // absolute
	HoldSlots bool   `json:"holdSlots"`
}

// backupReport is what `odsd backup --json` prints.
type backupReport struct {
	Dir     string       `json:"dir"`
	Bytes   int64        `json:"bytes"`
	Files   int          `json:"files"`
	Made    time.Time    `json:"made"`
	Odsd    string       `json:"odsd"`
	Sources []keptSource `json:"sources"`
}

// held says whether every source that can be gone on with has a slot held.
func (r *backupReport) held() bool {
	for _, s := range r.Sources {
		if s.Held == "" {
			return false
		}
	}
	return true
}

// make makes a backup. The slots are held before the store is copied: what they have been told of
// is durable, so that the copy has everything up to where they are. What was held is
// released when the backup fails.
func (b *backups) make(ctx context.Context, r backupRequest, show func(done, known int64)) (report *backupReport, err error) {
	select {
	case b.busy <- struct{}{}:
		defer func() { <-b.busy }()
	default:
		return nil, hintf("wait for it to end").errorf("another backup is being made")
	}
	if err := backup.Vacant(r.Dir); err != nil {
		return nil, err
	}
	if dataDir := filepath.Dir(b.scratch); backup.Within(r.Dir, dataDir) {
		return nil, hintf("name a folder elsewhere, on another disk if there is one").errorf(
			"%s lies in the data directory %s, where odsd removes what commands and daemons have left", r.Dir, dataDir)
	}
	m := &backup.Manifest{Odsd: buildVersion().Version, Made: time.Now().UTC().Truncate(time.Second)}
	holdings := map[string]*holding{}
	if r.HoldSlots {
		if holdings, err = b.hold(ctx, m.Made); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				b.release(ctx, holdings)
			}
		}()
	}
	if err := b.copy(ctx, r.Dir, m, holdings, show); err != nil {
		return nil, err
	}
	b.log.Info("backup made", "dir", r.Dir, "bytes", m.Bytes)
	return &backupReport{
		Dir: r.Dir, Bytes: m.Bytes, Files: len(m.Files), Made: m.Made, Odsd: m.Odsd,
		Sources: keptSources(ctx, m, b.sources, holdings),
	}, nil
}

// holding is a slot that is held for a backup, or why it is not.
type holding struct {
	source *postgres.Source
	slot   *postgres.HeldSlot
	err    error
}

// hold copies the slots of all sources that can be gone on with. One database that
// does not answer does not keep the others from being backed up.
func (b *backups) hold(ctx context.Context, at time.Time) (map[string]*holding, error) {
	snapshot := b.store.Snapshot()
	stored, err := engine.StoredSources(snapshot)
	if err = errors.Join(err, snapshot.Close()); err != nil {
		return nil, err
	}
	holdings := map[string]*holding{}
	for _, s := range stored {
		source := postgresSource(b.sources, s.Name)
		if source == nil || !s.Resumes {
			continue
		}
		h := &holding{source: source}
		asking, cancel := context.WithTimeout(ctx, askSlots)
		h.slot, h.err = source.HoldSlot(asking, at)
		cancel()
		if h.err != nil {
			b.log.Warn("replication slot is not held for the backup", "source", s.Name, "error", h.err)
		}
		holdings[s.Name] = h
	}
	return holdings, ctx.Err()
}

// release drops what is held for a backup that failed, even if because ctx ended.
func (b *backups) release(ctx context.Context, holdings map[string]*holding) {
	ctx = context.WithoutCancel(ctx)
	for name, h := range holdings {
		if h.slot == nil {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, askSlots)
		_, err := h.source.ReleaseSlot(asking, h.slot.Name)
		cancel()
		if err != nil {
			b.log.Error("a slot that was held for a failed backup cannot be dropped", "source", name, "slot", h.slot.Name, "error", err,
				"hint", fmt.Sprintf("select pg_drop_replication_slot('%s');", h.slot.Name))
		}
		h.slot = nil
	}
}

// copy writes the backup of a checkpoint, which is removed after: its links would keep
// tables on the disk that the store is done with.
func (b *backups) copy(ctx context.Context, dir string, m *backup.Manifest, holdings map[string]*holding, show func(done, known int64)) (err error) {
	if err := os.MkdirAll(b.scratch, 0o700); err != nil {
		return fmt.Errorf("make the folder of what is passing: %w", err)
	}
	checkpoint := filepath.Join(b.scratch, ".checkpoint") // sources have their own names there
	defer func() { err = errors.Join(err, os.RemoveAll(checkpoint)) }()
	var stored []engine.StoredSource
	err = b.store.Checkpoint(checkpoint, func(r storage.Reader) error {
		var err error
		stored, err = engine.StoredSources(r)
		return err
	})
	if err != nil {
		return err
	}
	if err := b.store.CheckTables(ctx, checkpoint); err != nil {
		return err
	}
	for _, s := range stored {
		kept := backup.Source{Name: s.Name, LSN: s.Frontier.Position.String(), Resumes: s.Resumes}
		if at := s.Frontier.CommittedAt; !at.IsZero() {
			kept.CommittedAt = &at
		}
		h := holdings[s.Name]
		if h != nil && h.slot != nil && !fits(h.slot.Position, s) {
			h.err = fmt.Errorf("the source was copied anew while the backup was made")
			b.release(ctx, map[string]*holding{s.Name: h})
		}
		if h != nil && h.slot != nil {
			kept.Held = h.slot.Name
		}
		m.Sources = append(m.Sources, kept)
	}
	return backup.Write(ctx, dir, checkpoint, m, show)
}

// fits says whether a slot at a position has all that follows what is stored.
func fits(held relation.Position, s engine.StoredSource) bool {
	return s.Resumes && held <= s.Frontier.Position
}

// postgresSource finds a source that has a database; nil for one whose file has errors.
func postgresSource(sources []engine.Source, name string) *postgres.Source {
	for _, s := range sources {
		if found, ok := s.(*postgres.Source); ok && found.Name() == name {
			return found
		}
	}
	return nil
}
