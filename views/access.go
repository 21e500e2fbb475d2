package views

// AccessRule says what readers with one of its roles see: some documents, some
// fields of them, some of these altered. What several rules show is united.
type AccessRule struct {
	Roles []string
	All   bool // every field, beside those named
	// Fields are paths of field names: "email", "orders.total".
	Fields []string
	Masks  []Mask
	// Where restricts the documents; nil: all. It reads the root's fields, and
	// claims of the session (OpClaim): where one of these is missing it does not hold.
	Where *Expr
}

// Mask is a field that is shown altered.
type Mask struct {
	Field string // a path
	How   MaskKind
}

// MaskKind says how a masked field is shown.
type MaskKind string

// The masks.
const (
	MaskNull  MaskKind = "null"
	MaskLast4 MaskKind = "last4"
	MaskHash  MaskKind = "hash"
)
