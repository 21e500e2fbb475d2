package views

// names resolves what an expression may see at its place in a view.
type names interface {
	// bare is a column or field of the current row.
	bare(name string) (*Expr, *nameProblem)
	// member is alias.name.
	member(alias, name string) (*Expr, *nameProblem)
}

// nameProblem says why a name means nothing.
type nameProblem struct{ Message, Hint string }

// exprProblem is one error of an expression; the place is in bytes of its source.
type exprProblem struct {
	Offset, Length      int
	Code, Message, Hint string
}

// The codes of expressions' problems.
const (
	codeName     = "E012" // a name that means nothing here
	codeSyntax   = "E030" // not an expression
	codeBudget   = "E031" // too long or too deep
	codeType     = "E032" // operands or arguments of the wrong type
	codeFunction = "E033" // no such function, or wrong number of arguments
	codeLiteral  = "E034" // a literal that its type cannot hold
	codeLanguage = "E035" // a construct that the language does not have
	codeConstant = "E036" // a constant part that always fails
)

// maxExprProblems bounds what one expression reports: past it more lines help nobody.
const maxExprProblems = 20
