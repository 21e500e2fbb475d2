package yamlfile

import (
	"maps"
	"slices"
)

// The codes of findings. A code keeps its meaning for ever: people search for it.
const (
	CodeSyntax     = "E001"
	CodeTag        = "E002"
	CodeAlias      = "E003"
	CodeDuplicate  = "E004"
	CodeUnknownKey = "E005"
	CodeMissingKey = "E006"
	CodeShape      = "E007"
	CodeEmpty      = "E008"
	CodeCut        = "E009"
	CodeNotBuilt   = "E010"
	CodeRelation   = "E011"
	CodeName       = "E012"
	CodeValue      = "E013"
	CodeVersion    = "E014"
	CodeTooLarge   = "E015"
	CodeCycle      = "E016"
	CodeRowAlias   = "E017"
	CodeKey        = "E018"
	CodeJoin       = "E019"
	CodeToOne      = "E020"
	CodePath       = "E021"
	CodeAggregate  = "E022"
	CodeMixed      = "E023"
	CodeDefault    = "E024"
	CodeOrder      = "E025"
	CodeIndex      = "E026"
	CodeCheck      = "E027"
	CodeGraphQL    = "E028"
	CodeCollision  = "E029"
	// E030 to E036 belong to expressions; see views.
	CodeLimit    = "E037"
	CodeTwice    = "E038"
	CodeNoType   = "E039"
	CodeInput    = "E040"
	CodeUnion    = "E041"
	CodeGroup    = "E042"
	CodeAccess   = "E043"
	CodePersonal = "E044"
	CodeNullable = "E045"
	CodeBigJoin  = "E046"
	CodeVariable = "E050"
	CodeListener = "E051"
	CodeLayout   = "E052"
	CodeCapture  = "E053"
	CodeType     = "E054"
	CodeSchema   = "E055"
	CodeTest     = "E056"
)

// Explanation says at length what a code means and what to do.
type Explanation struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Explain finds what a code means.
func Explain(code string) (Explanation, bool) {
	e, found := explanations()[code]
	if !found {
		return Explanation{}, false
	}
	return Explanation{Code: code, Title: e[0], Text: e[1]}, true
}

// Codes lists every code, in order.
func Codes() []string { return slices.Sorted(maps.Keys(explanations())) }

func explanations() map[string][2]string {
	return map[string][2]string{
		CodeSyntax: {"The file is not valid YAML",
			"The text could not be read as YAML, so nothing in the file was looked at. The usual causes: an expression that contains \": \", a comma, a bracket, a ? before a blank or a leading quote and is not itself in quotes; a tab in the indentation; a second document after ---."},
		CodeTag: {"A YAML tag where a value was meant",
			"YAML reads a word that begins with ! as a tag, which is not a part of the value: `where: !deleted` would be an empty filter. Write `not deleted`. Tags have no use in a project and are refused everywhere."},
		CodeAlias: {"A YAML anchor or alias",
			"YAML reads a word that begins with & or * as an anchor or alias. A project does without them: a file means what stands in it at that place. Write the value out, or quote the text if it was meant as text."},
		CodeDuplicate: {"One key, twice",
			"A mapping names the same key twice, and YAML would keep only one of the values. Remove or rename one."},
		CodeUnknownKey: {"Unknown key",
			"The key is not a part of the language at this place. It may be misspelt, indented too far or too little, or belong one level up."},
		CodeMissingKey: {"Missing key",
			"A key that cannot be left out is absent."},
		CodeShape: {"A value of the wrong shape",
			"A mapping, a list or a single value was expected and something else is there. An expression that begins with {, [, or a quote must be quoted as a whole. Inside {…} a blank stands after the colon of a key."},
		CodeEmpty: {"Empty expression",
			"A key that takes an expression has none. An empty filter would let every row through, so it is never assumed to be meant: remove the key, or write the expression. A # after a blank begins a comment; quote the expression if it contains one."},
		CodeCut: {"An expression cut by a comma",
			"Inside {…} and […] a comma ends the value, so `{expr: round(total, 2)}` is read as `round(total` and a stray `2)`. Quote the expression: `{expr: \"round(total, 2)\"}`."},
		CodeNotBuilt: {"Not built yet",
			"The key belongs to the language, but this version cannot honour it. It is refused rather than ignored, since a view without its access rules or its grouping is another view."},
		CodeRelation: {"Unknown relation",
			"There is no table of this name in the project's schema, and no view. Tables are named source.table, or source.schema.table outside the schema public. The schema files list what is known; `odsd check --live --write` brings them up to date."},
		CodeName: {"Unknown name",
			"A bare name in an expression is a column of the current row or another field of the same node. Anything else is reached through an alias, the last part of the relation's name or what `as` says. Names are never searched for outward."},
		CodeValue: {"A value out of range",
			"The value is of the right shape, but not one that is allowed here."},
		CodeVersion: {"Unknown version of the file's format",
			"Every file begins with `version: 1`. A higher number belongs to a newer odsd."},
		CodeTooLarge: {"File too large or nested too deep",
			"Files over 1 MiB, or with more than 100 levels, are not read: definitions are written by people, and larger ones are mistakes or attacks."},
		CodeCycle: {"Fields, or views, that need each other",
			"Views may stand on one another as long as no view needs itself. Fields of one node may use each other as long as no field needs itself. Inside its own expression, a field's name means the column of that name."},
		CodeRowAlias: {"An alias that is taken or cannot be written",
			"Each relation in a view is known by an alias: the last part of its name, or what `as` says. One alias names one place in a view, and it must be a plain word so that expressions can use it. Give the second use of a table its own `as`."},
		CodeKey: {"Not a unique key",
			"The key of a view says which document a row is, so it must be the key of the view below, the primary key of `from`, or a unique index over columns that are not null."},
		CodeJoin: {"Not a join",
			"A join is an equality of columns, or several with `and`: each compares a column of the joined relation with a column of an enclosing one, of the same family of types. A join on an expression goes through a view that has the expression as a field."},
		CodeToOne: {"A to-one that could find many",
			"The join of a `one` does not cover a unique key of its relation, so it may match several rows. Say which one is meant with `order_by` over columns of that relation, or join on a unique key."},
		CodePath: {"Not a path to aggregate",
			"An aggregate names the field of a `many` and may go on through further `many` and `one` fields; for all but `count`, the last step is a column or a field of the last one."},
		CodeAggregate: {"An aggregate of the wrong type",
			"sum and avg take numbers; min, max, count_distinct and collect values that have an order. An average of integers or decimals needs `round`, the number of decimal places, since it rarely comes out even."},
		CodeMixed: {"One condition over two nodes",
			"Each condition of an aggregate's `where`, and each term of its `order_by`, is kept with the rows of one node of the path. A condition that compares columns of two nodes has no such place: split it with `and`, or compute it as a field of the lower node."},
		CodeDefault: {"A default of the wrong type",
			"`default` stands in for an aggregate that has nothing to aggregate, so it must be a value of the aggregate's type. Counts have none: the count of nothing is 0. Neither has collect, which then gives an empty list."},
		CodeOrder: {"Not an order",
			"A term of `order_by` is an expression over columns, then optionally asc or desc, then optionally nulls first or nulls last. Values of JSON and array types have no order."},
		CodeIndex: {"Not an index",
			"`indexes` is a list of lists; each inner list names scalar fields of the document's root, optionally with desc: [[email], [country, total desc]]."},
		CodeCheck: {"Not a check",
			"A check is `not_null: field`, `accepted_values: {field: [a, b]}` or `expression: condition`, over scalar fields of the document's root. Documents that fail it are counted and stay in the view."},
		CodeGraphQL: {"Not a name that GraphQL allows",
			"Names in GraphQL are made of the letters A to Z, digits and underscores, begin with no digit, and not with two underscores. Where a name of the YAML cannot be turned into one, give it one: `graphql: {field: name}`."},
		CodeCollision: {"Two things of one GraphQL name",
			"Names become camelCase in GraphQL, so paid_total and paidTotal are one. Give one of them another name: `graphql: {field: name}`."},
		"E030": {"Not an expression",
			"The text could not be parsed as an expression. The caret shows where the parser gave up; the cause is often a little before it."},
		"E031": {"An expression too long or too deep",
			"Expressions are limited in length and nesting. Split it into fields that use each other."},
		"E032": {"Operands that do not fit",
			"An operator or function was given a value of another type than it takes. Nothing is converted silently, except smaller integers to larger ones and integers to decimals."},
		"E033": {"Unknown function",
			"There is no function of that name, or it takes another number of arguments."},
		"E034": {"A literal that its type cannot hold",
			"The number or text is beyond what the type of the expression beside it can hold."},
		"E035": {"Not a part of the language",
			"The construct exists in expr-lang but not in views. Functions that give another result at every call, like now(), are refused: a view must be the same whenever it is computed."},
		"E036": {"A constant that always fails",
			"A part of the expression has constant operands only and can never be computed, such as a division by zero."},
		CodeLimit: {"Too many of something",
			"A view has limits that keep its stored form compact: 250 lists below one node and in a view, 250 aggregates, 250 indexes, 1,000 fields in a node, 32 levels."},
		CodeTwice: {"Two definitions of one name",
			"Two files of the project define a view, or a source, of the same name."},
		CodeNoType: {"An expression without a type",
			"The expression is nil whatever the row is, so the field would have no type."},
		CodeInput: {"A view that nothing can stand on",
			"A view may be the input of another: `from`, `one`, `many` or a branch of a union. It must be without errors, and it must show the columns of its key as fields of its root, since the view above finds its rows by them."},
		CodeUnion: {"Branches that do not make a union",
			"The rows of a union come from its branches, and columns of one name are one column: their types must unify (integers to the wider, integers and decimals to numeric, enums and texts to text), and each branch has one column of a name. Every branch must have the columns of `key`; those that are not constants must be a unique key of it. A row's branch must follow from its key, by a constant that differs in each branch, or else `conflict: first` must say that the earlier branch wins."},
		CodeGroup: {"Not a dimension or measure",
			"`group_by` names the dimensions: columns, expressions over a row, or buckets of time, of types that have an order. `measures` are aggregates over the rows of a group, or expressions over other measures and dimensions. Their names are the columns of the view, each given once."},
		CodeAccess: {"Access that is not as it should be",
			"The rules of `access` are checked in full and not enforced yet: the daemon does not serve a view that has any. A rule of `access` names `roles` and the `fields` that readers with one of them see: \"*\", or paths such as email or orders.total. `mask` lists fields that are shown as null, or says for each null, last4 or hash; `where` is a condition over fields of the root and claims of who asks, which are texts or lists of texts: country in session.countries."},
		CodePersonal: {"Personal data that a view lays open",
			"A column that its source marks with `pii` is followed through expressions, aggregates that give values back, dimensions, and views above. Access does not inherit: a view that shows such a field, or one that a view below has a rule for, needs a rule of its own that names it, by `fields` or `mask`; \"*\" alone names nothing. Write `declassify: true` at a field that everyone may see, such as the number of letters of a name. A view without any `access` is warned of, since without `auth` everyone reads everything, and with it nobody reads such a view."},
		CodeNullable: {"A comparison that rows with null meet",
			"`!=` is null-safe: nil != \"draft\" is true, where SQL's <> leaves such rows out. If they are meant, write it so that readers see it: status == nil or status != \"draft\". If not: status != nil and status != \"draft\"."},
		CodeBigJoin: {"A join on a big table, by no key of it",
			"The join needs an index of its own on a table with a million rows or more: it is built from all of them, and kept at every change of the table. Where a join by a key, or one that another view has an index for, does as well, take that; else it costs disk and some microseconds a change, and a changed row on the other side may touch many documents: see odsd explain VIEW."},
		CodeVariable: {"A variable that is not set",
			"Strings of odsd.yaml and of sources may hold ${VAR}, from the environment, and ${file:/path}, the contents of a file. The one named is absent. Write $${ for a literal ${."},
		CodeListener: {"A listener open to the network",
			"Without `auth`, everyone who can reach the address may read everything. Listen on 127.0.0.1, or write `insecure: true` if the network is trusted."},
		CodeLayout: {"A file that would not be read",
			"A project has its definitions in sources/*.yaml, schema/*.yaml, views/*.yaml and tests/*.yaml. A file of another ending, or in a folder below, would be passed over in silence, so it is an error."},
		CodeCapture: {"A table that is not captured",
			"A table must be listed under `tables` of its source, and its columns must be in the schema file of that source; `odsd check --live --write` writes that file from the database."},
		CodeType: {"A type that is not supported yet",
			"The column's type cannot be captured by this version."},
		CodeSchema: {"A schema file that contradicts itself",
			"The schema file of a source names columns in `key` or `unique` that it does not list, or belongs to no source of the project. The file is generated: `odsd check --live --write` writes it anew."},
		CodeTest: {"A view test that cannot happen",
			"The rows of a test obey their table's key, as in the database: each has one, no two have the same, and an update or delete names a row that is there."},
	}
}
