package relation

// Kind says which of the value's fields are in use and what they mean.
type Kind uint8

// The kinds of values. Their numbers are stored: never renumber, only append.
const (
	Null      Kind = 0 // the null value of any type
	Error     Kind = 1 // a field that could not be computed; see ErrorCode
	Unchanged Kind = 2 // PostgreSQL did not send an unchanged TOAST value; never stored
	NotSent   Kind = 3 // a column outside a key-only old tuple; never stored

	Bool      Kind = 10
	Int2      Kind = 11
	Int4      Kind = 12
	Int8      Kind = 13
	Float4    Kind = 14
	Float8    Kind = 15
	Decimal   Kind = 16
	Text      Kind = 17
	Bytes     Kind = 18
	UUID      Kind = 19
	Date      Kind = 20 // days since 1970-01-01
	Time      Kind = 21 // microseconds since midnight, 24:00 included
	Timestamp Kind = 22 // an instant: microseconds since 1970-01-01T00:00:00Z
	Interval  Kind = 23 // months, days, microseconds
	JSON      Kind = 24 // json or jsonb, as PostgreSQL prints it
	Enum      Kind = 25 // the label; sorts as text
	Array     Kind = 26 // a list of values of one element kind
)

// Family groups the kinds that compare with each other.
type Family uint8

// The families of kinds. Values of different families never compare.
const (
	NoFamily Family = iota
	BoolFamily
	IntegerFamily
	FloatFamily
	DecimalFamily
	TextFamily // text and enums
	BytesFamily
	UUIDFamily
	DateFamily
	TimeFamily
	TimestampFamily
	IntervalFamily
	JSONFamily
	ArrayFamily
)

// Family of a kind; NoFamily for null and the other kinds that hold no value.
func (k Kind) Family() Family {
	switch k {
	case Bool:
		return BoolFamily
	case Int2, Int4, Int8:
		return IntegerFamily
	case Float4, Float8:
		return FloatFamily
	case Decimal:
		return DecimalFamily
	case Text, Enum:
		return TextFamily
	case Bytes:
		return BytesFamily
	case UUID:
		return UUIDFamily
	case Date:
		return DateFamily
	case Time:
		return TimeFamily
	case Timestamp:
		return TimestampFamily
	case Interval:
		return IntervalFamily
	case JSON:
		return JSONFamily
	case Array:
		return ArrayFamily
	}
	return NoFamily
}

var kindNames = map[Kind]string{
	Null: "null", Error: "error", Unchanged: "unchanged", NotSent: "not sent",
	Bool: "boolean", Int2: "smallint", Int4: "integer", Int8: "bigint",
	Float4: "real", Float8: "double precision", Decimal: "numeric", Text: "text",
	Bytes: "bytea", UUID: "uuid", Date: "date", Time: "time", Timestamp: "timestamptz",
	Interval: "interval", JSON: "json", Enum: "enum", Array: "array",
}

// String is PostgreSQL's name of the kind.
func (k Kind) String() string { return kindNames[k] }

// Type is the declared type of a column or the result type of an expression.
// Types compare with ==; to ask whether values compare, compare the families.
type Type struct {
	Kind Kind
	Elem Kind // of arrays: the kind of the elements
	// Scale is a numeric's declared number of decimal places; -1 where none is declared.
	Scale int32
	// Name is what PostgreSQL prints for it, "numeric(12,2)" or "order_status";
	// empty for the plain type of the kind.
	Name string
}

// TypeOf is the plain type of a kind.
func TypeOf(k Kind) Type { return Type{Kind: k, Scale: -1} }

// ArrayOf is the type of arrays of a kind.
func ArrayOf(elem Kind) Type { return Type{Kind: Array, Elem: elem, Scale: -1} }

// String names the type as PostgreSQL does.
func (t Type) String() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.Kind == Array:
		return t.Elem.String() + "[]"
	}
	return t.Kind.String()
}

// Comparable says whether values of the two types may be compared or joined.
func Comparable(a, b Type) bool {
	if a.Kind.Family() != b.Kind.Family() || a.Kind.Family() == NoFamily {
		return false
	}
	return a.Kind != Array || a.Elem.Family() == b.Elem.Family()
}
