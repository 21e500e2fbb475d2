package postgres

import (
	"fmt"
	"strings"
	"testing"

	"odsd/storage/relation"
)

// generators are SQL expressions that give a random value of each type that a
// column can have, by the name that format_type gives. A type that is missing
// here fails the test, so that a new PostgreSQL or extension is noticed.
var generators = map[string]string{
	"boolean": `random() < 0.5`, "bytea": `decode(md5(random()::text), 'hex')`, `"char"`: `chr(n(1, 126)::int)::"char"`,
	"name": `left(word(), 12)::name`, "text": `word()`, "character varying": `word()::varchar`, "character": `word()::char(1)`, "bpchar": `word()::bpchar`,
	"smallint": `n(-32768, 32767)::int2`, "integer": `n(-2147483648, 2147483647)::int4`, "bigint": `n(-9223372036854775808, 9223372036854775807)`,
	"real":             `case n(0, 6) when 0 then 'NaN' when 1 then '-Infinity' else ((random() - 0.5) * 10 ^ n(-30, 30))::text end::float4`,
	"double precision": `case n(0, 6) when 0 then 'NaN' when 1 then 'Infinity' else ((random() - 0.5) * 10 ^ n(-300, 300))::text end::float8`,
	"numeric":          `case n(0, 8) when 0 then 'NaN' when 1 then '-Infinity' when 2 then repeat('9', 1500) || '.50' else (n(-1000000000000, 1000000000000) / 10.0 ^ n(0, 20)::int)::text end::numeric`,
	"money":            `(n(-1000000000000, 1000000000000) / 100.0)::numeric::money`,
	"json":             `json_build_object(word(), word(), 'n', random(), 'l', array[null, word()])`, "jsonb": `jsonb_build_object(word(), word(), 'n', random(), 'l', array[null, word()])`,
	"jsonpath":                    `('$."' || md5(random()::text) || '"[*] ? (@ > ' || n(0, 99) || ')')::jsonpath`,
	"xml":                         `xmlelement(name "a", xmlattributes(md5(random()::text) as b), replace(word(), E'\x01', ''))`,
	"date":                        `case n(0, 6) when 0 then 'infinity' when 1 then '-infinity' else (date '2000-01-01' + n(-2400000, 2000000)::int)::text end::date`,
	"time without time zone":      `case n(0, 6) when 0 then '24:00' else (time '00:00' + random() * interval '86399 s')::text end::time`,
	"time with time zone":         `((time '00:00' + random() * interval '86399 s')::text || '+' || n(0, 14) || ':' || n(10, 59))::timetz`,
	"timestamp without time zone": `case n(0, 6) when 0 then 'infinity' else (timestamp '2000-01-01' + n(-200000000000, 2000000000000) * interval '1.000001 s')::text end::timestamp`,
	"timestamp with time zone":    `case n(0, 6) when 0 then '-infinity' else (timestamptz '2000-01-01 UTC' + n(-200000000000, 2000000000000) * interval '1.000001 s')::text end::timestamptz`,
	"interval":                    `make_interval(n(-99, 99)::int, n(-20, 20)::int, 0, n(-99, 99)::int, 0, 0, n(-999999999999, 999999999999) / 1000000.0)`,
	"uuid":                        `gen_random_uuid()`,
	"inet":                        `case n(0, 1) when 0 then format('10.%s.%s.%s/%s', n(0, 255), n(0, 255), n(0, 255), n(8, 32)) else format('fe80::%s:%s/%s', to_hex(n(0, 65535)), to_hex(n(0, 65535)), n(1, 128)) end::inet`,
	"cidr":                        `network(format('10.%s.%s.%s/%s', n(0, 255), n(0, 255), n(0, 255), n(8, 32))::inet)`,
	"macaddr":                     `left(md5(random()::text), 12)::macaddr`, "macaddr8": `left(md5(random()::text), 16)::macaddr8`,
	"bit": `n(0, 1)::int::bit`, "bit varying": `substring(n(0, 1048575)::int::bit(20)::varbit from n(1, 20)::int)`,
	"tsvector": `setweight(to_tsvector('simple', md5(random()::text) || ' it''s a\b ' || n(0, 9)), 'B')`, "tsquery": `phraseto_tsquery('simple', md5(random()::text) || ' ' || n(0, 9)) && 'x:*'`,
	"point": `point(random() * 100 - 50, random())`, "line": `line(point(0, random()), point(1, random()))`, "lseg": `lseg(point(0, random()), point(1, random()))`,
	"box": `box(point(random(), random()), point(random(), 2))`, "circle": `circle(point(random(), 0), random())`, "polygon": `polygon(box(point(random(), random()), point(2, 2)))`,
	"path":      `format(case when random() < 0.5 then '((0,%s),(1,2))' else '[(0,%s),(1,2)]' end, random())`,
	"int4range": `int4range(n(-9, 0)::int, nullif(n(0, 9)::int, 5), '(]')`, "int8range": `int8range(n(-9, 0), n(0, 9))`, "numrange": `numrange(n(-9, 0) / 10.0, n(0, 9) / 10.0, '[]')`,
	"daterange": `daterange(current_date - n(0, 9)::int, current_date, '[]')`, "tsrange": `tsrange(localtimestamp - random() * interval '1 year', null)`, "tstzrange": `tstzrange(now() - random() * interval '1 year', now())`,
	"int4multirange": `int4multirange(int4range(1, n(2, 5)::int), int4range(n(7, 9)::int, null))`, "int8multirange": `int8multirange(int8range(1, n(2, 5)), int8range(n(7, 9), 20))`,
	"nummultirange": `nummultirange(numrange(1, n(2, 5) / 1.0), 'empty')`, "datemultirange": `datemultirange(daterange(current_date - n(1, 9)::int, current_date))`,
	"tsmultirange": `tsmultirange(tsrange(localtimestamp - random() * interval '1 year', null))`, "tstzmultirange": `tstzmultirange(tstzrange(now() - random() * interval '1 year', now()))`,
	"oid": `n(0, 4294967295)::oid`, "regclass": `case n(0, 2) when 0 then 123456::oid::regclass else (array['pg_class', 'public."Big Table"'])[n(1, 2)]::regclass end`, "regcollation": `(array['"C"', '"POSIX"'])[n(1, 2)]::regcollation`,
	"regconfig": `(array['simple', 'english'])[n(1, 2)]::regconfig`, "regdictionary": `'simple'::regdictionary`, "regnamespace": `(array['pg_catalog', 'public'])[n(1, 2)]::regnamespace`,
	"regoper": `'||/'::regoper`, "regoperator": `(array['+(int4,int4)', '||(text,text)'])[n(1, 2)]::regoperator`, "regproc": `(array['sin', 'public.word'])[n(1, 2)]::regproc`,
	"regprocedure": `(array['sin(float8)', 'public.n(bigint,bigint)'])[n(1, 2)]::regprocedure`, "regrole": `'postgres'::regrole`, "regtype": `(array['int4', 'public.mood', 'text[]'])[n(1, 3)]::regtype`,
	"xid": `n(0, 4294967295)::text::xid`, "xid8": `n(0, 9223372036854775807)::text::xid8`, "cid": `n(0, 4294967295)::text::cid`, "tid": `format('(%s,%s)', n(0, 99), n(0, 99))::tid`,
	"pg_lsn": `'0/0'::pg_lsn + n(0, 9223372036854775807)`, "pg_snapshot": `format('10:20:10,%s', n(11, 19))::pg_snapshot`, "txid_snapshot": `format('10:20:10,%s', n(11, 19))::txid_snapshot`,
	"int2vector": `format('%s %s', n(-9, 9), n(0, 9))::int2vector`, "oidvector": `format('%s %s', n(0, 9), n(0, 9))::oidvector`,
	"aclitem": `makeaclitem('postgres'::regrole, 'postgres'::regrole, 'SELECT', random() < 0.5)`, "refcursor": `word()::refcursor`,
	"pg_node_tree": `(select ev_action from pg_rewrite order by random() limit 1)`,
	"pg_ndistinct": `(select stxdndistinct from pg_statistic_ext_data limit 1)`, "pg_dependencies": `(select stxddependencies from pg_statistic_ext_data limit 1)`, "pg_mcv_list": `(select stxdmcv from pg_statistic_ext_data limit 1)`,
	"information_schema.cardinal_number": `n(0, 99)::int`, "information_schema.character_data": `word()`, "information_schema.sql_identifier": `left(word(), 9)::name`,
	"information_schema.time_stamp": `now()`, "information_schema.yes_or_no": `(array['YES', 'NO'])[n(1, 2)]`,
	// Made by the test.
	"public.mood": `(array['ok', 'so, "so"'])[n(1, 2)]::public.mood`, "public.price": `n(0, 9999) / 100.0`, "public.tags": `array[word(), null]`,
	"public.pair": `row(n(0, 9)::int, word())::public.pair`, "public.counted": `row(n(0, 9), null)::public.counted`, "public.half": `row(n(0, 9)::int, word())::public.pair`, "public.span": `public.span(random(), 2)`,
	"public.spans": `public.spans(public.span(random(), 2))`, `public."Big Table"`: `row(n(0, 9)::int)::public."Big Table"`,
	// Of extensions.
	"public.citext": `word()::citext`, "public.hstore": `hstore(array['a', word()], array[word(), null])`, "public.cube": `cube(array[random(), n(0, 9)])`, "public.seg": `(n(0, 9) || ' .. ' || n(10, 19))::seg`,
	"public.ltree": `format('a.b%s', n(0, 99))::ltree`, "public.lquery": `format('a.b%s*', n(0, 99))::lquery`, "public.ltxtquery": `format('a & b%s*', n(0, 99))::ltxtquery`,
	"public.lo": `n(0, 99)::oid`, "public.query_int": `format('%s&(2|!3)', n(0, 9))::query_int`,
	"public.ean13": `'978-0-393-04002-9'::ean13`, "public.isbn13": `'978-0-393-04002-9'::isbn13`, "public.isbn": `'0-393-04002-X'::isbn`, "public.issn": `'1436-4522'::issn`, "public.issn13": `'977-1436-452-00-8'::issn13`,
	"public.ismn": `'M-706700-06-9'::ismn`, "public.ismn13": `'979-0-706700-06-9'::ismn13`, "public.upc": `'220356483481'::upc`,
	"public.vector": `format('[1,%s,-2.5e-7]', random())::vector`, "public.halfvec": `'[1,2]'::halfvec`, "public.sparsevec": `'{1:2}/5'::sparsevec`,
	"public.geometry": `st_makepoint(random(), random())`, "public.geography": `st_makepoint(random(), random())::geography`, "public.box2d": `box2d(st_makepoint(random(), 1))`, "public.box3d": `box3d(st_makepoint(random(), 1))`,
}

// valueless are the types of columns that nobody can put a value in: index
// keys and summaries.
var valueless = map[string]bool{
	"gtsvector": true, "pg_brin_bloom_summary": true, "pg_brin_minmax_multi_summary": true,
	"public.ghstore": true, "public.ltree_gist": true, "public.intbig_gkey": true, "public.spheroid": true, "public.gidx": true, "public.box2df": true,
}

// wantedExtensions are those with types of their own; what the server has of them is tested.
var wantedExtensions = []string{"citext", "hstore", "cube", "seg", "isn", "ltree", "lo", "intarray", "vector", "postgis"}

// allTypes are the types that a column can have. Rows of the system's tables and
// of extensions' are left out: they are composites like any other.
const allTypes = `
select format_type(t.oid, null), coalesce(format_type(e.oid, null), ''), coalesce(e.typdelim, ',')::text
from pg_type t join pg_namespace n on n.oid = t.typnamespace
left join pg_type e on e.oid = t.typelem and t.typcategory = 'A' and t.typname not in ('int2vector', 'oidvector')
where t.typisdefined and t.typtype <> 'p' and coalesce(e.typtype, 'b') <> 'p'
	and not (n.nspname in ('pg_catalog', 'information_schema', 'pg_toast') and 'c' in (t.typtype, e.typtype))
	and not exists (select from pg_type c join pg_depend d on d.deptype = 'e' and (d.classid, d.objid) in (('pg_type'::regclass, c.oid), ('pg_class'::regclass, c.typrelid))
		where c.oid in (t.oid, e.oid) and c.typtype = 'c')
order by t.oid`

// withoutInput are types whose text the server itself does not read.
var withoutInput = map[string]bool{"pg_node_tree": true, "pg_ndistinct": true, "pg_dependencies": true, "pg_mcv_list": true}

// valuesEach is how many values each type is tried with.
const valuesEach = 12

type typeTable struct {
	table, typ, element, delimiter string
}

// TestRandomValuesOfEveryType has PostgreSQL make values of every type that it
// has, copies them, streams them, and compares with what it prints itself. The
// database's own settings would print nearly all of them otherwise.
func TestRandomValuesOfEveryType(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	tables := d.everyType()
	for _, setting := range printedOddly {
		d.exec(`alter database ` + d.name + ` set ` + setting)
	}
	var names []string
	for _, c := range tables {
		names = append(names, c.table)
	}
	f := follow(t, d.source(names...), nil)
	f.untilCopied()
	for i, c := range tables {
		d.exec(fmt.Sprintf(`insert into public.%[1]s select id + 100, v from public.%[1]s`, c.table))
		if i%20 == 0 { // each table that comes up anew is looked up in the catalog
			f.catchUp(d)
		}
	}
	f.catchUp(d)
	values := 0
	for _, c := range tables {
		schema := f.schema(d.name + "." + c.table)
		if got := schema.Columns[1].Type; (got.Kind == relation.Array) != (c.element != "" || strings.HasSuffix(c.typ, "tags")) {
			t.Errorf("%s is of kind %s", c.typ, got.Kind)
		}
		values += d.compare(f, c)
	}
	if values < 1500 {
		t.Errorf("only %d values were compared", values)
	}
}

// everyType makes a table of each type, with random values.
func (d *database) everyType() []*typeTable {
	d.t.Helper()
	d.exec(
		`create function n(low bigint, high bigint) returns bigint volatile language sql as $$ select (low + floor(random()::numeric * (high::numeric - low + 1)))::bigint $$`,
		`create function word() returns text volatile language sql as $$ select coalesce(string_agg(substr(E'aZ09 "\\,;{}()[]''żó🦆\t\n\r\x01NUL=:.%', n(1, 32)::int, 1), ''), '') from generate_series(1, n(0, 6)) $$`,
		`create type mood as enum ('ok', 'so, "so"')`, `create domain price as numeric(10,2)`, `create domain tags as text[]`,
		`create type pair as (a int, b text)`, `create domain half as pair`, `create type span as range (subtype = float8, multirange_type_name = spans)`,
		`create table "Big Table" (a int)`, `create table counted (a int, b int)`, `create statistics counts on a, b from counted`,
		`insert into counted select g, g % 3 from generate_series(1, 100) g`, `analyze counted`, `select setseed(0.5)`)
	for _, name := range wantedExtensions {
		if d.text(`select exists (select from pg_available_extensions where name = $1)::text`, name) == "true" {
			d.exec(`create extension ` + name)
		}
	}
	d.exec(`set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'postgres'; set extra_float_digits = 3; set bytea_output = 'hex'; set search_path = pg_catalog`)
	rows, err := d.conn.Query(d.t.Context(), allTypes)
	if err != nil {
		d.t.Fatal(err)
	}
	var tables []*typeTable
	for rows.Next() {
		c := &typeTable{table: fmt.Sprintf("type%d", len(tables))}
		if err := rows.Scan(&c.typ, &c.element, &c.delimiter); err != nil {
			d.t.Fatal(err)
		}
		tables = append(tables, c)
	}
	if err := rows.Err(); err != nil {
		d.t.Fatal(err)
	}
	for _, c := range tables {
		d.exec(fmt.Sprintf(`create table public.%s (id int primary key, v %s)`, c.table, c.typ), fmt.Sprintf(`insert into public.%s values (99, null)`, c.table))
		for id := range valuesEach {
			if value := d.generator(c, id); value != "" {
				d.exec(fmt.Sprintf(`set search_path = public; insert into public.%s select %d, %s; set search_path = pg_catalog`, c.table, id, value))
			}
		}
	}
	return tables
}

// generator is an expression for one value of a type; "" where it has none.
func (d *database) generator(c *typeTable, id int) string {
	name := c.typ
	if c.element != "" {
		name = c.element
	}
	element, known := generators[name]
	switch {
	case valueless[name]:
		element = "null"
	case !known:
		d.t.Errorf("type %s has no generator in this test", name)
		return ""
	}
	if c.element == "" {
		if element == "null" {
			return ""
		}
		return fmt.Sprintf("(%s)::%s", element, c.typ)
	}
	list := fmt.Sprintf("array[(%[1]s)::%[2]s, (%[1]s)::%[2]s, null, (%[1]s)::%[2]s]", element, name)
	switch {
	case id%4 == 1:
		return "'{}'::" + c.typ
	case id%4 == 2:
		return fmt.Sprintf("(array[%[1]s, %[1]s])::%[2]s", list, c.typ)
	case id%4 == 3 && known && !withoutInput[name]:
		return fmt.Sprintf("('[%d:%d]=' || (%s::%s)::text)::%s", id-5, id-2, list, c.typ, c.typ)
	}
	return list + "::" + c.typ
}

// printed is an expression for a value's text as it is shown here.
func (c *typeTable) printed() string {
	switch {
	case c.typ == "timestamp without time zone": // an instant here
		return `format('%s', v::timestamptz)`
	case c.typ == "timestamp without time zone[]":
		return `format('%s', v::timestamptz[])`
	case c.delimiter != ",": // ours is always the comma
		return `format('%s', coalesce((select array_agg(x::text) from unnest(v) x), '{}'))`
	}
	return `format('%s', v)`
}

// show is a value's text as printed gives it.
func (c *typeTable) show(v relation.Value) string {
	if c.delimiter != "," {
		v = flat(v)
	}
	return show(v)
}

// compare gives the number of values compared.
func (d *database) compare(f *follower, c *typeTable) (values int) {
	d.t.Helper()
	rows, err := d.conn.Query(d.t.Context(), fmt.Sprintf(`select id, v is null, %s from public.%s where id < 100 order by id`, c.printed(), c.table))
	if err != nil {
		d.t.Fatalf("%s: %v", c.typ, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var null bool
		var want string
		if err := rows.Scan(&id, &null, &want); err != nil {
			d.t.Fatalf("%s: %v", c.typ, err)
		}
		stored := f.rows[d.name+"."+c.table]
		copied, streamed := stored[fmt.Sprint(id)], stored[fmt.Sprint(100+id)]
		if copied == nil || streamed == nil || !relation.Identical(copied[1], streamed[1]) || copied[1].IsNull() != null {
			d.t.Errorf("%s: copied %v, streamed %v, null %t", c.typ, copied, streamed, null)
			continue
		}
		if null {
			continue
		}
		if got := c.show(copied[1]); got != want {
			d.t.Errorf("%s: %q, PostgreSQL prints %q", c.typ, got, want)
		}
		values++
	}
	if err := rows.Err(); err != nil {
		d.t.Fatalf("%s: %v", c.typ, err)
	}
	return values
}

// flat is an array of the elements of all dimensions, as unnest gives them.
func flat(v relation.Value) relation.Value {
	var list []relation.Value
	for _, e := range v.List() {
		if e.Kind() == relation.Array {
			list = append(list, flat(e).List()...)
		} else {
			list = append(list, e)
		}
	}
	return relation.OfArray(v.Elem(), list)
}
