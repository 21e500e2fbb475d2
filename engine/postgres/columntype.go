package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/storage/relation"
)

// baseTypes are PostgreSQL's types that a relation.Kind stands for, by oid.
// Enums are known by what they are. Values of any other type are texts, as
// PostgreSQL prints them.
var baseTypes = map[uint32]relation.Kind{
	16: relation.Bool, 21: relation.Int2, 23: relation.Int4, 20: relation.Int8,
	700: relation.Float4, 701: relation.Float8, oidNumeric: relation.Decimal,
	25: relation.Text, 1043: relation.Text, oidBpchar: relation.Text, 19: relation.Text, 18: relation.Text,
	2950: relation.UUID, 1082: relation.Date, 1083: relation.Time,
	oidTimestamp: relation.Timestamp, 1184: relation.Timestamp, 1186: relation.Interval,
	114: relation.JSON, 3802: relation.JSON, 17: relation.Bytes,
}

const (
	oidBpchar    = 1042
	oidTimestamp = 1114
	oidNumeric   = 1700
)

// plainNames are the names that format_type gives to the one type that a kind
// is named after, where they are not the kind's own.
var plainNames = map[string]relation.Kind{
	"time without time zone":   relation.Time,
	"timestamp with time zone": relation.Timestamp,
}

// columnType is what the decoder must know of a column besides its
// relation.Type.
type columnType struct {
	relation.Type
	labels []string // of an enum, in its order
	// local says that the type holds timestamps without time zone, which are
	// read in the source's time zone.
	local bool
	// delimiter stands between the elements of an array.
	delimiter byte
}

// catalogType is one row of pg_type.
type catalogType struct {
	kind     string // b base, e enum, d domain, c composite, r range, m multirange, p pseudo
	base     uint32 // of a domain
	modifier int32  // of a domain
	element  uint32 // of an array
	// delimiter is what an array of this type has between its elements.
	delimiter byte
	labels    []string
}

// catalogTypes resolves types by oid.
type catalogTypes map[uint32]catalogType

const typesQuery = `
with recursive needed as (
	select t.* from pg_type t where t.oid = any($1)
	union
	select t.* from pg_type t join needed n
		on t.oid = n.typbasetype or n.typcategory = 'A' and n.typtype = 'b' and t.oid = n.typelem)
select oid, typtype::text, typbasetype, typtypmod, ascii(typdelim::text),
	case when typcategory = 'A' and typtype = 'b' and typlen = -1 and oid not in ('int2vector'::regtype, 'oidvector'::regtype) then typelem else 0::oid end,
	coalesce((select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = needed.oid), '{}')
from needed`

func readTypes(ctx context.Context, conn *pgx.Conn, oids []uint32) (catalogTypes, error) {
	rows, err := conn.Query(ctx, typesQuery, oids)
	if err != nil {
		return nil, fmt.Errorf("read pg_type: %w", err)
	}
	types := make(catalogTypes)
	var oid uint32
	var t catalogType
	var delimiter int32
	_, err = pgx.ForEachRow(rows, []any{&oid, &t.kind, &t.base, &t.modifier, &delimiter, &t.element, &t.labels}, func() error {
		t.delimiter = byte(delimiter)
		types[oid] = t
		t.labels = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read pg_type: %w", err)
	}
	return types, nil
}

// resolve finds what a column's type is here. printed is what format_type gives.
func (types catalogTypes) resolve(oid uint32, modifier int32, printed string) columnType {
	t := columnType{delimiter: relation.Delimiter}
	t.Scale = -1
	base, modifier := types.undomain(oid, modifier)
	if element := types[base].element; element != 0 {
		t.delimiter = types[element].delimiter
		base, _ = types.undomain(element, -1)
		t.Kind, t.Elem = relation.Array, types.kind(base)
	} else {
		t.Kind = types.kind(base)
		if t.Kind == relation.Decimal && modifier >= 0 {
			t.Scale = numericScale(modifier)
		}
	}
	t.labels, t.local = types[base].labels, base == oidTimestamp
	t.Name = typeName(t.Type, printed)
	return t
}

// undomain follows domains to the type that they are over, and takes the
// modifier that one of them sets.
func (types catalogTypes) undomain(oid uint32, modifier int32) (uint32, int32) {
	for types[oid].kind == "d" {
		if modifier < 0 {
			modifier = types[oid].modifier
		}
		oid = types[oid].base
	}
	return oid, modifier
}

// kind of a type that is no domain. An array comes here as an element of
// another one, through a domain.
func (types catalogTypes) kind(oid uint32) relation.Kind {
	if k, known := baseTypes[oid]; known {
		return k
	}
	if types[oid].kind == "e" {
		return relation.Enum
	}
	return relation.Text
}

// numericScale takes the declared scale out of a numeric's type modifier: its
// lowest 11 bits, signed. A negative scale rounds to tens and leaves no decimal
// places.
func numericScale(modifier int32) int32 {
	scale := (modifier - 4) & 0x7ff
	return max(scale^0x400-0x400, 0)
}

// typeName is the name that a Type keeps: none where its kind alone says all.
func typeName(t relation.Type, printed string) string {
	printed = strings.TrimPrefix(printed, "public.")
	element, isArray := strings.CutSuffix(printed, "[]")
	kind := t.Kind
	if isArray {
		kind = t.Elem
	}
	if element == kind.String() || plainNames[element] == kind {
		return ""
	}
	return printed
}
