package relation

// Column is one column of a relation.
type Column struct {
	Name    string
	Type    Type
	NotNull bool
	// Attribute is PostgreSQL's attribute number, which tells a column that was
	// dropped and added again from the one before; 0 in a view.
	Attribute int16
	// Labels of an enum, or of an array of enums, in the enum's own order.
	Labels []string
	// Description is the column's comment at the source.
	Description string
	// PII is the kind of personal data that the project says it holds; "" for none.
	PII string `json:"-"`
}

// Schema describes a relation: a captured table or a view's root rows.
type Schema struct {
	// Name is how views name the relation: "shop.orders", "shop.billing.invoices",
	// or a view's name.
	Name    string
	Columns []Column
	// Key lists the ordinals of the columns that identify a row, in key order.
	Key []int
	// Unique lists further sets of not-null columns that are unique.
	Unique [][]int
	// Description is the table's comment at the source.
	Description string
	// Rows is about how many there are, as the database or the schema file last
	// told; 0 where that is not known.
	Rows int64 `json:"-"`
}

// Column finds a column's ordinal by name; -1 when there is none.
func (s *Schema) Column(name string) int {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// IsUnique says whether the columns contain a unique key of the relation, so
// that values for them find at most one row.
func (s *Schema) IsUnique(columns []int) bool {
	if len(s.Key) > 0 && containsAll(columns, s.Key) {
		return true
	}
	for _, u := range s.Unique {
		if len(u) > 0 && containsAll(columns, u) {
			return true
		}
	}
	return false
}

func containsAll(set, wanted []int) bool {
	for _, w := range wanted {
		found := false
		for _, s := range set {
			found = found || s == w
		}
		if !found {
			return false
		}
	}
	return true
}
