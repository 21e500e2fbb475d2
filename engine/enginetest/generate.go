package enginetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"odsd/storage/relation"
)

// Options of the generator. The zero value makes small cases that PostgreSQL
// can be asked about.
type Options struct {
	Views int // how many; default 1
	Steps int // how many after the first, which fills the relations; default 8
	Nodes int // most lists in a view, the root included; default 5
	// Failing also makes expressions that fail for some rows (division by zero,
	// overflow, bad casts), where a PostgreSQL statement would fail as a whole.
	Failing bool
}

// Generate makes the case of a seed: always the same one for the same options.
func Generate(seed uint64, o Options) *Case {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x0d5d)), options: o.withDefaults()}
	c := &Case{Schemas: g.schemas()}
	g.views(c)
	c.Steps = g.steps(c.Schemas)
	return c
}

// Redefined makes other views, of the same names, over the relations of a case.
func Redefined(c *Case, seed uint64, o Options) []string {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x0d5e)), options: o.withDefaults()}
	other := &Case{Schemas: c.Schemas}
	g.views(other)
	return other.Views
}

func (g *generator) views(c *Case) {
	relations := slices.Clone(c.Schemas)
	for i := range g.options.Views {
		name := fmt.Sprintf("view_%d", i+1)
		text, below := g.soundView(c, name, relations)
		c.Views = append(c.Views, text)
		if below != nil {
			relations = append(relations, below)
		}
	}
}

func (o Options) withDefaults() Options {
	if o.Views == 0 {
		o.Views = 1
	}
	if o.Steps == 0 {
		o.Steps = 8
	}
	if o.Nodes == 0 {
		o.Nodes = 5
	}
	return o
}

type generator struct {
	*rand.Rand
	options Options
	names   int // names given out
}

// chance is true in one of n cases.
func (g *generator) chance(n int) bool { return g.IntN(n) == 0 }

// between gives a number from low to high, both included.
func (g *generator) between(low, high int) int { return low + g.IntN(high-low+1) }

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// schemas makes a few relations of two sources. All have integers with small
// values, through which they join.
func (g *generator) schemas() []*relation.Schema {
	var all []*relation.Schema
	for i := range g.between(2, 4) {
		name := fmt.Sprintf("%s.t%d", pick(g, []string{"a", "b"}), i+1)
		all = append(all, g.schema(name))
	}
	return all
}

func (g *generator) schema(name string) *relation.Schema {
	s := &relation.Schema{Name: name}
	add := func(name string, t relation.Type, notNull bool) {
		s.Columns = append(s.Columns, relation.Column{
			Name: name, Type: t, NotNull: notNull, Attribute: int16(len(s.Columns) + 1)})
	}
	switch g.IntN(7) {
	case 0:
		add("k", relation.TypeOf(relation.Text), true)
		s.Key = []int{0}
	case 1:
		add("k1", relation.TypeOf(relation.Int4), true)
		add("k2", relation.TypeOf(relation.Text), true)
		s.Key = []int{1, 0}
	case 2:
		add("id", relation.TypeOf(relation.Int8), true)
		s.Key = []int{0}
	case 3:
		add("k", relation.TypeOf(pick(g, []relation.Kind{relation.Enum, relation.Interval})), true)
		s.Key = []int{0}
	default:
		add("id", relation.TypeOf(relation.Int4), true)
		s.Key = []int{0}
	}
	add("i1", relation.TypeOf(relation.Int4), false)
	add("i2", relation.TypeOf(pick(g, []relation.Kind{relation.Int2, relation.Int4, relation.Int8})), g.chance(3))
	if g.chance(3) {
		s.Unique = append(s.Unique, []int{len(s.Columns)})
		add("u", relation.TypeOf(relation.Int4), true)
	}
	for i, t := range dataTypes {
		if t.Kind == relation.JSON && g.chance(2) {
			t = jsonb // a union has both in a column of one name
		}
		if g.chance(2) {
			add(fmt.Sprintf("c%d", i+1), t, g.chance(4))
		}
	}
	return s
}

// dataTypes are the types of the columns beside keys and joins.
var dataTypes = []relation.Type{
	relation.TypeOf(relation.Text),
	{Kind: relation.Decimal, Scale: 2, Name: "numeric(8,2)"},
	relation.TypeOf(relation.Decimal),
	relation.TypeOf(relation.Bool),
	relation.TypeOf(relation.Timestamp),
	relation.TypeOf(relation.Float8),
	relation.TypeOf(relation.Date),
	relation.TypeOf(relation.Time),
	relation.TypeOf(relation.UUID),
	relation.TypeOf(relation.Interval),
	relation.TypeOf(relation.Enum),
	relation.TypeOf(relation.JSON),
	relation.ArrayOf(relation.Int4),
	relation.ArrayOf(relation.Text),
}

// value makes a value of a column: few different ones, so that there are ties,
// and nulls where they may be.
func (g *generator) value(c relation.Column) relation.Value {
	if !c.NotNull && g.chance(5) {
		return relation.OfNull()
	}
	switch k := c.Type.Kind; k {
	case relation.Int2, relation.Int4, relation.Int8:
		return relation.OfInt(k, int64(g.IntN(6)))
	case relation.Bool:
		return relation.OfBool(g.chance(2))
	case relation.Float8:
		if g.chance(25) {
			return relation.OfFloat(k, pick(g, []float64{math.NaN(), math.Inf(1), math.Inf(-1)}))
		}
		return relation.OfFloat(k, float64(g.between(-4, 8))/4)
	case relation.Timestamp:
		return relation.OfTimestamp(pick(g, hours) + int64(g.IntN(4))*3_600_000_001)
	case relation.Date:
		return relation.OfDate(19_700 + int64(g.IntN(4)))
	case relation.Decimal:
		return g.decimal(c.Type)
	case relation.Time: // midnight is the first and the last
		return relation.OfTime(pick(g, []int64{0, 1, 43_200_000_000, 86_400_000_000}))
	case relation.Text:
		return relation.OfText(pick(g, texts))
	}
	return g.printed(c.Type)
}

// hours are before some day's noon, and before Berlin's clocks are put forward and back.
var hours = []int64{1_700_000_000_000_000, 1_711_843_200_000_000, 1_729_987_200_000_000}

// texts differ in case, in length, and in how collations other than "C" would
// sort them.
var texts = []string{"a", "b", "B", "aa", "a b", "", "é", "日", "_", `"'\`}

func (g *generator) decimal(t relation.Type) relation.Value {
	if t.Scale == 2 {
		return relation.OfDecimal(int64(g.between(-3, 6))*125, 2)
	}
	if g.chance(25) {
		return pick(g, []relation.Value{relation.OfDecimalNaN(), relation.OfDecimalInfinity(1), relation.OfDecimalInfinity(-1)})
	}
	scale := int32(g.IntN(3))
	n := int64(g.between(-2, 4))
	for range scale {
		n *= 10
	}
	if g.chance(3) {
		n++
	}
	return relation.OfDecimal(n, scale)
}
