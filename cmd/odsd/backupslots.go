package main

import (
	"context"
	"fmt"

	"odsd/engine"
	"odsd/engine/postgres"
	"odsd/storage/backup"
)

// shownHeld is a held slot as `odsd backup --held` lists it.
type shownHeld struct {
	Source   string        `json:"source"`
	Slot     string        `json:"slot"`
	LSN      string        `json:"lsn"`
	WALBytes int64         `json:"walBytes"`
	Lost     bool          `json:"lost"`
	Error    *engine.Fault `json:"error"`
}

// listHeld lists what backups hold in the databases, also those whose folders are gone.
// Several sources may have one server's slots between them: each tells of those of its database.
func (c *cli) listHeld(ctx context.Context) error {
	if _, err := c.dataDir(); err != nil {
		return err
	}
	all := []shownHeld{}
	t := &table{head: []string{"SOURCE", "SLOT", "LSN", "LOG KEPT"}, right: []int{3}}
	for _, s := range c.projectSources() {
		source, ok := s.(*postgres.Source)
		if !ok {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, askSlots)
		held, err := source.HeldSlots(asking)
		cancel()
		if err != nil {
			all = append(all, shownHeld{Source: s.Name(), WALBytes: -1, Error: shownFault(err)})
			t.add(s.Name(), "not known: "+err.Error(), "-", "-")
		}
		for _, h := range held {
			all = append(all, shownHeld{Source: s.Name(), Slot: h.Name, LSN: h.Position.String(), WALBytes: h.Retained, Lost: h.Lost})
			kept := bytesText(h.Retained)
			if h.Lost {
				kept = "lost"
			}
			t.add(s.Name(), h.Name, h.Position.String(), kept)
		}
	}
	if c.json {
		return c.printJSON(all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(c.stdout, "no slots are held")
		return err
	}
	t.print(c.stdout)
	_, err := fmt.Fprint(c.stdout, "\nodsd backup --release DIR drops those of a backup; one whose folder is gone by\n  select pg_drop_replication_slot('SLOT');\n")
	return err
}

// released is what `odsd backup --release --json` prints.
type released struct {
	Released []string `json:"released"`
	Missing  []string `json:"missing"` // dropped by somebody else before, or of another database than the source has now
}

// releaseHeld drops the slots of a backup, and says in its manifest that they are gone: it can
// be restored still, and the sources are copied anew then. A slot that is not there stays in the manifest: the project
// may be another one, whose source has the same name, and the slot go on keeping log where nobody would look.
func (c *cli) releaseHeld(ctx context.Context, dir string) error {
	m, err := backup.Read(dir)
	if err != nil {
		return err
	}
	sources := c.projectSources()
	result := released{Released: []string{}, Missing: []string{}}
	var failed error
	for i := range m.Sources {
		kept := &m.Sources[i]
		if kept.Held == "" {
			continue
		}
		dropped, err := release(ctx, sources, kept)
		switch {
		case err != nil:
			failed = fmt.Errorf("slot %s of source %s is not released: %w", kept.Held, kept.Name, err)
			continue
		case dropped:
			result.Released = append(result.Released, kept.Held)
			kept.Held = ""
		default:
			result.Missing = append(result.Missing, kept.Held)
		}
	}
	if err := backup.Amend(dir, m); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if c.json {
		return c.printJSON(result)
	}
	for _, slot := range result.Released {
		fmt.Fprintf(c.stdout, "released %s\n", slot)
	}
	for _, slot := range result.Missing {
		fmt.Fprintf(c.stdout, "gone before, or of another database than the project has: %s\n", slot)
	}
	if len(result.Released)+len(result.Missing) == 0 {
		fmt.Fprintln(c.stdout, "the backup holds no slots")
	}
	return nil
}

func release(ctx context.Context, sources []engine.Source, kept *backup.Source) (bool, error) {
	source := postgresSource(sources, kept.Name)
	if source == nil {
		return false, hintf("in its database: select pg_drop_replication_slot('%s');", kept.Held).errorf("the project has no such source, or its file has errors")
	}
	ctx, cancel := context.WithTimeout(ctx, askSlots)
	defer cancel()
	return source.ReleaseSlot(ctx, kept.Held)
}
