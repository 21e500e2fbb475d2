package postgres

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"odsd/engine"
	"odsd/storage/relation"
)

// kinds of columns, and values of each as SQL literals.
var typeCases = []struct {
	declared string
	want     relation.Type
	values   []string
}{
	{"boolean", relation.TypeOf(relation.Bool), []string{"true", "false"}},
	{"smallint", relation.TypeOf(relation.Int2), []string{"-32768", "32767"}},
	{"integer", relation.TypeOf(relation.Int4), []string{"-2147483648", "2147483647"}},
	{"bigint", relation.TypeOf(relation.Int8), []string{"-9223372036854775808", "9223372036854775807"}},
	{"real", relation.TypeOf(relation.Float4), []string{"1.5", "'-0'", "3.4e38", "1e-45", "'NaN'", "'-Infinity'"}},
	{"double precision", relation.TypeOf(relation.Float8), []string{"0.1", "1e308", "5e-324", "'NaN'", "'Infinity'"}},
	{"numeric", relation.TypeOf(relation.Decimal), []string{"1.10", "-0.000000000000000000001", "123456789012345678901234567890.5", "'NaN'", "'Infinity'", "'-Infinity'", "0.00"}},
	{"numeric(12,2)", relation.Type{Kind: relation.Decimal, Scale: 2, Name: "numeric(12,2)"}, []string{"19.9", "-1", "'NaN'"}},
	{"numeric(3,-2)", relation.Type{Kind: relation.Decimal, Scale: 0, Name: "numeric(3,-2)"}, []string{"12345"}},
	{"text", relation.TypeOf(relation.Text), []string{"''", `E'tab\t newline\n return\r backslash\\ quote\' "'`, `'\N'`, "'żółć 🦆'", `E'\x01\x0b\x08\x0c'`, `'\.'`}},
	{"varchar(20)", relation.Type{Kind: relation.Text, Scale: -1, Name: "character varying(20)"}, []string{"'abc'"}},
	{"character(5)", relation.Type{Kind: relation.Text, Scale: -1, Name: "character(5)"}, []string{"'ab'"}},
	{"name", relation.Type{Kind: relation.Text, Scale: -1, Name: "name"}, []string{"'pg_class'"}},
	{`"char"`, relation.Type{Kind: relation.Text, Scale: -1, Name: `"char"`}, []string{"'x'"}},
	{"uuid", relation.TypeOf(relation.UUID), []string{"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"}},
	{"date", relation.TypeOf(relation.Date), []string{"'2024-02-29'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'5874897-12-31'"}},
	{"time", relation.TypeOf(relation.Time), []string{"'24:00:00'", "'00:00:00.000001'"}},
	{"timestamptz", relation.TypeOf(relation.Timestamp), []string{"'2024-06-01 12:00:00.123456+05:30'", "'0001-01-01 00:00:00+00 BC'", "'infinity'", "'294000-12-31 23:59:59.999999+00'"}},
	{"interval", relation.TypeOf(relation.Interval), []string{"'1 year -2 mons 3 days -04:05:06.789'", "'-178000000 years'"}},
	{"json", relation.Type{Kind: relation.JSON, Scale: -1}, []string{`'{"b": 1,  "a": [1.10, null]}'`, `'null'`}},
	{"jsonb", relation.Type{Kind: relation.JSON, Scale: -1, Name: "jsonb"}, []string{`'{"b": 1,  "a": "\\ \" \u00e9"}'`, `'null'`}},
	{"bytea", relation.TypeOf(relation.Bytes), []string{`'\x00ff5c'`, `''`}},
	{"mood", relation.Type{Kind: relation.Enum, Scale: -1, Name: "mood"}, []string{"'ok'", `'so, "so"'`}},
	{"citext", relation.Type{Kind: relation.Text, Scale: -1, Name: "citext"}, []string{"'MiXed'"}},
	{"price", relation.Type{Kind: relation.Decimal, Scale: 2, Name: "price"}, []string{"1.5"}},
	{"integer[]", relation.ArrayOf(relation.Int4), []string{"'{}'", "'{1,null,-3}'"}},
	{"text[]", relation.ArrayOf(relation.Text), []string{`E'{"a,b","c\\"d",NULL,"NULL","","back\\\\slash","tab\t"}'`}},
	{"mood[]", relation.Type{Kind: relation.Array, Elem: relation.Enum, Scale: -1, Name: "mood[]"}, []string{`array['ok', 'so, "so"']::mood[]`}},
	{"price[]", relation.Type{Kind: relation.Array, Elem: relation.Decimal, Scale: -1, Name: "price[]"}, []string{"'{1.5,NULL}'"}},
	{"tags", relation.Type{Kind: relation.Array, Elem: relation.Text, Scale: -1, Name: "tags"}, []string{"'{a,b}'"}},
	{"timestamptz[]", relation.ArrayOf(relation.Timestamp), []string{"'{2024-06-01 12:00:00+02}'"}},
	{"bytea[]", relation.ArrayOf(relation.Bytes), []string{`array['\x00ff'::bytea, null]`}},
	{"uuid[]", relation.ArrayOf(relation.UUID), []string{"'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"}},
	{"jsonb[]", relation.Type{Kind: relation.Array, Elem: relation.JSON, Scale: -1, Name: "jsonb[]"}, []string{`array['{"a": "b,c"}']::jsonb[]`}},
}

// TestEveryTypeByCopyAndStream stores each value before the copy and again
// after it: both must give the same, and print as PostgreSQL prints it.
func TestEveryTypeByCopyAndStream(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create type mood as enum ('ok', 'so, "so"', 'sad')`, `create domain price as numeric(10,2)`, `create domain tags as text[]`)
	hasCitext := d.text(`select (exists (select from pg_available_extensions where name = 'citext'))::text`) == "true"
	if hasCitext {
		d.exec(`create extension citext`)
	}
	var names []string
	for i, c := range typeCases {
		if c.declared == "citext" && !hasCitext {
			continue
		}
		if c.declared == "numeric(3,-2)" && shared.Major() < 15 {
			continue // negative scales came with 15
		}
		table := fmt.Sprintf("t%d", i)
		names = append(names, table)
		d.exec(fmt.Sprintf(`create table %s (id int primary key, v %s)`, table, c.declared))
		for k, v := range append(c.values, "null") {
			d.exec(fmt.Sprintf(`insert into %s values (%d, %s)`, table, k, v))
		}
	}
	f := follow(t, d.source(names...), nil)
	f.untilCopied()
	for _, table := range names {
		d.exec(fmt.Sprintf(`insert into %[1]s select id + 100, v from %[1]s`, table))
	}
	f.catchUp(d)
	for i, c := range typeCases {
		relationName := fmt.Sprintf("%s.t%d", d.name, i)
		schema := f.schema(relationName)
		if schema == nil {
			continue
		}
		if got := schema.Columns[1].Type; got != c.want {
			t.Errorf("%s has type %+v, want %+v", c.declared, got, c.want)
		}
		if (c.want.Kind == relation.Enum || c.want.Elem == relation.Enum) && strings.Join(schema.Columns[1].Labels, "|") != `ok|so, "so"|sad` {
			t.Errorf("%s has labels %q", c.declared, schema.Columns[1].Labels)
		}
		for k := range len(c.values) + 1 {
			copied, streamed := f.rows[relationName][fmt.Sprint(k)][1], f.rows[relationName][fmt.Sprint(100+k)][1]
			if !relation.Identical(copied, streamed) {
				t.Errorf("%s: copied %s, streamed %s", c.declared, show(copied), show(streamed))
			}
			if k == len(c.values) {
				if !copied.IsNull() {
					t.Errorf("%s: null came as %s", c.declared, show(copied))
				}
				continue
			}
			if copied.Kind() != c.want.Kind {
				t.Errorf("%s: kind %s", c.declared, copied.Kind())
			}
			// Not ::text, which drops the blanks of a character(n).
			want := d.text(fmt.Sprintf(`select format('%%s', v) from t%d where id = %d`, i, k))
			if got := show(copied); got != want && c.values[k] != "'-0'" { // negative zero is zero here
				t.Errorf("%s: %s printed %q, PostgreSQL prints %q", c.declared, c.values[k], got, want)
			}
		}
	}
}

func TestLocalTimestampsAreReadInTheSourcesZone(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	d := newDatabase(t)
	d.exec(`create table t (id int primary key, at timestamp, list timestamp[], zoned timestamptz, day date, shifted timestamp[])`)
	row := `'2024-07-01 12:00', array['2024-01-01 12:00'::timestamp, null, 'infinity'], '2024-07-01 12:00+00', '2024-07-01', '[3:3]={2024-01-01 12:00}'`
	d.exec(`insert into t values (1, ` + row + `)`)
	s := d.source("t")
	s.config.Timezone = berlin
	f := follow(t, s, nil)
	f.untilCopied()
	d.exec(`insert into t values (2, ` + row + `)`)
	f.catchUp(d)
	for _, key := range []string{"1", "2"} {
		got := f.rows[d.name+".t"][key]
		at := time.Date(2024, 7, 1, 10, 0, 0, 0, time.UTC).UnixMicro()
		winter := time.Date(2024, 1, 1, 11, 0, 0, 0, time.UTC).UnixMicro()
		list := got[2].List()
		if got[1].Int() != at || list[0].Int() != winter || !list[1].IsNull() || !list[2].IsInfinite() {
			t.Errorf("row %s", showRow(got))
		}
		if shifted := got[5].List(); got[5].Bounds() != "[3:3]" || len(shifted) != 1 || shifted[0].Int() != winter {
			t.Errorf("row %s: the bounds of a list stay", showRow(got))
		}
		if got[3].Int() != at+2*3600*second || got[4].Int() != 19905 {
			t.Errorf("row %s: what has a zone or none must not move", showRow(got))
		}
	}
}

// Two local times that are one instant, since the clocks left one of them out, are two keys at the
// source. They never become one row: the table halts, from the copy and from the stream, and the others go on.
func TestSkippedTimesInAKeyHaltTheTable(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const both = `insert into t values ('2024-03-31 03:30', 'shown'), ('2024-03-31 02:30', 'skipped')`
	for _, when := range []string{"copied", "streamed"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			d.exec(`create table t (at timestamp primary key, v text)`, `create table other (id int primary key, at timestamp)`,
				`insert into t values ('2024-10-27 02:30', 'shown twice'), ('2024-10-27 01:30', 'before'), ('infinity', 'never')`)
			if when == "copied" {
				d.exec(both)
			}
			s := d.source("t", "other")
			s.config.Timezone = berlin
			f := follow(t, s, nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			if when == "streamed" {
				d.exec(both)
			}
			fault := f.untilHalted(d.name + ".t")
			if fault.Code != codeValue || !strings.Contains(fault.Message, "clocks of Europe/Berlin skipped") || !strings.Contains(fault.Hint, "timezone") {
				t.Errorf("halt %s %q, hint %q", fault.Code, fault.Message, fault.Hint)
			}
			d.exec(`insert into other values (1, '2024-03-31 02:30')`) // no key
			f.catchUp(d)
			if n := len(f.rows[d.name+".other"]); n != 1 {
				t.Errorf("%d rows of the other table, want 1", n)
			}
		})
	}
}

func TestInstantIsWhatPostgreSQLSays(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Europe/Moscow", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca", "America/Sao_Paulo"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		var locals []int64
		for year := 1905; year < 2060; year++ {
			at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).In(zone)
			for range 4 { // around each change of the clock
				_, end := at.ZoneBounds()
				if end.IsZero() {
					break
				}
				_, east := end.Zone()
				for _, minutes := range []int64{-91, -90, -61, -60, -59, -31, -30, -29, -1, 0, 1, 29, 30, 31, 59, 60, 61, 90} {
					locals = append(locals, (end.Unix()+int64(east)+minutes*60)*second)
				}
				at = end
			}
			locals = append(locals, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()+random.Int64N(365*secondsPerDay*second))
		}
		rows, err := d.conn.Query(t.Context(), `
			select u, (extract(epoch from (timestamp '1970-01-01' + u * interval '1 microsecond') at time zone $2) * 1000000)::bigint
			from unnest($1::bigint[]) u`, locals, name)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var local, want int64
			if err := rows.Scan(&local, &want); err != nil {
				t.Fatal(err)
			}
			if got := instant(local, zone); got != want {
				t.Errorf("%s: local %s is %d, PostgreSQL says %d", name, time.UnixMicro(local).UTC(), got, want)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// What cannot be read is an error in its place. In the key it is the bytes as
// they came where the key is a text, and halts the source where it is not: then
// nothing says which row it is.
func TestUnreadableValues(t *testing.T) {
	text, number := relation.TypeOf(relation.Text), relation.TypeOf(relation.Decimal)
	schema := &relation.Schema{Name: "shop.orders", Key: []int{0, 1}, Columns: []relation.Column{
		{Name: "code", Type: text}, {Name: "no", Type: number}, {Name: "note", Type: text}, {Name: "total", Type: number},
		{Name: "tags", Type: relation.ArrayOf(relation.Text)}, {Name: "at", Type: relation.TypeOf(relation.Timestamp)},
	}}
	r := &valueReader{schema: schema, local: make([]bool, 6), zone: time.UTC}
	for _, c := range []struct {
		column int
		text   string
	}{{2, "a\xffb"}, {2, "a\x00b"}, {3, "secret 4711"}, {4, "{a\xff}"}, {5, "294276-12-31 00:00:00+00"}} {
		if v, err := r.value(c.column, c.text); err != nil || v.Code() != relation.ErrUnreadable {
			t.Errorf("%q is read as %s, %v", c.text, show(v), err)
		}
	}
	for _, bad := range []string{"a\xffb", "a\x00b"} {
		if v, err := r.value(0, bad); err != nil || v.Str() != bad {
			t.Errorf("%q in the key is read as %q, %v", bad, v.Str(), err)
		}
	}
	_, err := r.value(1, "secret 4711")
	halt, ok := err.(*engine.Halt)
	if !ok || halt.Code != codeValue || halt.Table != "shop.orders" || !strings.Contains(halt.Message, "column no") {
		t.Fatalf("error %v", err)
	}
	if strings.Contains(fmt.Sprint(halt.Message, halt.Hint), "4711") {
		t.Error("the value is in the message")
	}
}

// A database without an encoding takes any bytes. The rows around one that is
// no text come as they are, and so does that one when it has been corrected.
func TestTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	name := d.name + "_ascii"
	d.exec(`create database ` + name + ` encoding 'SQL_ASCII' locale 'C' template template0`)
	ascii := &database{t: t, name: name, dsn: strings.Replace(d.dsn, "/"+d.name, "/"+name, 1)}
	ascii.reconnect()
	ascii.exec(`set client_encoding to 'SQL_ASCII'`, `create table t (id int primary key, v text, l text[], j json)`, `create table k (code text primary key, v text)`,
		`insert into t values (1, 'fine ż', null, null), (2, E'copied \xff', '{a}', '1')`, `insert into k values (E'\xc3', 'a')`)
	f := follow(t, ascii.source("t", "k"), nil)
	f.untilCopied()
	ascii.exec(`insert into t values (3, E'\xff', null, null), (4, 'fine', array[E'\xff'], '2'), (5, 'fine', '{b}', E'"\xff"')`,
		`update t set v = 'mended' where id = 2`, `update t set j = '3' where id = 5`, `update t set v = E'\xfe' where id = 1`,
		`update k set v = 'b'`, `insert into k values (E'\xc3\xb6', 'c')`, `delete from t where id = 3`)
	f.catchUp(ascii)
	unreadable := relation.OfError(relation.ErrUnreadable)
	rows := f.rows[name+".t"]
	if len(rows) != 4 || rows["1"][1] != unreadable || rows["4"][2] != unreadable || show(rows["4"][1]) != "fine" {
		t.Errorf("rows %v", rows)
	}
	for key, want := range map[string]string{"2": "2 mended {a} 1", "5": "5 fine {b} 3"} {
		if got := showRow(rows[key]); got != want {
			t.Errorf("row %q, want %q", got, want)
		}
	}
	if keys := f.rows[name+".k"]; len(keys) != 2 || show(keys["\xc3"][1]) != "b" || show(keys["ö"][1]) != "c" {
		t.Errorf("rows %v", keys)
	}
}
