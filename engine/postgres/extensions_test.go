package postgres

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"odsd/engine"
	"odsd/storage/relation"
)

// extensionCases are columns of extensions' types, and values of each as SQL expressions.
// Those of thousands of numbers are kept out of line, so that an update leaves them out.
var extensionCases = map[string][]struct {
	declared string
	values   []string
}{
	"postgis": {
		{"geometry", []string{"'POINT(1 2)'", "'SRID=4326;POINT(-0.1 51.5)'", "'POINT EMPTY'", "'SRID=3857;POLYGON EMPTY'", "'GEOMETRYCOLLECTION EMPTY'", "'LINESTRING ZM (1 2 3 4, 5 6 7 -0.1)'",
			"'CIRCULARSTRING(0 0, 1 1, 2 0)'", "'GEOMETRYCOLLECTION(POINT(1 2), MULTIPOLYGON EMPTY)'", "st_makepoint('NaN', 'Infinity')", "st_setsrid(st_buffer('POINT(0 0)', 1, 2000), 25832)"}},
		{"geometry(Point,4326)", []string{"'SRID=4326;POINT(13.4 52.5)'", "'SRID=4326;POINT EMPTY'"}},
		{"geometry(PolygonZ)", []string{"'POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))'"}},
		{"geography", []string{"'POINT(13.4 52.5)'", "'LINESTRING EMPTY'", "'SRID=4267;POINT(1 2)'", "st_buffer('POINT(0 0)'::geometry, 1, 2000)::geography"}},
		{"geography(Point,4326)", []string{"'POINT(13.4 52.5)'", "'POINT EMPTY'"}},
		{"geometry[]", []string{"'{}'", "array['POINT EMPTY', null, 'SRID=4326;POINT(1 2)']::geometry[]", "array[array['POINT(1 2)', null], array['POINT(3 4)', 'POINT EMPTY']]::geometry[]",
			"array[st_buffer('POINT(0 0)', 1, 2000), null]"}},
		{"geometry(Point,4326)[]", []string{"array['SRID=4326;POINT(1 2)', null]::geometry(Point,4326)[]"}},
		{"geography[]", []string{"array['POINT(1 2)', null, 'POINT EMPTY']::geography[]"}},
		{"box2d", []string{"'BOX(0 1,2.5 3)'"}}, {"box3d", []string{"'BOX3D(0 1 2,3 4 5)'"}},
		{"place", []string{"row('a, \"b\"', 'POINT EMPTY')", "row(null, 'SRID=4326;POINT(1 2)')", "row('c', null)"}},
		{"place[]", []string{"array[row('a, b', 'POINT(1 2)'), null]::place[]"}},
		{"spot", []string{"'SRID=4326;POINT(1 2)'"}}, {"spot[]", []string{"array['SRID=4326;POINT(1 2)', null]::spot[]"}},
	},
	"vector": {
		{"vector", []string{"'[1,2.5,-3e-20]'", "'[0]'", "array(select sin(g) from generate_series(1, 16000) g)::vector"}},
		{"vector(3)", []string{"'[1,0.1,3.4e38]'"}},
		{"vector[]", []string{"'{}'", "array['[1,2]', null, '[0.1]']::vector[]", "array[array['[1]'], array['[2,3]']]::vector[]"}},
		{"halfvec", []string{"'[1,2.5,-6e-8]'", "array(select sin(g) from generate_series(1, 16000) g)::vector::halfvec"}},
		{"halfvec(2)", []string{"'[0.1,65504]'"}}, {"halfvec[]", []string{"array['[1,0.1]', null]::halfvec[]"}},
		{"sparsevec", []string{"'{1:0.1,3:-2e10}/5'", "'{}/1000000000'"}},
		{"sparsevec(5)", []string{"'{5:1}/5'"}}, {"sparsevec[]", []string{"array['{1:2,3:4}/5', null, '{}/3']::sparsevec[]"}},
		{"embedding", []string{"'[1,2,3]'"}},
	},
}

// extensionTypes are made over those of the extensions.
var extensionTypes = map[string][]string{
	"postgis": {`create type place as (name text, at geometry)`, `create domain spot as geometry(Point,4326)`},
	"vector":  {`create domain embedding as vector(3)`},
}

// TestValuesOfExtensionsByCopyAndStream has the values of PostGIS and pgvector copied, inserted, and
// left as they are by an update of another column: each is the text that ::text gives.
func TestValuesOfExtensionsByCopyAndStream(t *testing.T) {
	t.Parallel()
	for extension := range extensionCases {
		t.Run(extension, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			tables := d.extensionTables(extension)
			var names []string
			for _, c := range tables {
				names = append(names, c.table)
			}
			f := follow(t, d.source(names...), nil)
			f.untilCopied()
			for _, name := range names {
				d.exec(fmt.Sprintf(`insert into %[1]s select id + 100, v from %[1]s`, name), fmt.Sprintf(`update %s set n = id`, name))
			}
			f.catchUp(d)
			if !slices.ContainsFunc(f.log, func(c engine.Change) bool {
				return c.Operation == engine.Update && c.New[1].Kind() == relation.Unchanged
			}) {
				t.Error("no update left a value out")
			}
			for _, c := range tables {
				if printed := d.text(fmt.Sprintf(`select count(*)::text from %s where v::text <> format('%%s', v)`, c.table)); printed != "0" {
					t.Errorf("%s: %s values are printed otherwise than ::text says", c.typ, printed)
				}
				values, _ := strconv.Atoi(d.text(fmt.Sprintf(`select count(v)::text from %s where id < 100`, c.table)))
				if n := d.compare(f, c); n == 0 || n != values {
					t.Errorf("%s: %d values were compared, want %d", c.typ, n, values)
				}
				if got := f.schema(d.name + "." + c.table).Columns[1].Type; got.Name != c.typ || (got.Kind == relation.Array) != (c.element != "") {
					t.Errorf("%s has type %+v", c.typ, got)
				}
			}
		})
	}
}

// extensionTables makes a table of each of an extension's types with its values; those that
// only a later version has are left out.
func (d *database) extensionTables(extension string) []*typeTable {
	d.t.Helper()
	d.needsExtension(extension)
	d.exec(`create extension ` + extension)
	d.exec(extensionTypes[extension]...)
	var tables []*typeTable
	for i, c := range extensionCases[extension] {
		element, isArray := strings.CutSuffix(c.declared, "[]")
		name, _, _ := strings.Cut(element, "(")
		if d.text(`select (to_regtype($1) is null)::text`, name) == "true" {
			continue
		}
		made := &typeTable{table: fmt.Sprintf("t%d", i), typ: c.declared, delimiter: ","}
		if isArray {
			made.element, made.delimiter = element, d.text(`select typdelim::text from pg_type where oid = to_regtype($1)`, name)
		}
		tables = append(tables, made)
		d.exec(fmt.Sprintf(`create table %s (id int primary key, v %s, n int)`, made.table, c.declared))
		for id, v := range append(c.values, "null") {
			d.exec(fmt.Sprintf(`insert into %s values (%d, %s)`, made.table, id, v))
		}
	}
	return tables
}

// needsExtension skips a test of what an extension brings that is not there.
func (d *database) needsExtension(name string) {
	d.t.Helper()
	if d.text(`select exists (select from pg_available_extensions where name = $1)::text`, name) != "true" {
		d.t.Skipf("the extension %s is not installed for PostgreSQL %d", name, shared.Major())
	}
}
