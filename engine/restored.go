package engine

import (
	"fmt"
	"sort"

	"odsd/storage"
)

// Restored says that the store came out of a backup, and that nothing of the source was
// applied since. Its stream may have gone on meanwhile: a place in it that is lost has the
// source copied anew without being asked for.
type Restored struct {
	// Held names what keeps the source's place in the stream for the backup's sake; "" for
	// nothing.
	Held string `json:"held,omitempty"`
}

// StoredSource is what a store holds of a source.
type StoredSource struct {
	Name     string
	Frontier storage.Frontier
	// Resumes says whether the stream can be taken up at the frontier: a copy of the source was
	// finished, and none anew is under way.
	Resumes bool
}

// StoredSources lists what a store holds of sources, by name.
func StoredSources(r storage.Reader) ([]StoredSource, error) {
	c, err := loadCatalog(r)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	var all []StoredSource
	for name, record := range c.sources {
		all = append(all, StoredSource{Name: name, Frontier: c.frontierOf(name), Resumes: record.resumes()})
	}
	sort.Slice(all, func(a, b int) bool { return all[a].Name < all[b].Name })
	return all, nil
}

// resumes says whether the source's stream is to be taken up where the frontier is.
func (r *sourceRecord) resumes() bool { return r != nil && r.Live && !r.Anew }

// MarkRestored notes in a store that it came out of a backup, and by source what was
// held for it. The marks go with the first commit that moves a source's frontier.
func MarkRestored(s *storage.Store, held map[string]string) error {
	c := s.Begin()
	defer c.Abandon()
	records := map[string]*sourceRecord{}
	err := scanRecords(c, sourcePrefix, func(name string) any { records[name] = &sourceRecord{}; return records[name] })
	if err != nil {
		return fmt.Errorf("read the catalog: %w", err)
	}
	for name, record := range records {
		record.Restored = &Restored{Held: held[name]}
		record.Begun = nil // a copy that the backup caught unfinished has no log kept for it: it begins again
		if err := storage.SetMeta(c, sourcePrefix+name, record); err != nil {
			return err
		}
	}
	if err := c.Apply(); err != nil {
		return err
	}
	return s.Sync()
}

// settleRestored takes the marks from the sources whose frontiers a commit moves: they
// have found their place in the stream.
func (w *writer) settleRestored(c *storage.Commit, b *batch) error {
	for s := range b.frontiers {
		name := s.source.Name()
		if record := w.catalog.sources[name]; record != nil && record.Restored != nil {
			found := *record
			found.Restored = nil
			if err := storage.SetMeta(c, sourcePrefix+name, &found); err != nil {
				return err
			}
		}
	}
	return nil
}
