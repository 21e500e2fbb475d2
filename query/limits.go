package query

// Limits bound what one request may cost. Those on the text are checked before
// anything recursive or quadratic looks at it.
type Limits struct {
	Tokens     int // of the request's text
	Literal    int // bytes of one string literal; longer values belong in variables
	Name       int // bytes of one name
	Nesting    int // open brackets of any kind
	Operations int // definitions in one document
	Fragments  int // likewise
	Variables  int // of one operation
	Directives int // in the whole document
	Aliases    int // in the whole document
	Fields     int // with every fragment put in place of its spreads
	Depth      int // of fields, introspection excepted
	Nodes      int // rows of views in one reply
	Scan       int // rows looked at for one reply: tested, sorted or written
	Sort       int // bytes of sort keys kept at one time
	Conditions int // of one filter
}

// DefaultLimits are generous to programs and people and narrow to floods.
func DefaultLimits() Limits {
	return Limits{
		Tokens:     10_000,
		Literal:    16 << 10,
		Name:       256,
		Nesting:    40,
		Operations: 50,
		Fragments:  200,
		Variables:  500,
		Directives: 500,
		Aliases:    1_000,
		Fields:     2_500,
		Depth:      12,
		Nodes:      50_000,
		Scan:       1_000_000,
		Sort:       64 << 20,
		Conditions: 1_000,
	}
}

// WithDepth allows fields to be nested so deep, and brackets with them.
func (l Limits) WithDepth(depth int) Limits {
	l.Nesting += max(0, depth-l.Depth)
	l.Depth = depth
	return l
}
