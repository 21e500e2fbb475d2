package reference

import (
	"testing"

	"odsd/storage/relation"
)

func pairs() *relation.Schema {
	return &relation.Schema{
		Name: "s.pairs",
		Columns: []relation.Column{
			{Name: "id", Type: relation.TypeOf(relation.Int4)},
			{Name: "price", Type: relation.TypeOf(relation.Decimal)},
		},
		Key: []int{0},
	}
}

func found(t *testing.T, m *Memory, columns []int, values ...relation.Value) []int64 {
	t.Helper()
	var ids []int64
	err := m.Find("s.pairs", columns, values, func(row []relation.Value) error {
		ids = append(ids, row[0].Int())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestMemoryFindsByValueAndFollowsWrites(t *testing.T) {
	m := NewMemory(pairs())
	set := func(id int64, price relation.Value) {
		t.Helper()
		if err := m.Set("s.pairs", []relation.Value{relation.OfInt(relation.Int4, id), price}); err != nil {
			t.Fatal(err)
		}
	}
	set(3, relation.OfDecimal(10, 1))
	set(1, relation.OfDecimal(100, 2))
	set(2, relation.OfNull())
	if got := found(t, m, []int{1}, relation.OfDecimal(1, 0)); len(got) != 2 || got[0] != 1 || got[1] != 3 {
		t.Errorf("price 1 finds %v, want 1 and 3: 1.0 and 1.00 are one number", got)
	}
	if got := found(t, m, []int{1}, relation.OfNull()); got != nil {
		t.Errorf("null finds %v, want nothing", got)
	}
	if got := found(t, m, []int{0}, relation.OfInt(relation.Int8, 3)); len(got) != 1 {
		t.Errorf("an int8 finds %v in an int4 column, want one row", got)
	}
	set(3, relation.OfNull())
	if got := found(t, m, []int{1}, relation.OfDecimal(1, 0)); len(got) != 1 || got[0] != 1 {
		t.Errorf("after the update price 1 finds %v, want 1", got)
	}
	if err := m.Delete("s.pairs", []relation.Value{relation.OfInt(relation.Int4, 1), {}}); err != nil {
		t.Fatal(err)
	}
	if got := found(t, m, []int{1}, relation.OfDecimal(1, 0)); got != nil {
		t.Errorf("after the delete price 1 finds %v", got)
	}
}

func TestMemoryRefusesUnknownRelationsAndShortRows(t *testing.T) {
	m := NewMemory(pairs())
	if err := m.Set("s.other", nil); err == nil {
		t.Error("an unknown relation was written")
	}
	if err := m.Set("s.pairs", []relation.Value{relation.OfInt(relation.Int4, 1)}); err == nil {
		t.Error("a short row was written")
	}
}
