package query

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"odsd/storage"
	"odsd/storage/encoding"
	"odsd/storage/relation"
	"odsd/views"
)

// plain makes a column.
func plain(name string, t relation.Type) relation.Column { return relation.Column{Name: name, Type: t} }

func kind(k relation.Kind) relation.Type { return relation.TypeOf(k) }

func table(name string, columns ...relation.Column) *relation.Schema {
	columns[0].NotNull = true
	return &relation.Schema{Name: name, Columns: columns, Key: []int{0}}
}

// sketch makes checked views by hand.
type sketch struct{ *views.View }

func newView(name, typeName, field string, root *relation.Schema) *sketch {
	s := &sketch{&views.View{
		Name: name, Type: typeName, Field: field, Key: root.Key,
		Occurrences: []*views.Occurrence{{Kind: views.RootOccurrence, Schema: root, Parent: -1}},
		Nodes:       []*views.Node{{Parent: -1, Key: root.Key}},
	}}
	return s
}

// scalar adds a field that shows a column.
func (s *sketch) scalar(node, occurrence, column int, graphQL string) *views.Field {
	c := s.Occurrences[occurrence].Schema.Columns[column]
	f := &views.Field{
		Name: c.Name, GraphQL: graphQL, Kind: views.ScalarField, Type: c.Type, Nullable: !c.NotNull, Within: occurrence,
		Expr: &views.Expr{Op: views.OpColumn, Type: c.Type, Occurrence: occurrence, Column: column},
	}
	return s.add(node, occurrence, f)
}

func (s *sketch) add(node, occurrence int, f *views.Field) *views.Field {
	n := s.Nodes[node]
	if f.Kind == views.ScalarField || f.Kind == views.AggregateField {
		f.Ordinal = len(n.Scalars)
		n.Scalars = append(n.Scalars, f)
		n.EvalOrder = append(n.EvalOrder, f.Ordinal)
	}
	if n.Own == occurrence {
		n.Fields = append(n.Fields, f)
		return f
	}
	one := s.oneField(n.Fields, occurrence)
	one.Fields = append(one.Fields, f)
	return f
}

func (s *sketch) oneField(fields []*views.Field, occurrence int) *views.Field {
	for _, f := range fields {
		if f.Kind != views.OneField {
			continue
		}
		if f.Occurrence == occurrence {
			return f
		}
		if found := s.oneField(f.Fields, occurrence); found != nil {
			return found
		}
	}
	return nil
}

// one adds a to-one, joined on the outer column.
func (s *sketch) one(node, outer, outerColumn int, schema *relation.Schema, graphQL string, needed bool) int {
	id := len(s.Occurrences)
	s.Occurrences = append(s.Occurrences, &views.Occurrence{
		ID: id, Kind: views.OneOccurrence, Alias: graphQL, Schema: schema, Parent: outer, Node: node, Required: needed,
		Join: []views.Equality{{Column: 0, Outer: outer, OuterColumn: outerColumn}},
	})
	s.Occurrences[outer].Ones = append(s.Occurrences[outer].Ones, id)
	s.add(node, outer, &views.Field{Name: graphQL, GraphQL: graphQL, Kind: views.OneField, Occurrence: id, Nullable: !needed, Within: outer})
	return id
}

// many adds a list whose rows' column joins to the parent's key.
func (s *sketch) many(parent, within, column int, schema *relation.Schema, graphQL string) *views.Node {
	id, occurrence := len(s.Nodes), len(s.Occurrences)
	s.Occurrences = append(s.Occurrences, &views.Occurrence{
		ID: occurrence, Kind: views.ManyOccurrence, Alias: graphQL, Schema: schema, Parent: s.Nodes[parent].Own, Node: id,
		Join: []views.Equality{{Column: column, Outer: s.Nodes[parent].Own, OuterColumn: 0}},
	})
	s.Nodes = append(s.Nodes, &views.Node{ID: id, Name: graphQL, Parent: parent, Own: occurrence, Key: schema.Key})
	s.add(parent, within, &views.Field{Name: graphQL, GraphQL: graphQL, Kind: views.ManyField, Node: id, Within: within})
	return s.Nodes[id]
}

func (s *sketch) orderBy(n *views.Node, occurrence, column int, desc bool) {
	t := s.Occurrences[occurrence].Schema.Columns[column].Type
	n.Order = append(n.Order, views.OrderTerm{
		Expr: &views.Expr{Op: views.OpColumn, Type: t, Occurrence: occurrence, Column: column}, Desc: desc, NullsFirst: desc,
	})
}

func (s *sketch) compile(t testing.TB) *views.Plan {
	t.Helper()
	p, err := views.Compile(s.View)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// instance is one row of a view and what lies below it, as a test states it.
type instance struct {
	key, order []relation.Value
	values     []relation.Value // by ordinal of the node's scalars
	absent     []int            // occurrences of `one`s without a match
	lists      map[int][]*instance
}

// write stores an instance and all below it, as the engine lays it out.
func write(c *storage.Commit, g storage.GenerationID, p *views.Plan, node int, parent []byte, in *instance) {
	n := p.Nodes[node]
	path := append([]byte{}, parent...)
	inOrders := storage.AppendOrderPrefix(nil, g, byte(n.Node))
	if node > 0 {
		path = append(path, n.Slot)
	}
	inOrders = append(inOrders, path...)
	for i, v := range in.order {
		part := encoding.Part{Desc: n.Order[i].Desc, NullsFirst: n.Order[i].NullsFirst}
		inOrders = encoding.AppendPart(inOrders, part, v)
		if n.OrderInPath {
			path = encoding.AppendPart(path, part, v)
		}
	}
	for _, v := range in.key {
		path = encoding.AppendPart(path, encoding.Part{}, v)
		inOrders = encoding.AppendPart(inOrders, encoding.Part{}, v)
	}
	if len(n.Order) > 0 && !n.OrderInPath {
		c.Set(inOrders, nil)
	}
	row := make([]relation.Value, len(n.Columns))
	copy(row, in.values)
	for i, column := range n.Columns {
		if column.From == views.FromPresent {
			row[i] = relation.OfBool(true)
			for _, absent := range in.absent {
				if absent == column.Ordinal {
					row[i] = relation.OfBool(false)
				}
			}
		}
	}
	c.Set(append(storage.AppendNodePrefix(nil, g), path...), encoding.NewLayout(1, n.Types()).Append(nil, row))
	if node == 0 {
		for _, entry := range indexEntries(g, p, row, path) {
			c.Set(entry, nil)
		}
	}
	for child, list := range in.lists {
		for _, below := range list {
			write(c, g, p, child, path, below)
		}
	}
}

// indexEntries are a root row's entries in the declared indexes.
func indexEntries(g storage.GenerationID, p *views.Plan, row []relation.Value, path []byte) [][]byte {
	var entries [][]byte
	for i, index := range p.Indexes {
		entry := storage.AppendViewIndexPrefix(nil, g, byte(i))
		for k, column := range index.Columns {
			entry = encoding.AppendPart(entry, encoding.Part{Desc: index.Desc[k], NullsFirst: index.Desc[k]}, row[column])
		}
		entries = append(entries, append(entry, path...))
	}
	return entries
}

// memory is a Backend over a store in memory.
type memory struct {
	store     *storage.Store
	views     []*ServedView
	documents []int64 // of each view, -1 where it is to be counted
	freshness []Freshness
	schema    uint64
	waitFor   func(ctx context.Context, source string, p relation.Position) error
	open      atomic.Int64 // readings not closed
}

func newMemory(t testing.TB) *memory {
	t.Helper()
	store, err := storage.Open("store", storage.Options{FS: storage.MemoryFS()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &memory{store: store, schema: 1}
}

// serve stores documents of a view under a generation of its own.
func (m *memory) serve(t testing.TB, p *views.Plan, documents ...*instance) *ServedView {
	t.Helper()
	g := storage.GenerationID(len(m.views) + 7)
	c := m.store.Begin()
	for _, d := range documents {
		write(c, g, p, 0, nil, d)
	}
	if err := c.Apply(); err != nil {
		t.Fatal(err)
	}
	served := &ServedView{Plan: p, Generation: g, State: Ready}
	m.documents = append(m.documents, int64(len(documents)))
	m.views = append(m.views, served)
	return served
}

func (m *memory) Read(context.Context) (*Reading, error) {
	snapshot := m.store.Snapshot()
	m.open.Add(1)
	return &Reading{
		Snapshot: snapshot, SchemaGeneration: m.schema, Views: m.views, Freshness: m.freshness,
		Documents: func(view int) (int64, error) { return m.documents[view], nil },
		Close:     func() { m.open.Add(-1); _ = snapshot.Close() },
	}, nil
}

func (m *memory) WaitFor(ctx context.Context, source string, p relation.Position) error {
	if m.waitFor != nil {
		return m.waitFor(ctx, source, p)
	}
	return nil
}

func newService(m *memory) *Service {
	return New(Options{Backend: m, CursorKey: []byte("a key of the store"), Timeout: time.Minute})
}

// rootPath are the key parts of a root.
func rootPath(key []relation.Value) []byte {
	var b []byte
	for _, v := range key {
		b = encoding.AppendPart(b, encoding.Part{}, v)
	}
	return b
}
