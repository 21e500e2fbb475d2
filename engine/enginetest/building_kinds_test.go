package enginetest

import (
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// buildingCase has views of all kinds over each other. Its rows are many enough
// that a build takes several steps.
const buildingCase = `
relation a.t1
  id integer not null
  i1 integer
  c2 numeric(8,2)
  key id
relation b.t2
  id integer not null
  i1 integer
  c2 numeric(8,2)
  key id
view
  version: 1
  view: view_1
  key: id
  conflict: first
  union:
    - from: a.t1
      where: i1 != 3
    - from: b.t2
view
  version: 1
  view: view_2
  from: a.t1
  where: '1 / (i1 - 2) <= 1'
  group_by:
    i1:
    d1: '10 / (id - 100)'
  measures:
    m1: {count: "*"}
    m2: {min: c2}
    m3: {sum: c2}
    m4: {count_distinct: c2}
    m5: {first: id, order_by: [c2 desc]}
    m6: {last: c2, order_by: [c2 nulls first, i1], where: id > 20}
    m7: {collect: c2, limit: 5}
  having: m1 != 2
view
  version: 1
  view: view_3
  from: view_1
  fields:
    id:
    i1:
    l1:
      many: view_2
      join: view_2.i1 == view_1.i1
      fields: [d1, m1]
    g1: {sum: l1.m1}
    g2: {first: l1.m5, order_by: [d1 desc]}
    g3: {collect: l1.m5}
  having: g1 > 3
view
  version: 1
  view: view_4
  from: view_3
  group_by:
    i1:
  measures:
    m1: {count: "*"}
    m2: {max: g1}
`

// TestChangesDuringBuildsOfEveryKind: changes before, at and after the place that a build
// has come to, keys that move across it among them.
func TestChangesDuringBuildsOfEveryKind(t *testing.T) {
	c, err := ParseCase(buildingCase)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := CheckViews(c.Schemas, c.Views)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 300
	database := NewDatabase(c.Schemas)
	for id := range rows {
		for _, s := range c.Schemas {
			if id%3 == 0 && s.Name == "b.t2" {
				continue
			}
			if err := database.Set(s.Name, buildingRow(id, id)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := &World{building: true, chunk: 1}
	if err := w.begin(c.Schemas, checked, database); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	during := 0
	for n := range 60 {
		if err := w.Commit(buildingChanges(n, rows)); err != nil {
			t.Fatal(err)
		}
		if !w.Engine.Status().Ready {
			during++
		}
		if n == 6 || n == 20 {
			if err := w.Restart(); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d of 60 commits came during the builds", during)
	if during == 0 {
		t.Error("no commit came during the builds: the test shows nothing")
	}
	w.building = false
	if err := w.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
}

func buildingRow(id, seed int) []relation.Value {
	row := []relation.Value{int4(id), int4(seed % 7), relation.OfDecimal(int64(seed%5)*125, 2)}
	if seed%11 == 0 {
		row[1] = relation.OfNull()
	}
	return row
}

// buildingChanges updates, moves, deletes and inserts rows all over the relations.
func buildingChanges(n, rows int) []Transaction {
	at := func(k int) int { return (n*137 + k*211) % rows }
	var step []Transaction
	for _, source := range []string{"a", "b"} {
		name := map[string]string{"a": "a.t1", "b": "b.t2"}[source]
		key := func(k int) []relation.Value { return []relation.Value{int4(at(k))} }
		step = append(step, Transaction{Source: source, Changes: []Change{
			{Operation: engine.Update, Relation: name, Key: key(1), Set: []Cell{{1, int4(n % 7)}, {2, relation.OfDecimal(int64(n)*50, 2)}}},
			{Operation: engine.Update, Relation: name, Key: key(2), Set: []Cell{{0, int4(rows + n)}}},
			{Operation: engine.Update, Relation: name, Key: []relation.Value{int4(rows + n - 5)}, Set: []Cell{{0, int4(at(3))}}},
			{Operation: engine.Delete, Relation: name, Key: key(4)},
			{Operation: engine.Insert, Relation: name, Set: []Cell{{0, int4(at(2))}, {1, int4(n % 5)}}},
		}})
	}
	return step
}
