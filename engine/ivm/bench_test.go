package ivm_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"odsd/engine/ivm"
	"odsd/storage/relation"
)

// benchSchemas are parents with lists of children, each child with a dimension.
func benchSchemas() []*relation.Schema {
	column := func(name string, k relation.Kind) relation.Column {
		return relation.Column{Name: name, Type: relation.TypeOf(k)}
	}
	child := func(name string) *relation.Schema {
		return &relation.Schema{Name: name, Key: []int{0}, Columns: []relation.Column{
			column("id", relation.Int4), column("parent", relation.Int4), column("dim", relation.Int4),
			column("amount", relation.Decimal), column("at", relation.Timestamp),
		}}
	}
	return []*relation.Schema{
		{Name: "s.parents", Key: []int{0}, Columns: []relation.Column{column("id", relation.Int4), column("name", relation.Text)}},
		child("s.children"), child("s.others"),
		{Name: "s.dims", Key: []int{0}, Columns: []relation.Column{column("id", relation.Int4), column("name", relation.Text)}},
	}
}

// The sizes: parents, each with as many children, each with a dimension of its own.
const (
	benchParents  = 20
	benchChildren = 500
)

func number(n int) relation.Value { return relation.OfInt(relation.Int4, int64(n)) }

// childRow is child id as it is at first, with another amount and parent at each turn.
func childRow(id, parent, amount int) []relation.Value {
	return []relation.Value{
		number(id), number(parent), number(id), relation.OfDecimal(int64(1000+amount), 2),
		relation.OfTimestamp(1_700_000_000_000_000 + int64(id)*60_000_000),
	}
}

func fillBench(r *rig) {
	for p := range benchParents {
		r.put("s.parents", number(p), relation.OfText("Parent"))
	}
	for id := range benchParents * benchChildren {
		r.put("s.children", childRow(id, id%benchParents, id%7)...)
		r.put("s.others", childRow(2*id, id%benchParents, id%7)...)
		r.put("s.dims", number(id), relation.OfText("Dimension"))
	}
}

// The documents that `having` hides and shows.
const (
	firstFlipped = 1_000
	flipped      = 500
)

func fillFlipped(r *rig) {
	for p := range flipped {
		r.put("s.parents", number(firstFlipped+p), relation.OfText("Hidden"))
		for child := range 10 {
			id := 1_000_000 + 10*p + child
			r.put("s.children", childRow(id, firstFlipped+p, 1)...)
		}
	}
}

// benchNested is a document with a list; more is added to its fields.
func benchNested(fields ...string) string {
	return "version: 1\nview: nested\nfrom: s.parents\nfields:\n  id:\n  name:\n  list:\n    many: s.children\n" +
		"    join: children.parent == parents.id\n    order_by: [at]\n    fields:\n      id:\n      amount:\n      dim:\n" +
		strings.Join(fields, "")
}

const benchOne = "      one:\n        one: s.dims\n        join: dims.id == children.dim\n        fields: [name]\n"

func benchGroup(dimension string, measures ...string) string {
	return "version: 1\nview: grouped\nfrom: s.children\ngroup_by:\n  " + dimension + "\nmeasures:\n  " + strings.Join(measures, "\n  ") + "\n"
}

// The changes that are timed: i counts the commits.
var benchChanges = map[string]func(r *rig, i int) ivm.Change{
	"update": func(r *rig, i int) ivm.Change {
		id := i % (benchParents * benchChildren)
		return r.change("s.children", int64(id), childRow(id, id%benchParents, 10+i%97))
	},
	"move": func(r *rig, i int) ivm.Change {
		id := i % (benchParents * benchChildren)
		return r.change("s.children", int64(id), childRow(id, (id+1+i)%benchParents, id%7))
	},
	"insert": func(r *rig, i int) ivm.Change {
		id := benchParents*benchChildren + i
		return r.change("s.children", int64(id), childRow(id, i%benchParents, 3))
	},
	"insert and delete": func(r *rig, i int) ivm.Change {
		id := benchParents*benchChildren + i/2
		if i%2 == 1 {
			return r.change("s.children", int64(id), nil)
		}
		return r.change("s.children", int64(id), childRow(id, i%benchParents, 3))
	},
	"dimension": func(r *rig, i int) ivm.Change {
		id := i % (benchParents * benchChildren)
		return r.change("s.dims", int64(id), []relation.Value{number(id), relation.OfText(fmt.Sprint("Name ", i))})
	},
	// A document of ten children comes into sight or goes. There are many of them: a
	// scan of keys that were overwritten often since the last flush has to pass
	// every version.
	"flip": func(r *rig, i int) ivm.Change {
		id := firstFlipped + i%flipped
		return r.change("s.parents", int64(id), []relation.Value{number(id), relation.OfText([]string{"Shown", "Hidden"}[i/flipped%2])})
	},
}

var benchCases = []struct {
	name   string
	change string
	views  []string
}{
	{"to-one/dimension", "dimension", []string{benchNested(benchOne)}},
	{"to-many/insert", "insert", []string{benchNested()}},
	{"to-many/update", "update", []string{benchNested()}},
	{"to-many/move", "move", []string{benchNested()}},
	{"to-many/insert and delete", "insert and delete", []string{benchNested()}},
	{"aggregate/count", "insert", []string{benchNested("  a: {count: list}\n")}},
	{"aggregate/sum", "update", []string{benchNested("  a: {sum: list.amount}\n")}},
	{"aggregate/avg", "update", []string{benchNested("  a: {avg: list.amount, round: 2}\n")}},
	{"aggregate/min", "update", []string{benchNested("  a: {min: list.amount}\n")}},
	{"aggregate/max", "update", []string{benchNested("  a: {max: list.amount}\n")}},
	{"aggregate/count_distinct", "update", []string{benchNested("  a: {count_distinct: list.amount}\n")}},
	{"group/insert", "insert", []string{benchGroup("parent:", `n: {count: "*"}`, "total: {sum: amount}")}},
	{"group/update", "update", []string{benchGroup("parent:", `n: {count: "*"}`, "total: {sum: amount}")}},
	{"group/move", "move", []string{benchGroup("parent:", `n: {count: "*"}`, "total: {sum: amount}")}},
	{"group/min and max", "update", []string{benchGroup("parent:", "low: {min: amount}", "high: {max: amount}")}},
	{"group/bucket", "update", []string{benchGroup("day: {bucket: at, every: 1d, timezone: Europe/Berlin}", "total: {sum: amount}")}},
	{"union/first wins", "update", []string{"version: 1\nview: both\nkey: id\nconflict: first\nunion:\n  - from: s.children\n  - from: s.others\n"}},
	{"view on view", "update", []string{
		benchNested("  a: {sum: list.amount}\n"),
		"version: 1\nview: above\nfrom: nested\nwhere: a > 10\nfields: [id, a]\n",
	}},
	{"having/flip", "flip", []string{benchNested("  a: {count: list}\n", "having: name != \"Hidden\"\n")}},
}

// BenchmarkApply times one commit of one change, by kind of operator.
func BenchmarkApply(b *testing.B) {
	for _, c := range benchCases {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b, benchSchemas(), c.views, func(r *rig) {
				fillBench(r)
				if c.change == "flip" {
					fillFlipped(r)
				}
			})
			change := benchChanges[c.change]
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.apply(change(r, i))
			}
		})
	}
}

// TestBenchmarksDoWhatTheySay: each kind of change leaves its view changed.
func TestBenchmarksDoWhatTheySay(t *testing.T) {
	for _, c := range benchCases {
		r := newRig(t, benchSchemas(), c.views, func(r *rig) {
			for p := range benchParents {
				r.put("s.parents", number(p), relation.OfText("Parent"))
			}
			fillFlipped(r)
			for id := range 3 * benchParents {
				r.put("s.children", childRow(id, id%benchParents, id%7)...)
				r.put("s.dims", number(id), relation.OfText("Dimension"))
			}
		})
		for i := range 3 {
			commit := r.store.Begin()
			changes := []ivm.Change{benchChanges[c.change](r, i)}
			ivm.WriteBase(commit, &r.catalog, changes)
			reads := ivm.NewReads(commit, &r.catalog, changes)
			result, err := r.views[0].Apply(commit, reads, ivm.Input{Changes: changes}, nil, ivm.Bounds{})
			if err == nil {
				err = commit.Apply()
			}
			err = errors.Join(err, reads.Close())
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if result.Written == 0 {
				t.Errorf("%s: change %d writes nothing", c.name, i)
			}
		}
	}
}
