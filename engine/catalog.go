package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"odsd/engine/ivm"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// The catalog says what the store holds. Its records are meta documents, written
// in the same commits as what they describe, and never renumbered.
const (
	idsRecord      = "ids"
	sourcePrefix   = "source/"
	relationPrefix = "relation/"
	indexPrefix    = "index/"
	viewPrefix     = "view/" // served generations
	nextPrefix     = "next/" // those that are built to replace them
)

// idRecord is the next free number, shared by relations, indexes and generations.
type idRecord struct {
	Next uint32 `json:"next"`
}

// sourceRecord exists from the start of a source's copy on.
type sourceRecord struct {
	// Live is set in the commit that ends the copy: only then are the rows a
	// state that the source was in.
	Live     bool   `json:"live"`
	Identity []byte `json:"identity,omitempty"`
	// Anew is set when a copy anew was asked for and is not finished. It is durable
	// before the source hears of it: the source gives up its place in the stream first,
	// and a daemon killed then must not look for it.
	Anew bool `json:"anew,omitempty"`
	// Restored is set by a restore, until the source has found its place in the stream.
	Restored *Restored `json:"restored,omitempty"`
	// Begun is where an initial copy stands that is not finished; nil where it cannot
	// be taken up again.
	Begun *begunCopy `json:"begun,omitempty"`
}

// begunCopy is what a source goes on from when its initial copy is interrupted.
type begunCopy struct {
	Position relation.Position `json:"position"`
	Identity []byte            `json:"identity"`
}

type relationRecord struct {
	ID     storage.RelationID `json:"id"`
	Source string             `json:"source"`
	Schema *relation.Schema   `json:"schema"`
	Rows   int64              `json:"rows"`
	// Identity of a table that was copied after the rest of its source.
	Identity []byte `json:"identity,omitempty"`
	// Whole says, while the initial copy lasts, that all rows have come.
	Whole bool `json:"whole,omitempty"`
	// Halted is why the rows are no longer kept up; nil where they are.
	Halted *Halt `json:"halted,omitempty"`
}

type indexRecord struct {
	ID          storage.IndexID   `json:"id"`
	Arrangement views.Arrangement `json:"arrangement"`
	// Generation is the one whose root rows are indexed; 0 where they are a table's.
	Generation storage.GenerationID `json:"generation,omitempty"`
	// Filled is false while entries of rows stored before are being added.
	Filled bool `json:"filled"`
	// next is where the filling goes on; nil at its start.
	next []byte
}

// viewRecord is one view's generation.
type viewRecord struct {
	Generation  storage.GenerationID `json:"generation"`
	Fingerprint string               `json:"fingerprint"`
	// Inputs are the generations of the views that it stands on.
	Inputs map[string]storage.GenerationID `json:"inputs,omitempty"`
	Ready  bool                            `json:"ready"`
	// Cursor is the last root identity built, while not ready.
	Cursor    []byte `json:"cursor,omitempty"`
	Documents int64  `json:"documents"`
	Errors    int64  `json:"errors"`
	// Checks count the documents that fail, by the plan's checks.
	Checks []int64 `json:"checks,omitempty"`
	// File and Definition are the text that it was built by: whatever the project says
	// later, it is kept up to date by this until another takes its place.
	File       string `json:"file,omitempty"`
	Definition string `json:"definition,omitempty"`
	// Anew is set when it was asked for though what is served had the same definition.
	Anew bool `json:"anew,omitempty"`
}

// add moves the counts by what a commit did to the view.
func (r *viewRecord) add(result ivm.Result) {
	r.Documents += result.Documents
	r.Errors += result.Errors
	if result.Checks == nil {
		return
	}
	checks := make([]int64, len(result.Checks)) // records are copied, and must not share it
	copy(checks, r.Checks)
	for i, n := range result.Checks {
		checks[i] += n
	}
	r.Checks = checks
}

// catalog is the records in memory. The writer owns it.
type catalog struct {
	ids       idRecord
	sources   map[string]*sourceRecord
	relations map[string]*relationRecord
	indexes   map[storage.IndexID]*indexRecord
	// views and nexts are the generations as they were found at the start.
	views, nexts map[string]*viewRecord
	frontiers    map[string]storage.Frontier
	stored       ivm.Catalog
	// stages are the copies under way, by relation; halted is why relations are
	// halted, those too of which nothing is stored.
	stages map[string]*stage
	halted map[string]*Halt
}

func loadCatalog(r storage.Reader) (*catalog, error) {
	c := &catalog{
		ids:       idRecord{Next: 1},
		sources:   map[string]*sourceRecord{},
		relations: map[string]*relationRecord{},
		indexes:   map[storage.IndexID]*indexRecord{},
		views:     map[string]*viewRecord{},
		nexts:     map[string]*viewRecord{},
		stored:    ivm.Catalog{Relations: map[string]*ivm.Relation{}},
		stages:    map[string]*stage{},
		halted:    map[string]*Halt{},
	}
	if _, err := storage.GetMeta(r, idsRecord, &c.ids); err != nil {
		return nil, err
	}
	if err := scanRecords(r, sourcePrefix, func(name string) any { c.sources[name] = &sourceRecord{}; return c.sources[name] }); err != nil {
		return nil, err
	}
	if err := scanRecords(r, relationPrefix, func(name string) any { c.relations[name] = &relationRecord{}; return c.relations[name] }); err != nil {
		return nil, err
	}
	if err := scanRecords(r, viewPrefix, func(name string) any { c.views[name] = &viewRecord{}; return c.views[name] }); err != nil {
		return nil, err
	}
	if err := scanRecords(r, nextPrefix, func(name string) any { c.nexts[name] = &viewRecord{}; return c.nexts[name] }); err != nil {
		return nil, err
	}
	var indexes []*indexRecord
	if err := scanRecords(r, indexPrefix, func(string) any { indexes = append(indexes, &indexRecord{}); return indexes[len(indexes)-1] }); err != nil {
		return nil, err
	}
	for name, record := range c.relations {
		c.stored.Relations[name] = ivm.NewRelation(record.ID, record.Schema)
		if record.Halted != nil {
			c.halted[name] = record.Halted
		}
	}
	for _, x := range indexes {
		c.indexes[x.ID] = x
	}
	for _, r := range c.stored.Relations {
		c.attachIndexes(r, 0)
	}
	var err error
	c.frontiers, err = storage.Frontiers(r)
	return c, err
}

// scanRecords decodes every record with a prefix into what record gives for
// its name.
func scanRecords(r storage.Reader, prefix string, record func(name string) any) error {
	return storage.ScanMeta(r, prefix, func(name string, raw []byte) error {
		return decodeRecord(name, raw, record(name[len(prefix):]))
	})
}

// attachIndexes gives a relation the indexes that the store has on it: on a table, or
// on the root rows of a generation.
func (c *catalog) attachIndexes(r *ivm.Relation, of storage.GenerationID) {
	for _, x := range c.indexes {
		if x.Arrangement.Relation == r.Schema.Name && x.Generation == of {
			r.Indexes = append(r.Indexes, ivm.NewIndex(x.ID, x.Arrangement))
		}
	}
}

// next hands out a number and writes down that it is taken.
func (c *catalog) next(commit *storage.Commit) (uint32, error) {
	id := c.ids.Next
	c.ids.Next++
	return id, storage.SetMeta(commit, idsRecord, c.ids)
}

// waitingSources names the sources of a plan that are not stored and complete,
// and its tables that are not kept up.
func (c *catalog) waitingSources(plan *views.Plan) []string {
	var waiting []string
	for _, o := range plan.View.Occurrences {
		source := sourceOf(o.Schema.Name)
		if isView(o.Schema.Name) || slices.Contains(waiting, source) {
			continue
		}
		if record := c.sources[source]; record == nil || !record.Live {
			waiting = append(waiting, source)
		} else if name := o.Schema.Name; c.awaited(name) && !slices.Contains(waiting, name) {
			waiting = append(waiting, name)
		}
	}
	sort.Strings(waiting)
	return waiting
}

// awaited says that a relation cannot be read before a copy of it is complete. One that
// is not stored is to be copied, now or once its source has begun its run: views are checked
// against what the project captures.
func (c *catalog) awaited(relation string) bool {
	record := c.relations[relation]
	return c.halted[relation] != nil || record == nil || record.Halted != nil
}

// schemas of the stored tables.
func (c *catalog) schemas() map[string]*relation.Schema {
	schemas := map[string]*relation.Schema{}
	for name, record := range c.relations {
		schemas[name] = record.Schema
	}
	return schemas
}

// isView says whether a relation's name is a view's: tables have their source's
// name before a dot.
func isView(relation string) bool { return !strings.Contains(relation, ".") }

// sourceOf is the source in a relation's name.
func sourceOf(relation string) string {
	for i := range relation {
		if relation[i] == '.' {
			return relation[:i]
		}
	}
	return relation
}

// checkSchemas compares what a view was checked against with what is stored. All columns count,
// those too that the view does not use: they decide where the others lie.
func (c *catalog) checkSchemas(plan *views.Plan) error {
	for _, o := range plan.View.Occurrences {
		if isView(o.Schema.Name) {
			continue // checked in the same breath, and stored by that plan
		}
		stored := c.relations[o.Schema.Name]
		if stored == nil {
			return fmt.Errorf("%s is not captured: add the table to the source's `tables`", o.Schema.Name)
		}
		if !hasColumns(stored.Schema, o.Schema) {
			return fmt.Errorf("%s is stored with other columns than the view was checked against: `odsd reload` checks it again", o.Schema.Name)
		}
	}
	return nil
}

// hasColumns says whether rows of a stored relation can be read by the columns
// that a view was checked against: columns may have been added behind them.
func hasColumns(stored, checked *relation.Schema) bool {
	if len(stored.Columns) < len(checked.Columns) {
		return false
	}
	first := *stored
	first.Columns = stored.Columns[:len(checked.Columns)]
	return sameColumns(&first, checked)
}

func sameColumns(a, b *relation.Schema) bool {
	if len(a.Columns) != len(b.Columns) || fmt.Sprint(a.Key) != fmt.Sprint(b.Key) {
		return false
	}
	for i := range a.Columns {
		x, y := a.Columns[i], b.Columns[i]
		if x.Name != y.Name || x.Type.Kind != y.Type.Kind || x.Type.Elem != y.Type.Elem {
			return false
		}
	}
	return true
}

// StoredSchemas reads the schemas of the relations of live sources from a
// store, by relation name.
func StoredSchemas(s *storage.Store) (map[string]*relation.Schema, error) {
	snapshot := s.Snapshot()
	defer snapshot.Close()
	c, err := loadCatalog(snapshot)
	if err != nil {
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	schemas := map[string]*relation.Schema{}
	for name, record := range c.relations {
		if source := c.sources[record.Source]; source != nil && source.Live {
			schemas[name] = record.Schema
		}
	}
	return schemas, nil
}

// frontierOf gives a source's frontier; zero before its copy is complete.
func (c *catalog) frontierOf(source string) storage.Frontier { return c.frontiers[source] }

func decodeRecord(name string, raw []byte, record any) error {
	if err := json.Unmarshal(raw, record); err != nil {
		return fmt.Errorf("catalog record %q: %w", name, err)
	}
	return nil
}
