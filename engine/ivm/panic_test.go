package ivm

import (
	"testing"

	"odsd/storage"
	"odsd/storage/relation"
	"odsd/views"
)

// A fault in a view that its caller recovers from leaves nothing open: a cursor
// would keep files of the store for ever, and the store says so when it is closed.
func TestPanicLeavesNoCursorOpen(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		breaks func(*View, views.Eval)
	}{
		"documents": {
			"version: 1\nview: v\nfrom: shop.customers\nfields:\n  id:\n  orders: {many: shop.orders, join: orders.customer == customers.id, fields: [id, n]}\n",
			func(v *View, fails views.Eval) { breakColumns(v.nodes[1], fails) },
		},
		"groups": {
			"version: 1\nview: v\nfrom: shop.orders\ngroup_by: {customer: }\nmeasures: {most: {max: n}, all: {expr: most + 1}}\n",
			func(v *View, fails views.Eval) { breakColumns(v.nodes[0], fails) },
		},
		"union": {
			"version: 1\nview: v\nkey: [n]\nunion: [{from: shop.orders}, {from: shop.returns}]\nconflict: first\n",
			func(v *View, fails views.Eval) { v.branches[0].where = fails },
		},
	} {
		t.Run(name, func(t *testing.T) {
			fs := storage.MemoryFS()
			schemas := panicSchemas()
			plan := compileOne(t, c.text, schemas)
			stored := storeRows(t, fs, plan, schemas)
			store, err := storage.Open("store", storage.Options{FS: fs}) // its rows lie in files by now
			if err != nil {
				t.Fatal(err)
			}
			v, err := NewView(plan, 99, stored)
			if err != nil {
				t.Fatal(err)
			}
			c.breaks(v, func(*views.Env) relation.Value { panic("a fault of the program") })
			if !buildPanics(v, store) {
				t.Error("the build met no fault: the test shows nothing")
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func breakColumns(n *node, fails views.Eval) {
	for i, eval := range n.columns {
		if eval != nil {
			n.columns[i] = fails
		}
	}
}

func buildPanics(v *View, store *storage.Store) (panics bool) {
	commit := store.Begin()
	defer commit.Abandon()
	defer func() { panics = recover() != nil }()
	_, _, _ = v.Build(commit, nil, 10, Bounds{})
	return false
}

func panicSchemas() map[string]*relation.Schema {
	schemas := map[string]*relation.Schema{}
	for name, columns := range map[string][]string{
		"shop.customers": {"id"}, "shop.orders": {"id", "customer", "n"}, "shop.returns": {"id", "customer", "n"},
	} {
		s := &relation.Schema{Name: name, Key: []int{0}, Unique: [][]int{}}
		for _, column := range columns {
			s.Columns = append(s.Columns, relation.Column{Name: column, Type: relation.TypeOf(relation.Int4), NotNull: true})
		}
		if len(columns) > 2 {
			s.Unique = [][]int{{2}}
		}
		schemas[name] = s
	}
	return schemas
}

func compileOne(t *testing.T, text string, schemas map[string]*relation.Schema) *views.Plan {
	t.Helper()
	definition, found := views.Parse("v.yaml", []byte(text))
	checked, more := views.CheckAll([]*views.Definition{definition}, schemas)
	if len(checked) != 1 {
		t.Fatal(found, more)
	}
	plan, err := views.Compile(checked[0])
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// storeRows stores one row of each relation, with the indexes that the plan wants.
func storeRows(t *testing.T, fs storage.FS, plan *views.Plan, schemas map[string]*relation.Schema) *Catalog {
	t.Helper()
	stored := &Catalog{Relations: map[string]*Relation{}}
	for i, name := range []string{"shop.customers", "shop.orders", "shop.returns"} {
		stored.Relations[name] = NewRelation(storage.RelationID(i+1), schemas[name])
	}
	for i, a := range plan.Arrangements {
		r := stored.Relations[a.Relation]
		r.Indexes = append(r.Indexes, NewIndex(storage.IndexID(i+10), a))
	}
	var changes []Change
	for name, r := range stored.Relations {
		row := make([]relation.Value, len(r.Schema.Columns))
		for i := range row {
			row[i] = relation.OfInt(relation.Int4, 1)
		}
		changes = append(changes, Change{Relation: name, New: row})
	}
	store, err := storage.Open("store", storage.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	commit := store.Begin()
	WriteBase(commit, stored, changes)
	if err := commit.Apply(); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return stored
}
