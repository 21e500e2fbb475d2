package views

import (
	"fmt"
	"strings"
	"testing"

	"odsd/internal/yamlfile"
)

func TestLimits(t *testing.T) {
	schemas := readSchemas(t, "testdata/schemas.txt")
	head := "version: 1\nview: big\nfrom: crm.customers\nfields:\n  id:\n"
	many := func(i int) string {
		return fmt.Sprintf("  o%d: {many: shop.orders, as: o%d, join: o%d.customer_id == customers.id, fields: [id]}\n", i, i, i)
	}
	repeat := func(n int, line func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(line(i))
		}
		return b.String()
	}
	var deep strings.Builder
	for i := range maxDepth {
		indent := strings.Repeat("  ", i*2+1)
		outer := "customers"
		if i > 0 {
			outer = fmt.Sprintf("b%d", i-1)
		}
		fmt.Fprintf(&deep, "%sboss:\n%s  one: crm.customers\n%s  as: b%d\n%s  join: b%d.id == %s.manager_id\n%s  fields:\n%s    id:\n",
			indent, indent, indent, i, indent, i, outer, indent, indent)
	}
	cases := map[string]struct {
		text string
		want string
	}{
		"as many lists as there may be": {repeat(maxNodes-1, many), ""},
		"too many lists":                {repeat(maxNodes, many), yamlfile.CodeLimit},
		"too many fields":               {repeat(maxNodeFields, func(i int) string { return fmt.Sprintf("  f%d: id\n", i) }), yamlfile.CodeLimit},
		"too many aggregates": {many(0) + repeat(maxAggregates+1, func(i int) string { return fmt.Sprintf("  c%d: {count: o0}\n", i) }),
			yamlfile.CodeLimit},
		"too deep":     {deep.String(), yamlfile.CodeLimit},
		"long name":    {"  " + strings.Repeat("x", maxNameLength+1) + ": id\n", yamlfile.CodeLimit},
		"long chain":   {"  f0: id\n" + repeat(500, func(i int) string { return fmt.Sprintf("  f%d: f%d + 1\n", i+1, i) }), ""},
		"long reverse": {repeat(500, func(i int) string { return fmt.Sprintf("  f%d: f%d + 1\n", i, i+1) }) + "  f500: id\n", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d, found := Parse("big.yaml", []byte(head+c.text))
			checked, more := CheckAll([]*Definition{d}, schemas)
			found = append(found, more...)
			if c.want == "" {
				if len(found) > 0 || len(checked) != 1 {
					t.Fatalf("findings: %v", found)
				}
				if _, err := Compile(checked[0]); err != nil {
					t.Error(err)
				}
				return
			}
			if len(found) != 1 || found[0].Code != c.want {
				t.Errorf("want one %s, got %v", c.want, found)
			}
		})
	}
}

func TestLimitsOfUnions(t *testing.T) {
	schemas := readSchemas(t, "testdata/schemas.txt")
	for branches, want := range map[int]int{maxBranches: 0, maxBranches + 1: 1} {
		var b strings.Builder
		for i := range branches {
			fmt.Fprintf(&b, "  - {from: shop.orders, const: {n: %d}}\n", i)
		}
		d, found := Parse("big.yaml", []byte("version: 1\nview: big\nkey: [n, id]\nunion:\n"+b.String()))
		_, more := CheckAll([]*Definition{d}, schemas)
		if found = append(found, more...); len(found) != want || want == 1 && found[0].Code != yamlfile.CodeLimit {
			t.Errorf("%d branches: %v", branches, found)
		}
	}
}

// Dimensions stand for what they are made of, which must not grow without bound.
func TestLimitsOfDimensions(t *testing.T) {
	schemas := readSchemas(t, "testdata/schemas.txt")
	text := "version: 1\nview: big\nfrom: shop.order_items\ngroup_by:\n  d0: line_no\n"
	for i := range 100 {
		text += fmt.Sprintf("  d%d: d%d %% 7 + d%d %% 3\n", i+1, i, i)
	}
	d, found := Parse("big.yaml", []byte(text))
	_, more := CheckAll([]*Definition{d}, schemas)
	if found = append(found, more...); len(found) != 1 || found[0].Code != yamlfile.CodeLimit {
		t.Errorf("want one %s, got %v", yamlfile.CodeLimit, found)
	}
}

// Every field is computed after those it uses, however they are written.
func TestEvaluationOrder(t *testing.T) {
	schemas := readSchemas(t, "testdata/schemas.txt")
	d, found := Parse("x.yaml", []byte("version: 1\nview: x\nfrom: crm.customers\nfields:\n  d: b + c\n  c: a * 2\n  b: a + 1\n  a: id\n"))
	checked, more := CheckAll([]*Definition{d}, schemas)
	if len(found)+len(more) > 0 {
		t.Fatal(found, more)
	}
	done := map[int]bool{}
	root := checked[0].Nodes[0]
	for _, ordinal := range root.EvalOrder {
		root.Scalars[ordinal].Expr.Walk(func(e *Expr) {
			if e.Op == OpField && !done[e.Field] {
				t.Errorf("%s is computed before %s", root.Scalars[ordinal].Name, root.Scalars[e.Field].Name)
			}
		})
		done[ordinal] = true
	}
	if len(done) != len(root.Scalars) {
		t.Errorf("%d of %d fields are computed", len(done), len(root.Scalars))
	}
}

func TestFieldName(t *testing.T) {
	for name, want := range map[string]string{
		"customer_360": "customer360", "first_name": "firstName", "firstName": "firstName", "ID": "id", "ORDER_ID": "orderId",
		"_private": "_private", "__typename": "__typename", "Sku": "sku", "a__b": "aB", "": "", "Ärger_x": "ärgerX",
	} {
		if got := FieldName(name); got != want {
			t.Errorf("FieldName(%q) = %q, want %q", name, got, want)
		}
	}
}
