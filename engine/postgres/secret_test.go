package postgres

import (
	"os"
	"path/filepath"
	"testing"

	"odsd/engine"
)

// A password that was rotated is read anew from its file: the source serves what
// it has while the old one is refused, and goes on by itself with the new one.
func TestRotatedPasswordIsReadAnew(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.exec(`create table t (id int primary key)`, `create role `+d.name+` login replication password 'first'`,
		`grant select on t to `+d.name, `create publication odsd_`+d.name+` for table t`)
	file := filepath.Join(t.TempDir(), "dsn")
	write := func(password string) {
		if err := os.WriteFile(file, []byte(d.dsnOf(d.name, password)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	s := d.source("t")
	s.config.ReadDSN = func() (string, error) {
		dsn, err := os.ReadFile(file)
		return string(dsn), err
	}
	f := follow(t, s, nil)
	f.until("it streams", func() bool { return f.copied && f.state() == engine.Streaming })
	d.exec(`alter role `+d.name+` password 'second'`, `select pg_terminate_backend(pid) from pg_stat_activity where usename = '`+d.name+`'`,
		`insert into t values (1)`)
	f.until("the password is refused", func() bool { return f.state() == engine.Stale && f.fault() == codeAuthentication })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	f.until("the secret is absent", func() bool { return f.fault() == codeConfig })
	write("second")
	f.compare(d, "t", "id")
	f.stop()
	d.untilSlotIdle()
}
