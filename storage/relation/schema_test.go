package relation

import "testing"

func TestPositionsPrintAsLSNs(t *testing.T) {
	for text, p := range map[string]Position{"0/0": 0, "16/B374D848": 0x16_B374D848, "FFFFFFFF/FFFFFFFF": 1<<64 - 1} {
		got, err := ParsePosition(text)
		if err != nil || got != p || p.String() != text {
			t.Errorf("%s is %v, %v; printed %s", text, got, err, p)
		}
	}
	for _, text := range []string{"", "16", "16/", "/16", "1/2/3", "100000000/0", "x/y", "-1/0"} {
		if p, err := ParsePosition(text); err == nil {
			t.Errorf("%q is read as %v", text, p)
		}
	}
}

func TestSchemaKeys(t *testing.T) {
	s := &Schema{Columns: []Column{{Name: "a"}, {Name: "b"}, {Name: "c"}}, Key: []int{0, 1}, Unique: [][]int{{2}, {}}}
	if s.Column("b") != 1 || s.Column("d") != -1 {
		t.Error("columns are not found by name")
	}
	for _, c := range []struct {
		columns []int
		unique  bool
	}{{[]int{0, 1}, true}, {[]int{1, 0}, true}, {[]int{0}, false}, {[]int{2}, true}, {[]int{2, 0}, true}, {nil, false}} {
		if s.IsUnique(c.columns) != c.unique {
			t.Errorf("%v unique: %v", c.columns, !c.unique)
		}
	}
	if (&Schema{}).IsUnique([]int{0}) {
		t.Error("a relation without a key has a unique column")
	}
}
