package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestNamesOfEveryKind captures tables, columns, schemas and types whose names
// need care somewhere on their way.
func TestNamesOfEveryKind(t *testing.T) {
	t.Parallel()
	names := []string{
		"Mixed Case", "select", "__typename", "żółć 🦆", strings.Repeat("n", 63), strings.Repeat("ż", 31), `quo"te`, `back\slash`, "apos'trophe",
		"dot.ted", "with,comma", "%s %d", "$1", "0digit", " blank ", "semi;colon", "null", "tab\there", "new\nline", "{brace}", "(paren)",
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			q := pgx.Identifier{name}.Sanitize()
			d.exec(`create schema `+q, `create type public.`+q+` as enum ('a', `+"'"+strings.ReplaceAll(name, "'", "''")+"'"+`)`,
				`create table `+q+`.`+q+` (`+q+` int primary key, "v `+strings.ReplaceAll(name[:min(len(name), 20)], `"`, `""`)+`" public.`+q+`)`,
				`create unique index on `+q+`.`+q+` (`+q+`)`, `comment on table `+q+`.`+q+` is 'a comment'`)
			table := q + `.` + q
			d.exec(`insert into ` + table + ` values (1, 'a')`)
			wanted := name + "." + name
			if strings.Contains(name, ".") {
				wanted = "*" // the configuration divides at the first dot
				d.exec(`create publication odsd_` + d.name + ` for table ` + table)
			}
			f := follow(t, d.source(wanted), nil)
			f.untilCopied()
			d.exec(`insert into `+table+` values (2, '`+strings.ReplaceAll(name, "'", "''")+`')`, `update `+table+` set `+q+` = 3 where `+q+` = 1`, `delete from `+table+` where `+q+` = 9`)
			f.catchUp(d)
			if got, want := f.table(d.name+"."+name+"."+name), "2 "+name+"\n3 a"; got != want {
				t.Errorf("rows %q, want %q", got, want)
			}
			if c := f.schema(d.name + "." + name + "." + name).Columns[0]; c.Name != name {
				t.Errorf("column %q", c.Name)
			}
		})
	}
}
