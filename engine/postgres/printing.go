package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"odsd/storage/relation"
)

// Values of stored rows may change without a change of any row in the log: where ALTER TABLE writes a column anew, and
// where what decides how they print is altered. Tables that hold such values note by what they were
// read, and are copied anew where that is another: nothing else would ever tell.
//
// Not noted is what the oids of other objects stand for, in columns of regclass and its like.

// printing is what decides how a table's values print, beside the values.
type printing struct {
	// money is how two amounts print, under lc_monetary: the same locale may print them
	// otherwise on another system, and two may print alike.
	money string
	// labels of enums with the versions of their rows in the catalog, by oid: a label may get another name, and its old one back.
	labels map[uint32]string
	// composites tells one list of attributes from another, by the type's oid: attributes may come and go.
	composites map[uint32]string
}

// printingQuery takes types apart, domains, arrays, ranges, multiranges and composites, of each other, too, and finds
// which of those that printing depends on each has in it.
const printingQuery = `
with recursive part as (
	select oid as whole, oid from unnest($1::oid[]) t(oid)
	union
	select p.whole, below.oid from part p join pg_type t on t.oid = p.oid, lateral (
		select t.typbasetype as oid union all select t.typelem
		union all select rngsubtype from pg_range where t.oid in (rngtypid, rngmultitypid)
		union all select atttypid from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped) below
	where below.oid <> 0
)
select whole, 'money', 0::oid, 1234567::bigint::money || ' ' || (-1234567)::bigint::money from part where oid = 'money'::regtype
union all
select whole, 'label', e.oid, e.xmin::text || ' ' || e.enumlabel from part p join pg_enum e on e.enumtypid = p.oid
union all
select whole, 'composite', p.oid, md5(coalesce(string_agg(concat_ws(' ', a.attnum, a.atttypid, a.atttypmod, a.attisdropped), ',' order by a.attnum), ''))
from part p join pg_type t on t.oid = p.oid and t.typtype = 'c' left join pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0
group by whole, p.oid`

// readPrinting notes at tables how their values print; types are those of their columns.
func readPrinting(ctx context.Context, conn *pgx.Conn, tables []*table, types []uint32) error {
	rows, err := conn.Query(ctx, printingQuery, types)
	if err != nil {
		return fmt.Errorf("read pg_type: %w", err)
	}
	users := make(map[uint32][]*table)
	for _, t := range tables {
		for _, c := range t.columns {
			users[c.typeOID] = append(users[c.typeOID], t)
		}
	}
	var whole, part uint32
	var kind, text string
	_, err = pgx.ForEachRow(rows, []any{&whole, &kind, &part, &text}, func() error {
		for _, t := range users[whole] {
			t.printing.add(kind, part, strings.ToValidUTF8(text, "?")) // a database without an encoding may print any bytes
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read pg_type: %w", err)
	}
	return nil
}

func (p *printing) add(kind string, part uint32, text string) {
	switch kind {
	case "money":
		p.money = text
	case "label":
		p.labels = with(p.labels, part, text)
	case "composite":
		p.composites = with(p.composites, part, text)
	}
}

func with(m map[uint32]string, key uint32, value string) map[uint32]string {
	if m == nil {
		m = make(map[uint32]string)
	}
	m[key] = value
	return m
}

// compareValues says what may have changed values of a table's rows since it was copied, without a change of them in
// the log; "" where nothing, or nothing was noted. Labels that came after its copy are known as they were seen first.
func compareValues(schema *relation.Schema, stored relationIdentity, seen map[uint32]string, t *table) string {
	if difference := compareWritten(schema, stored, t); difference != "" {
		return difference
	}
	is := &t.printing
	if stored.Money != "" && is.money != "" && is.money != stored.Money {
		return fmt.Sprintf("its money is printed as in %q, not as in %q: lc_monetary changed", is.money, stored.Money)
	}
	for oid, was := range stored.Composites {
		if is.composites[oid] != was {
			return "a composite type of its columns got other attributes"
		}
	}
	for _, oid := range slices.Sorted(maps.Keys(is.labels)) {
		was, noted := stored.Labels[oid]
		if !noted {
			was, noted = seen[oid]
		}
		if noted && is.labels[oid] != was {
			_, label, _ := strings.Cut(was, " ")
			return fmt.Sprintf("value %q of an enum was renamed", label)
		}
	}
	return ""
}

// unseenLabels are those of enums that came after the copies of the tables that hold them, and are seen for the first time.
func unseenLabels(tables []*captured, v *survey) map[uint32]string {
	var unseen map[uint32]string
	byOID := indexTables(v.tables)
	for _, c := range tables {
		t := byOID[c.identity.OID]
		if t == nil {
			continue
		}
		for oid, label := range t.printing.labels {
			if c.identity.Labels[oid] == "" && v.labels[oid] == "" {
				unseen = with(unseen, oid, label)
			}
		}
	}
	return unseen
}

// noteLabels has them kept, so that a later look knows them by another name. It is the reader's.
func (s *session) noteLabels(ctx context.Context, unseen map[uint32]string) error {
	id := *s.resume.identity
	id.Labels = maps.Clone(id.Labels)
	for oid, label := range unseen {
		id.Labels = with(id.Labels, oid, label)
	}
	return s.keepIdentity(ctx, &id)
}

// compareWritten finds what ALTER TABLE wrote anew: the table has another file, and a column another row in the catalog.
// The first alone is VACUUM FULL and its like, or TRUNCATE, the second alone what touches no value, as NOT NULL.
func compareWritten(schema *relation.Schema, stored relationIdentity, t *table) string {
	if stored.File == t.file && stored.Partitions == t.partitions {
		return ""
	}
	for i, was := range stored.Columns {
		if is := t.attribute(was.Attribute); was.Version != "" && is.version != was.Version {
			return fmt.Sprintf("column %s was altered and all rows were written anew, which may have changed values", quote(schema.Columns[i].Name))
		}
	}
	return ""
}
