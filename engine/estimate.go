package engine

import (
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// estimate says about how many rows a build of a plan writes and how many bytes they
// may take: each node has the rows of its relation, as wide as these are stored. It
// may have fewer, by conditions, and more, where a row of it has several parents.
func (w *writer) estimate(plan *views.Plan) (rows, bytes int64, err error) {
	for _, node := range plan.View.Nodes {
		name := plan.View.Occurrences[node.Own].Schema.Name
		inputs := []string{name}
		if plan.View.Kind == views.UnionView {
			inputs = inputs[:0]
			for _, branch := range plan.View.Branches {
				inputs = append(inputs, plan.View.Occurrences[branch.Occurrence].Schema.Name)
			}
		}
		for _, input := range inputs {
			rows += w.rowsOf(input)
			size, err := w.sizeOf(input)
			if err != nil {
				return 0, 0, err
			}
			bytes += size
		}
	}
	return rows, bytes, nil
}

// sizeOf is about how many bytes the store uses for a relation's rows.
func (w *writer) sizeOf(name string) (int64, error) {
	r := w.catalog.stored.Relations[name]
	if v := w.engine.viewNamed(name); v != nil && isView(name) {
		if g := newest(v); g != nil {
			r = g.view.Relation(&relation.Schema{Name: name})
		}
	}
	if r == nil {
		return 0, nil
	}
	size, err := w.engine.store.DiskUsage(r.Prefix, storage.PrefixEnd(r.Prefix))
	if err != nil || size > 0 {
		return size, err
	}
	return w.sampledSize(r.Prefix, w.rowsOf(name))
}

// sampled is how many rows tell how wide those are that no file holds yet.
const sampled = 1000

// sampledSize is how many bytes so many rows take when all are as wide as the
// first: files say nothing of what lies in memory.
func (w *writer) sampledSize(prefix []byte, rows int64) (size int64, err error) {
	snapshot := w.engine.store.Snapshot()
	defer func() { err = firstOf(err, snapshot.Close()) }()
	cursor := snapshot.Scan(prefix, storage.PrefixEnd(prefix))
	defer func() { err = firstOf(err, cursor.Close()) }()
	var bytes, seen int64
	for seen < sampled && cursor.Next() {
		bytes += int64(len(cursor.Key()) + len(cursor.Value()))
		seen++
	}
	return bytes * rows / max(seen, 1), nil
}
