package engine

import (
	"fmt"
	"maps"
	"slices"

	"odsd/engine/ivm"
	"odsd/internal/failpoint"
	"odsd/storage"
	"odsd/storage/relation"
)

// A load is the rows of one relation on their way from a copy into the store. Nobody reads them before
// all are there, so they need not be commits: they are sorted outside the store with their index
// entries, and become tables of it once the last has come:
//
//	CopiedRows … ─▶ gathered, spilled ─▶ TableRead, TableCopied, CopyFinished ─▶ ingested, step by step ─▶ what was to follow
//
// What is to follow says that the rows are there: that a relation was read whole, that the
// source is live, that a stage may be replayed. It is a commit of its own, made after the rows are
// durable. A crash before it leaves rows, at most, of a relation that is removed or copied anew.
// What fits into little memory is one ordinary commit.
type load struct {
	source *sourceState
	bulk   *storage.Bulk // takes the rows that come; nil once the last has come
	full   []*storage.Bulk
}

const (
	// loadBytes is how much all loads together hold in memory before some of it is spilled.
	loadBytes = 64 << 20
	// A load of less than a smallLoad-th part of that is a commit.
	smallLoad = 8
	// loadRuns is how many runs are merged at a time: each takes some memory then. A load of
	// more, beyond 30 GiB, becomes several layers of tables, and compactions do the rest.
	loadRuns = 512
	// A loadSteps-th part of it is how much of a load is ingested between two commits: some
	// hundredths of a second.
	loadSteps = 16
)

// gatherRows takes copied rows of a relation.
func (w *writer) gatherRows(s *sourceState, r *ivm.Relation, rows [][]relation.Value) error {
	name := r.Schema.Name
	l := w.loads[name]
	if l == nil {
		l = &load{source: s, bulk: w.engine.store.NewBulk()}
		w.loads[name] = l
	}
	if l.bulk == nil {
		return fmt.Errorf("source %s copies rows of %s after the last", s.source.Name(), name)
	}
	if slices.ContainsFunc(rows, r.Quarantined) {
		if err := w.quarantine(r, rows); err != nil {
			return err
		}
		w.tellQuarantined(r, rows)
	}
	ivm.WriteRows(l.bulk, r, rows)
	if err := w.spillLoads(); err != nil {
		return fmt.Errorf("store copied rows of %s: %w", name, err)
	}
	failpoint.At(failpoint.Copied)
	return nil
}

// quarantine notes which of the rows are in quarantine. It may come before the rows: the
// notes go with the relation as they do.
func (w *writer) quarantine(r *ivm.Relation, rows [][]relation.Value) error {
	c := w.engine.store.Begin()
	defer c.Abandon()
	if err := ivm.WriteQuarantine(c, r, rows); err != nil {
		return err
	}
	if err := c.Apply(); err != nil {
		return fmt.Errorf("note the rows of %s in quarantine: %w", r.Schema.Name, err)
	}
	return nil
}

// spillLoads keeps what all loads hold in memory within bounds.
func (w *writer) spillLoads() error {
	var largest *load
	sum := 0
	for _, l := range w.loads {
		if l.bulk == nil {
			continue
		}
		sum += l.bulk.Bytes()
		if largest == nil || l.bulk.Bytes() > largest.bulk.Bytes() {
			largest = l
		}
	}
	if sum <= w.engine.loadBytes {
		return nil
	}
	if err := largest.bulk.Spill(); err != nil {
		return err
	}
	failpoint.At(failpoint.Spilled)
	if largest.bulk.Runs() >= w.engine.loadRuns {
		largest.full = append(largest.full, largest.bulk)
		largest.bulk = w.engine.store.NewBulk()
	}
	return nil
}

// endLoad says that the last row of a relation has come.
func (w *writer) endLoad(name string) {
	if l := w.loads[name]; l != nil && l.bulk != nil {
		l.full, l.bulk = append(l.full, l.bulk), nil
	}
}

// afterLoads ends the loads of some relations of a source, and has what follows done once they are
// in the store. Nothing more of the source is taken before.
func (w *writer) afterLoads(s *sourceState, ended func(relation string) bool, then func() error) error {
	for name, l := range w.loads {
		if l.source == s && ended(name) {
			w.endLoad(name)
		}
	}
	s.then = then
	return w.goOn(s)
}

// goOn does what waited for loads of a source, where none is under way any more.
func (w *writer) goOn(s *sourceState) error {
	for _, l := range w.loads {
		if l.source == s && len(l.full) > 0 {
			return nil
		}
	}
	then := s.then
	s.then = nil
	if then == nil {
		return nil
	}
	return then()
}

// goOnAll does what waited for loads that were dropped.
func (w *writer) goOnAll() error {
	for _, s := range w.engine.sources {
		if s.then == nil {
			continue
		}
		if err := w.goOn(s); err != nil {
			return err
		}
	}
	return nil
}

// loading names a relation whose load goes on by itself; "" where there is none.
func (w *writer) loading() string {
	for _, name := range slices.Sorted(maps.Keys(w.loads)) {
		if len(w.loads[name].full) > 0 {
			return name
		}
	}
	return ""
}

// loadSome brings a load nearer to its end.
func (w *writer) loadSome() error {
	name := w.loading()
	if name == "" {
		return w.goOnAll()
	}
	l := w.loads[name]
	bulk := l.full[0]
	done, err := w.ingest(bulk)
	if err != nil {
		return fmt.Errorf("store copied rows of %s: %w", name, err)
	}
	if !done {
		failpoint.At(failpoint.Sorted)
		return nil
	}
	failpoint.At(failpoint.Loaded)
	w.closeBulk(bulk)
	if l.full = l.full[1:]; len(l.full) > 0 {
		return nil
	}
	if l.bulk == nil {
		delete(w.loads, name)
	}
	return w.goOn(l.source)
}

func (w *writer) ingest(bulk *storage.Bulk) (done bool, err error) {
	if bulk.Runs() > 0 || bulk.Bytes() > w.engine.loadBytes/smallLoad {
		return bulk.Ingest(max(w.engine.loadBytes/loadSteps, 1))
	}
	c := w.engine.store.Begin()
	defer c.Abandon()
	if err := bulk.Write(c); err != nil {
		return false, err
	}
	return true, c.Apply()
}

// dropLoad forgets the rows of a relation that are not in the store.
func (w *writer) dropLoad(name string) {
	l := w.loads[name]
	if l == nil {
		return
	}
	delete(w.loads, name)
	for _, bulk := range l.full {
		w.closeBulk(bulk)
	}
	if l.bulk != nil {
		w.closeBulk(l.bulk)
	}
}

// dropLoads forgets the loads of a source, and what was to follow; of every source for nil.
func (w *writer) dropLoads(s *sourceState) {
	for name, l := range w.loads {
		if s == nil || l.source == s {
			w.dropLoad(name)
		}
	}
	if s != nil {
		s.then = nil
	}
}

// closeBulk may fail to remove files, which is done at the next start then.
func (w *writer) closeBulk(bulk *storage.Bulk) {
	if err := bulk.Close(); err != nil {
		w.engine.log.Error("cannot remove what is left of copied rows", "error", err)
	}
}

// omitIndex leaves the entries of an index that is dropped out of the loads under way.
func (w *writer) omitIndex(prefix []byte) {
	for _, l := range w.loads {
		for _, bulk := range l.full {
			bulk.Omit(prefix)
		}
		if l.bulk != nil {
			l.bulk.Omit(prefix)
		}
	}
}
