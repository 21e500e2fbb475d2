package postgres

import (
	"strings"
	"testing"

	"odsd/engine"
)

// A right that is taken while the stream runs ends nothing that is stored: at the next connect the
// source says what it lacks, tries again, and goes on without gap or double once it has it back.
func TestRightLostWhileStreaming(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, take, give, code string }{
		{"to log in", `alter role %role nologin`, `alter role %role login`, codeAuthentication},
		{"to connect", `revoke connect on database %database from public`, `grant connect on database %database to public`, codePrivilege},
		{"to replicate", `alter role %role noreplication`, `alter role %role replication`, codePrivilege},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			role, dsn := d.role("replication")
			d.exec(`create table t (id int primary key, v text)`, `insert into t values (1, 'a')`, `grant select on t to `+role, `create publication odsd_`+d.name+` for table t`)
			f := follow(t, d.sourceAs(dsn, "t"), nil)
			f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
			in := func(sql string) string { return replaceNames(sql, role, d.name) }
			d.exec(in(c.take), `insert into t values (2, 'b')`,
				`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`)
			f.until("it says what is wrong, and serves on", func() bool { return f.state() == engine.Stale && f.fault() == c.code })
			d.exec(in(c.give), `insert into t values (3, 'c')`)
			f.compare(d, "t", "id, v")
			f.stop()
			if f.doubled > 0 {
				t.Errorf("%d transactions came twice", f.doubled)
			}
		})
	}
}

func replaceNames(sql, role, database string) string {
	return strings.NewReplacer("%role", role, "%database", database).Replace(sql)
}
