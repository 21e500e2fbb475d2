package relation

import "testing"

// TestArraysAreOrderedAsPostgreSQLOrdersThem lists arrays in the order in which `order by`
// gives them; PostgreSQL is asked for more of them by the oracle of the engine's tests.
func TestArraysAreOrderedAsPostgreSQLOrdersThem(t *testing.T) {
	var inOrder []Value
	for _, text := range []string{
		"{}", "{1}", "[-10:-9]={1,2}", "[-2:-1]={1,2}", "{1,2}", "[2:3]={1,2}", "[10:11]={1,2}", "{{1,2}}", "{{1},{2}}",
		"{{1,2},{3,4}}", "{1,3}", "{{1},{5}}", "{1,NULL}", "{2}", "{NULL}",
	} {
		v, err := ParseText(ArrayOf(Int4), text)
		if err != nil {
			t.Fatal(err)
		}
		inOrder = append(inOrder, v)
	}
	for i, a := range inOrder {
		for j, b := range inOrder {
			if got, want := CompareArrays(a, b), compareInts(int64(i), int64(j)); got != want {
				t.Errorf("%s and %s compare %d, want %d", AppendText(nil, a), AppendText(nil, b), got, want)
			}
			if (Compare(a, b) == 0) != (i == j) {
				t.Errorf("%s and %s: Compare does not agree on their being equal", AppendText(nil, a), AppendText(nil, b))
			}
		}
	}
}
