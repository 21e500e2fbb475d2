package relation

import (
	"regexp"
	"strconv"
	"strings"
)

// typeNames maps what PostgreSQL's format_type prints for a built-in type,
// without its modifier, to the kind that holds its values.
var typeNames = map[string]Kind{
	"boolean": Bool, "smallint": Int2, "integer": Int4, "bigint": Int8,
	"real": Float4, "double precision": Float8, "numeric": Decimal,
	"text": Text, "character varying": Text, "character": Text, "bpchar": Text, "name": Text, `"char"`: Text,
	"bytea": Bytes, "uuid": UUID, "date": Date, "interval": Interval, "json": JSON, "jsonb": JSON,
	"time without time zone":   Time,
	"timestamp with time zone": Timestamp, "timestamp without time zone": Timestamp,
}

// printedTypes are the built-in types that no kind stands for: their values are
// texts, as PostgreSQL prints them.
var printedTypes = func() map[string]bool {
	types := map[string]bool{"time with time zone": true, "bit varying": true}
	for _, name := range strings.Fields(`money bit inet cidr macaddr macaddr8 xml tsvector tsquery jsonpath
		point line lseg box path polygon circle
		int4range int8range numrange tsrange tstzrange daterange
		int4multirange int8multirange nummultirange tsmultirange tstzmultirange datemultirange
		oid regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole regtype
		xid xid8 cid tid pg_lsn pg_snapshot txid_snapshot int2vector oidvector aclitem refcursor`) {
		types[name] = true
	}
	return types
}()

// plainTypes are the names that a kind goes by in PostgreSQL where String's is
// another one. Types of these names, and of String's, have no Name of their own.
var plainTypes = map[string]Kind{
	"time without time zone":   Time,
	"timestamp with time zone": Timestamp,
}

// modifier is what PostgreSQL prints of a type's modifier, in the middle of
// the name: "timestamp(3) with time zone", "numeric(12,2)".
var modifier = regexp.MustCompile(`\((\d+)(?:,(-?\d+))?\)`)

// ParseType reads the name of a type as PostgreSQL's format_type prints it.
// named finds the type that stands behind a name which is not built in: an
// enum, a domain, an extension's type. ok is false for every other name.
func ParseType(printed string, named func(name string) (Type, bool)) (t Type, ok bool) {
	printed = strings.TrimPrefix(printed, "public.")
	element, isArray := strings.CutSuffix(printed, "[]")
	if t, ok = builtin(element); !ok {
		if named == nil {
			return Type{}, false
		}
		if t, ok = named(element); !ok {
			return Type{}, false
		}
	}
	if isArray && t.Kind == Array {
		t.Kind = Text // an array of a domain over arrays is a list of texts
	}
	if isArray {
		t = Type{Kind: Array, Elem: t.Kind, Scale: -1}
	}
	t.Name = nameOf(t, printed, element)
	return t, true
}

func builtin(name string) (Type, bool) {
	base := name
	scale := int32(-1)
	if m := modifier.FindStringSubmatchIndex(name); m != nil {
		base = name[:m[0]] + name[m[1]:]
		scale = 0
		if m[4] >= 0 {
			n, err := strconv.ParseInt(name[m[4]:m[5]], 10, 32)
			if err != nil {
				return Type{}, false
			}
			scale = int32(max(n, 0)) // a negative scale rounds to tens
		}
	}
	if strings.HasPrefix(base, "interval ") {
		base = "interval" // interval day to second
	}
	kind, ok := typeNames[base]
	if printedTypes[base] {
		kind, ok = Text, true
	}
	if kind != Decimal {
		scale = -1
	}
	return Type{Kind: kind, Scale: scale}, ok
}

// nameOf is the name that a type keeps: none where its kind alone says all.
func nameOf(t Type, printed, element string) string {
	kind := t.Kind
	if kind == Array {
		kind = t.Elem
	}
	if element == kind.String() || plainTypes[element] == kind {
		return ""
	}
	return printed
}

// PrintedName is the name of a type as PostgreSQL's format_type prints it:
// what ParseType reads back.
func (t Type) PrintedName() string {
	if t.Name != "" {
		return t.Name
	}
	kind, ending := t.Kind, ""
	if t.Kind == Array {
		kind, ending = t.Elem, "[]"
	}
	for name, plain := range plainTypes {
		if plain == kind {
			return name + ending
		}
	}
	return kind.String() + ending
}
