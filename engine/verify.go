package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"odsd/engine/ivm"
	"odsd/engine/reference"
	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// VerifyOptions say what to verify; empty means everything.
type VerifyOptions struct {
	Sources []string `json:"sources,omitempty"`
	Views   []string `json:"views,omitempty"`
	// Values puts stored and expected values into the differences.
	Values bool `json:"values,omitempty"`
}

// VerifyReport is what `odsd verify --json` prints.
type VerifyReport struct {
	OK          bool               `json:"ok"`
	Sources     []VerifiedSource   `json:"sources"`
	Views       []VerifiedView     `json:"views"`
	Differences []VerifyDifference `json:"differences"`
}

// VerifiedSource tells how a source compared at one LSN.
type VerifiedSource struct {
	Name        string `json:"name"`
	LSN         string `json:"lsn"`
	Rows        int64  `json:"rows"`
	Differences int64  `json:"differences"`
	Error       string `json:"error,omitempty"`
}

// VerifiedView tells how a view compared with its recomputation.
type VerifiedView struct {
	Name        string `json:"name"`
	Documents   int64  `json:"documents"`
	Differences int64  `json:"differences"`
	Error       string `json:"error,omitempty"`
}

// VerifyDifference is one row or field that is not as it should be.
type VerifyDifference struct {
	Kind     string `json:"kind"` // missing, extra, different
	Relation string `json:"relation"`
	Key      string `json:"key"`
	Field    string `json:"field"`
	Stored   string `json:"stored,omitempty"`
	Expected string `json:"expected,omitempty"`
}

// maxDifferences is how many differences a report lists; all are counted.
const maxDifferences = 1000

// fenceTimeout is how long the stream may take to reach a fence.
const fenceTimeout = time.Minute

// Verify proves the store right: every base row against its source at one LSN
// each, and every document against its recomputation by engine/reference from
// the base rows of one snapshot. A source that cannot be reached is an error of
// that source and does not stop the others.
func (e *Engine) Verify(ctx context.Context, o VerifyOptions) (*VerifyReport, error) {
	v := &verification{engine: e, options: o, report: &VerifyReport{
		OK: true, Sources: []VerifiedSource{}, Views: []VerifiedView{}, Differences: []VerifyDifference{},
	}}
	if err := v.known(); err != nil {
		return nil, err
	}
	select { // fences of two verifications would cut each other's streams
	case e.verifying <- struct{}{}:
		defer func() { <-e.verifying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for _, s := range e.sources {
		if len(o.Views) > 0 && len(o.Sources) == 0 || !wanted(o.Sources, s.source.Name()) {
			continue
		}
		if err := v.source(ctx, s); err != nil {
			return nil, err
		}
	}
	for _, view := range e.viewNames() {
		if len(o.Sources) > 0 && len(o.Views) == 0 || !wanted(o.Views, view) {
			continue
		}
		if err := v.view(ctx, view); err != nil {
			return nil, err
		}
	}
	return v.report, nil
}

func wanted(names []string, name string) bool {
	if len(names) == 0 {
		return true
	}
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

type verification struct {
	engine  *Engine
	options VerifyOptions
	report  *VerifyReport
}

func (v *verification) known() error {
	for _, name := range v.options.Sources {
		if v.engine.byName[name] == nil {
			return fmt.Errorf("%w: %q", ErrUnknownSource, name)
		}
	}
	known := v.engine.viewNames()
	for _, name := range v.options.Views {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%w: %q", ErrUnknownView, name)
		}
	}
	return nil
}

// ErrUnknownView is returned for a view that the project does not have.
var ErrUnknownView = errors.New("no such view")

func (e *Engine) viewNames() []string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var names []string
	for _, v := range e.views {
		names = append(names, v.name)
	}
	return names
}

func (v *verification) differ(d VerifyDifference) {
	v.report.OK = false
	if !v.options.Values {
		d.Stored, d.Expected = "", ""
	}
	if len(v.report.Differences) < maxDifferences {
		v.report.Differences = append(v.report.Differences, d)
	}
}

// source compares the rows of one source.
func (v *verification) source(ctx context.Context, s *sourceState) error {
	verified := VerifiedSource{Name: s.source.Name()}
	err := v.engine.fenced(ctx, s, func(fence Fence, snapshot *storage.Snapshot) error {
		verified.LSN = fence.Position().String()
		c, err := loadCatalog(snapshot)
		if err != nil {
			return err
		}
		for name, r := range c.stored.Relations {
			if c.relations[name].Source != s.source.Name() {
				continue
			}
			if halted := c.relations[name].Halted; halted != nil {
				v.report.OK = false
				verified.Error = "not compared, since it is halted: " + halted.Error()
				continue
			}
			if err := v.relation(ctx, &verified, fence, snapshot, r); err != nil {
				return err
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		v.report.OK = false
		verified.Error = err.Error()
	}
	v.report.Sources = append(v.report.Sources, verified)
	return nil
}

// fenced calls compare with a fence of a source and a snapshot of the store at
// that fence: all transactions that end at or below it and none after.
func (e *Engine) fenced(ctx context.Context, s *sourceState, compare func(Fence, *storage.Snapshot) error) error {
	fencer, ok := s.source.(Fencer)
	if !ok {
		return errors.New("this kind of source cannot be compared")
	}
	e.mu.RLock()
	live, condition := s.live, s.condition
	e.mu.RUnlock()
	switch {
	case !live:
		return errors.New("it is not copied yet")
	case condition.State == Halted && condition.Fault != nil: // its stream will come to no fence
		return fmt.Errorf("it is halted: %w", condition.Fault)
	}
	// Nothing is applied while the fence is made, so that it lies ahead of the store.
	if err := e.do(ctx, func(*writer) { s.paused = true }); err != nil {
		return err
	}
	release := func() {
		_ = e.do(context.WithoutCancel(ctx), func(*writer) { s.paused, s.cut = false, 0 })
	}
	defer release()
	making, cancelMaking := context.WithTimeout(ctx, fenceTimeout)
	defer cancelMaking()
	fence, err := fencer.Fence(making)
	if err != nil {
		return fmt.Errorf("make a fence: %w", err)
	}
	defer fence.Close()
	if err := e.do(ctx, func(*writer) { s.paused, s.cut = false, fence.Position() }); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, fenceTimeout)
	defer cancel()
	if err := e.WaitFor(waiting, s.source.Name(), fence.Position()); err != nil {
		return fmt.Errorf("the stream did not reach %s within %s: %w", fence.Position(), fenceTimeout, err)
	}
	var snapshot *storage.Snapshot
	if err := e.do(ctx, func(*writer) { snapshot = e.store.Snapshot() }); err != nil {
		return err
	}
	defer snapshot.Close()
	release()
	return compare(fence, snapshot)
}

// relation compares one relation's rows both ways.
func (v *verification) relation(ctx context.Context, verified *VerifiedSource, fence Fence, snapshot *storage.Snapshot, r *ivm.Relation) error {
	seen := map[string]struct{}{}
	err := fence.Rows(ctx, r.Schema, func(row []relation.Value) error {
		verified.Rows++
		key := r.RowKey(row)
		seen[string(key)] = struct{}{}
		raw, found, err := snapshot.Get(key)
		if err != nil {
			return err
		}
		if !found {
			verified.Differences++
			v.differ(VerifyDifference{Kind: "missing", Relation: r.Schema.Name, Key: keyText(r.Schema, row)})
			return nil
		}
		v.row(verified, r, r.Layout.Decode(nil, raw), row)
		return nil
	})
	if err != nil {
		return err
	}
	return r.Scan(snapshot, nil, nil, func(key []byte, row []relation.Value) (bool, error) {
		if _, ok := seen[string(key)]; !ok {
			verified.Differences++
			v.differ(VerifyDifference{Kind: "extra", Relation: r.Schema.Name, Key: keyText(r.Schema, row)})
		}
		return true, nil
	})
}

func (v *verification) row(verified *VerifiedSource, r *ivm.Relation, stored, expected []relation.Value) {
	for i, column := range r.Schema.Columns {
		if relation.Identical(stored[i], expected[i]) {
			continue
		}
		verified.Differences++
		v.differ(VerifyDifference{
			Kind: "different", Relation: r.Schema.Name, Key: keyText(r.Schema, expected), Field: column.Name,
			Stored: valueText(stored[i]), Expected: valueText(expected[i]),
		})
	}
}

func keyText(schema *relation.Schema, row []relation.Value) string {
	text := ""
	for i, column := range schema.Key {
		if i > 0 {
			text += ","
		}
		text += valueText(row[column])
	}
	return text
}

func valueText(v relation.Value) string {
	if v.IsNull() {
		return "null"
	}
	return string(relation.AppendText(nil, v))
}

// view compares the documents of one view with their recomputation.
func (v *verification) view(ctx context.Context, name string) error {
	verified := VerifiedView{Name: name}
	reading, err := v.engine.Read()
	if err != nil {
		return err
	}
	defer reading.Close()
	served, ok := reading.Views[name]
	if !ok {
		verified.Error = "not ready"
		v.report.OK = false
		v.report.Views = append(v.report.Views, verified)
		return nil
	}
	differences, documents, err := VerifyView(ctx, reading.Snapshot, reading.Views, served)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		verified.Error = err.Error()
		v.report.OK = false
	}
	verified.Documents = documents
	verified.Differences = int64(len(differences))
	for _, d := range differences {
		v.differ(d)
	}
	v.report.Views = append(v.report.Views, verified)
	return nil
}

// VerifyView recomputes every document of a view from the rows of a snapshot
// and compares it with what is stored. Views that it stands on, which are among
// all, are verified by themselves: their stored rows are taken as they are.
func VerifyView(ctx context.Context, snapshot storage.Reader, all map[string]Served, served Served) ([]VerifyDifference, int64, error) {
	c, err := loadCatalog(snapshot)
	if err != nil {
		return nil, 0, err
	}
	rows, err := loadRows(ctx, snapshot, c, all, served.Plan.View)
	if err != nil {
		return nil, 0, err
	}
	expected, err := reference.Evaluate(ctx, served.Plan.View, rows)
	if err != nil {
		return nil, 0, err
	}
	actual, err := Documents(ctx, snapshot, served)
	if err != nil {
		return nil, 0, err
	}
	var differences []VerifyDifference
	for _, d := range reference.CompareAll(actual, expected) {
		differences = append(differences, describe(served.Plan.View.Name, d))
	}
	ofChecks, err := VerifyChecks(snapshot, served, expected)
	return append(differences, ofChecks...), int64(len(expected)), err
}

func describe(view string, d reference.Difference) VerifyDifference {
	difference := VerifyDifference{Kind: "different", Relation: view, Field: d.Path, Stored: d.Actual, Expected: d.Expected}
	switch reference.Absent {
	case d.Actual:
		difference.Kind = "missing"
	case d.Expected:
		difference.Kind = "extra"
	}
	if len(d.Path) > 0 && d.Path[0] == '[' {
		for i := range d.Path {
			if d.Path[i] == ']' {
				difference.Key, difference.Field = d.Path[1:i], d.Path[i+1:]
				break
			}
		}
	}
	return difference
}

// loadRows copies the base rows that a view reads into the reference's own
// memory: it shall not lean on the indexes that the view was maintained by.
func loadRows(ctx context.Context, r storage.Reader, c *catalog, all map[string]Served, v *views.View) (*reference.Memory, error) {
	var schemas []*relation.Schema
	seen := map[string]bool{}
	for _, o := range v.Occurrences {
		if !seen[o.Schema.Name] {
			seen[o.Schema.Name] = true
			schemas = append(schemas, o.Schema)
		}
	}
	rows := reference.NewMemory(schemas...)
	for _, schema := range schemas {
		stored := c.stored.Relations[schema.Name]
		if below, ok := all[schema.Name]; ok && isView(schema.Name) {
			stored = ivm.NewReader(below.Plan, below.Generation).Relation(schema)
		}
		if stored == nil {
			return nil, fmt.Errorf("relation %s is not stored", schema.Name)
		}
		for lower := stored.Prefix; lower != nil; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			chunk, next, err := readRows(r, stored, lower, fillChunk)
			if err != nil {
				return nil, err
			}
			for _, row := range chunk {
				if stored.Quarantined(row) {
					continue
				}
				// A column that was added since is at the end; the view knows nothing of it.
				if err := rows.Set(schema.Name, row[:min(len(row), len(schema.Columns))]); err != nil {
					return nil, err
				}
			}
			lower = next
		}
	}
	return rows, nil
}
