package views

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"odsd/storage/relation"
)

// Function describes a function of the expression language, for documentation.
type Function struct {
	Name      string
	Signature string
	Summary   string
}

// Functions lists the functions of the expression language by name.
func Functions() []Function {
	var list []Function
	for _, f := range functionTable() {
		list = append(list, Function{Name: f.name, Signature: f.signature, Summary: f.summary})
	}
	slices.SortFunc(list, func(a, b Function) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// function is one function of the language: how it is typed and how it runs.
type function struct {
	name      string
	signature string
	summary   string
	min, max  int // how many arguments; max -1 for any number
	// rounds is true where a division of decimals may stand in the first argument.
	rounds bool
	// check types a call whose arguments are typed; nil after a report.
	check func(c *exprChecker, call *call) *Expr
	// lower gives the closure of a call that check made.
	lower func(l *lowering, e *Expr) Eval
}

// call is a call that is being checked.
type call struct {
	node ast.Node
	name string
	args []operand
}

// functionTable gathers the functions of all files by name.
func functionTable() map[string]function {
	table := make(map[string]function, 64)
	for _, group := range [][]function{
		textFunctions(), patternFunctions(), numberFunctions(), castFunctions(),
		timeFunctions(), choiceFunctions(), arrayFunctions(),
	} {
		for _, f := range group {
			table[f.name] = f
		}
	}
	return table
}

func (l *lowering) call(e *Expr) Eval {
	if e.Name == between {
		return inRange(l.lower(e.Args[0]), l.lower(e.Args[1]), l.lower(e.Args[2]))
	}
	if e.Name == bucketName {
		return lowerBucket(l, e)
	}
	f, ok := l.functions[e.Name]
	if !ok {
		return constantly(relation.OfError(relation.ErrBadArgument))
	}
	return f.lower(l, e)
}

// callNode types f(x); whatever else is called is no function.
func (c *exprChecker) callNode(n *ast.CallNode) *Expr {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return c.report(n.Callee, codeLanguage, "values have no methods", "functions are written f(x)")
	}
	return c.call(n, unshield(callee.Value), n.Arguments)
}

// call types a call of a function, or of an operator that is one.
func (c *exprChecker) call(n ast.Node, name string, arguments []ast.Node) *Expr {
	f, ok := c.functions[name]
	if !ok {
		return c.reportAt(n.Location(), codeFunction, fmt.Sprintf("no function %q", name), c.functionHint(name))
	}
	if len(arguments) < f.min || f.max >= 0 && len(arguments) > f.max {
		return c.report(n, codeFunction, fmt.Sprintf("%s takes %s, and here are %d", name, argumentCount(f), len(arguments)), f.signature)
	}
	if closureFunction(name) {
		return c.closureCall(n, f, arguments)
	}
	args := c.arguments(f, arguments)
	if args == nil && len(arguments) > 0 {
		return nil
	}
	e := f.check(c, &call{node: n, name: name, args: args})
	if e == nil || e.Op != OpCall {
		return e
	}
	return c.fold(n, e)
}

// arguments types a call's arguments; only the first one of a rounding
// function may divide decimals.
func (c *exprChecker) arguments(f function, nodes []ast.Node) []operand {
	rounding := c.leaveRounding()
	defer func() { c.rounding = rounding }()
	if len(nodes) == 0 {
		return nil
	}
	if f.rounds {
		c.rounding = 1
	}
	first := c.all(nodes[:1])
	c.rounding = 0
	rest := c.all(nodes[1:])
	if first == nil || rest == nil {
		return nil
	}
	return append(first, rest...)
}

func argumentCount(f function) string {
	switch {
	case f.max < 0:
		return fmt.Sprintf("at least %s", plural(f.min))
	case f.min == f.max:
		return plural(f.min)
	}
	return fmt.Sprintf("%d to %s", f.min, plural(f.max))
}

func plural(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// functionHint answers an unknown function's name: why it does not exist, or
// which one may be meant.
func (c *exprChecker) functionHint(name string) string {
	switch strings.ToLower(name) {
	case "now", "current_timestamp", "current_date", "today", "clock_timestamp":
		return "a view must not depend on when it is computed; ask for the last days in the query's filter"
	case "random", "rand", "uuid", "gen_random_uuid":
		return "a view must not depend on chance; uuid5(namespace, name) is the same every time"
	case bucketName, "time_bucket", "date_bin":
		return "a bucket is a dimension, as in {bucket: x, every: 1d, timezone: UTC}; elsewhere there is date_trunc"
	case "if", "iff", "case":
		return "write condition ? x : y"
	case "concat":
		return "texts are joined by +; with ?? \"\" where one may be nil"
	case "sum", "count", "avg", "mean", "median", "first", "last", "collect", "count_distinct":
		return "aggregates are fields of their own, as in {sum: orders.total}"
	}
	if other, ok := otherNames[strings.ToLower(name)]; ok {
		return "did you mean " + other + "?"
	}
	names := make([]string, 0, len(c.functions))
	for known := range c.functions {
		names = append(names, known)
	}
	slices.Sort(names)
	if nearest := nearestName(name, names); nearest != "" {
		return fmt.Sprintf("did you mean %s?", c.functions[nearest].signature)
	}
	return "the functions are listed in docs/language.md"
}

// otherNames maps names of SQL and of expr-lang to ours.
var otherNames = map[string]string{
	"length": "len", "char_length": "len", "character_length": "len", "cardinality": "len", "size": "len",
	"substring": "substr", "btrim": "trim", "greatest": "max_of", "least": "min_of", "max": "max_of", "min": "min_of",
	"string": "text", "str": "text", "to_char": "text", "to_text": "text", "varchar": "text",
	"integer": "int", "bigint": "int", "numeric": "decimal", "real": "float", "double": "float",
	"extract": "date_part", "to_timestamp": "to_time", "timestamp": "to_time", "date": "to_date",
	"startswith": "starts_with", "hasprefix": "starts_with", "endswith": "ends_with", "hassuffix": "ends_with",
	"join": "join_text", "string_agg": "join_text", "array_to_string": "join_text", "string_to_array": "split",
	"regexp_matches": "matches", "regexp_like": "matches", "ifnull": "coalesce", "nvl": "coalesce", "isnull": "coalesce",
	"md5": "hash", "sha256": "hash", "digest": "hash", "power": "**", "pow": "**", "mod": "%", "some": "any", "trunc": "floor",
	"get": "json", "fromjson": "json", "index_of": "contains", "position": "contains",
}

// nearestName is the name that few edits away could be meant; "" when none is near.
func nearestName(name string, known []string) string {
	best, nearest := max(2, len(name)/3)+1, ""
	for _, k := range known {
		if d := editDistance(strings.ToLower(name), k, best); d < best {
			best, nearest = d, k
		}
	}
	return nearest
}

// editDistance counts insertions, deletions and replacements, giving up at the bound.
func editDistance(a, b string, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound {
		return bound
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := diagonal
			if a[i-1] != b[j-1] {
				replaced++
			}
			diagonal = row[j]
			row[j] = min(replaced, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
